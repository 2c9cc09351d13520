"""Attribution: the generator of each image is named."""

import pandas as pd
import pytest

from bench.platform.errors import InputError
from detectors import catalogue
from protocols.api import Unanswerable
from protocols.attribution import Attribution
from tests.support.command_line import call
from tests.support.entry_points import install
from tests.support.protocol_runs import averages, fake_scope


def test_one_train_set_of_all_and_a_cell_for_each_generator():
    cells = Attribution().cells(fake_scope(("d", "e"), (0, 1)))
    assert len(cells) == len(set(cells)) == 2 * 2 * 3
    assert {cell.task for cell in cells} == {"generator"}
    assert {cell.train.generators for cell in cells} == {("a", "b", "c")}
    assert averages(Attribution(), fake_scope()) == {}  # every generator is one that was trained on


def test_generators_that_no_detector_can_know_are_not_tested():
    cells = Attribution().cells(fake_scope(untrained=("b",)))
    assert [cell.test.generators for cell in cells] == [("a",), ("c",)]


def test_what_cannot_name_generators_is_refused():
    with pytest.raises(Unanswerable, match="x would be loaded from a checkpoint"):
        Attribution().cells(fake_scope(("d", "x"), checkpoints=("x",)))
    with pytest.raises(Unanswerable, match="a is the only generator to name"):
        Attribution(train_on=("a",)).cells(fake_scope())


def test_detectors_none_of_which_names_generators_are_one_clear_line(run_on_miniature):
    with pytest.raises(InputError, match=r"none of checkerboard says which generator .* give some of clip_classes"):
        run_on_miniature("attribution")


def test_a_run_shows_who_is_taken_for_whom_and_leaves_others_out_unfitted(run_on_miniature, monkeypatch):
    install(monkeypatch, catalogue.GROUP, nearest_class="tests.support.multiclass:NearestClassRecipe")
    done = run_on_miniature("attribution", detectors=("nearest_class", "checkerboard"))
    by_detector = done.cells.set_index("detector")
    assert set(by_detector.loc["checkerboard", "status"]) == {"skipped"}
    assert "does not say which generator" in by_detector.loc["checkerboard", "reason"].iloc[0]
    assert done.fits == 1
    counts = pd.read_csv(done.folder / "attribution.csv")
    assert counts.groupby("true")["images"].sum().to_dict() == {"even": 6, "faint": 6, "odd": 6, "real": 18}
    right = counts.loc[counts["true"] == counts["named"], "images"].sum() / counts["images"].sum()
    text = (done.folder / "attribution.md").read_text()
    assert f"{100 * right:.1f}" in text
    assert "Confusion of nearest_class" in text
    assert done.matrix("nearest_class").shape == (1, 3)


def test_detectors_that_can_are_asked_where_none_is_named(miniature_folder, tmp_path):
    arguments = ("run", "--protocol", "attribution", "--data", miniature_folder, "--dry-run", "--baselines")
    done = call({"LINEUP_CACHE": str(tmp_path)}, *arguments)
    assert done.returncode == 0, done.stderr
    assert "Detectors: clip_classes, clip_ovo, two_stage in the small setting" in done.stderr + done.stdout
    assert all(catalogue.recipe(name).names_generators for name in Attribution.usual_detectors)
