"""A run as figures see it: order, colours, titles."""

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from bench.evaluation.leaderboard import rankings_of
from bench.platform.errors import InputError
from bench.records.store import TRAINING, Store
from bench.report.figures.findings import Findings
from bench.report.figures.opened_images import NoImages, OpenedImages
from tests.support.result_folders import store_run
from tests.support.synthetic_runs import make_run, with_data, with_detector, with_manifest, with_released


def ranked():
    run = make_run(lambda detector, *_: {"alpha": 0.6, "beta": 0.9}[detector])
    return with_detector(run, "alpha", shortcut="the names of the files")


def test_detectors_stand_best_first_in_every_view():
    findings = Findings.of(ranked())
    assert [row.detector for _, row in findings.rows] == list(findings.matrices) == list(findings.hues)
    assert list(findings.matrices) == ["beta", "alpha"]


def test_a_baseline_is_marked():
    findings = Findings.of(ranked())
    assert (findings.title("alpha"), findings.title("beta")) == ("alpha (baseline)", "beta")


def test_the_family_is_that_of_the_card():
    run = with_detector(ranked(), "beta", card={"family": "frequency"})
    findings = Findings.of(run)
    assert (findings.family("beta"), findings.family("alpha")) == ("frequency", "")
    assert findings.hues["beta"].css.split("-")[0] != findings.hues["alpha"].css.split("-")[0]


def test_what_was_asked_is_said_in_full():
    run = with_manifest(make_run(seeds=(0, 1)), setting="paper")
    said = Findings.of(run).about()
    assert said == "Data: rendered scenes, tiny generators. Setting: paper. 2 training seeds."


def epochs(*fits, count=3):
    """The rows of some trainings in the file of a run."""
    rows = [(fit, fit.partition("-")[0], "fog", 0, epoch, 0.5) for fit in fits for epoch in range(count)]
    return pd.DataFrame(rows, columns=["fit", "detector", "train", "seed", "epoch", "train_loss"])


def stored(run, folder, training=None):
    """A result folder with a run, and the epochs of its trainings."""
    store_run(run, folder)
    if training is not None:
        Store(folder).write(TRAINING, training.to_csv(index=False).encode())
    return folder


def opened(folder):
    return OpenedImages(SimpleNamespace(folder=folder), 1)


def fits(findings):
    return findings.training.groupby("fit").size().to_dict()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two runs of one question that share a detector, one of another question, and one of other data."""
    root = tmp_path_factory.mktemp("folders")
    return {
        "first": stored(make_run(detectors=["alpha", "beta"], n=4), root / "first", epochs("alpha-1", "beta-1")),
        "second": stored(make_run(detectors=["beta", "gamma"], n=4), root / "second", epochs("beta-1", "gamma-1")),
        "steps": stored(make_run(degraded=True, n=4), root / "steps", epochs("alpha-2")),
        "other": stored(with_data(make_run(n=4), digest="other"), root / "other"),
    }


def test_runs_of_one_question_are_joined_and_trainings_are_not_doubled(folders):
    (found,) = Findings.read([folders["first"], folders["second"]], opened)
    assert {row.detector for _, row in found.rows} == {"alpha", "beta", "gamma"}
    assert fits(found) == {"alpha-1": 3, "beta-1": 3, "gamma-1": 3}
    assert found.training.index.tolist() == list(range(9))
    assert found.images.found.folder == folders["first"]


def test_questions_are_kept_apart_with_their_own_trainings_and_images(folders):
    first, steps, other = Findings.read([folders[name] for name in ("first", "steps", "other")], opened)
    assert fits(first) == {"alpha-1": 3, "beta-1": 3}
    assert fits(steps) == {"alpha-2": 3}
    assert other.training.empty
    assert [one.images.found.folder.name for one in (first, steps, other)] == ["first", "steps", "other"]
    assert other.manifest.data.digest == "other"


def test_runs_of_one_protocol_and_data_whose_cells_differ_do_not_share_trainings(folders, tmp_path):
    """They are not joined, so what one trained says nothing of the other."""
    run = make_run(n=4)
    few = run.cells["train"].eq("fog")
    keys = run.cells.loc[few, "key"]
    part = replace(run, cells=run.cells[few].reset_index(drop=True), score_table=run.score_table.only(keys))
    smaller = stored(part, tmp_path / "smaller", epochs("alpha-9"))
    first, second = Findings.read([folders["first"], smaller], opened)
    assert (fits(first), fits(second)) == ({"alpha-1": 3, "beta-1": 3}, {"alpha-9": 3})
    assert second.images.found.folder == smaller


def test_images_are_those_of_the_first_run_that_has_them(folders):
    pair = [folders["first"], folders["second"]]
    (found,) = Findings.read(pair, lambda folder: NoImages("gone") if folder == pair[0] else opened(folder))
    assert found.images.found.folder == folders["second"]
    (found,) = Findings.read(pair, lambda folder: NoImages(f"{folder.name} is gone"))
    assert found.images == NoImages("first is gone")
    (found,) = Findings.read(pair)
    assert found.images == NoImages("The images were not asked for.")


def test_a_run_of_trained_and_released_rows_stays_one(tmp_path):
    run = with_released(make_run(n=4), "beta")
    (found,) = Findings.read([stored(run, tmp_path / "run")])
    assert [ranking.released for ranking in found.rankings] == [False, True]
    assert [ranking.rows[0].detector for ranking in found.rankings] == ["alpha", "beta"]
    assert [row.means for _, row in found.rows] == [one.rows[0].means for one in rankings_of(run)]


def test_detectors_in_two_versions_and_folders_without_a_run_are_refused(folders, tmp_path):
    newer = with_detector(make_run(detectors=["alpha"], n=4), "alpha", key="alpha.2.small", version=2)
    with pytest.raises(InputError, match=r"alpha appears as alpha\.1\.small and as alpha\.2\.small"):
        Findings.read([folders["first"], stored(newer, tmp_path / "newer")])
    with pytest.raises(InputError, match="holds no run"):
        Findings.read([tmp_path])
