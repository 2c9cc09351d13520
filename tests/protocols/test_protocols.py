"""What the protocols ask."""

import re
import signal
from dataclasses import replace

import pandas as pd
import pytest

import bench.platform.files
from bench.request import protocol_catalogue
from detectors import catalogue
from protocols.api import AXES, Unanswerable
from protocols.cross_generator import CrossGenerator
from protocols.degradation import DegradationMatrix
from protocols.released import Released
from tests.support.command_line import call
from tests.support.entry_points import install
from tests.support.protocol_runs import FakeImages, ProtocolRunner
from tests.support.protocol_runs import fake_scope as scope

NOT_OF_RELEASED = {"attribution", "training_share"}  # which ask released rows nothing
REQUIRED = {"transfer_to": {"to": "more"}}  # values of options that have no default


def places(cells):
    return [(cell.train.name if cell.train else cell.checkpoint, cell.test.name) for cell in cells]


def steps(cells):
    return [cell.test.degradation for cell in cells]


def test_cross_generator_is_the_whole_square_for_each_detector_and_seed():
    cells = CrossGenerator().cells(scope(("d", "e"), (0, 1)))
    assert len(cells) == len(set(cells)) == 2 * 2 * 9
    assert set(places(cells)) == {(r, c) for r in "abc" for c in "abc"}
    assert {cell.train.split for cell in cells} == {"train"}
    assert {cell.test.split for cell in cells} == {"val"}


def test_cross_generator_rows_can_be_chosen():
    cells = CrossGenerator(train_on=("c",)).cells(scope())
    assert places(cells) == [("c", "a"), ("c", "b"), ("c", "c")]


def test_degradation_prefers_what_genimage_trained_on():
    cells = DegradationMatrix().cells(scope(generators=("ADM", "SDv1.4")))
    assert set(places(cells)) == {("SDv1.4", "SDv1.4")}
    assert steps(cells) == ["none", "lr:112", "lr:64", "jpeg:65", "jpeg:30", "blur:3", "blur:5"]


def test_degradation_trains_on_the_first_generator_otherwise_and_can_test_all():
    one = DegradationMatrix().cells(scope())
    every = DegradationMatrix(test_all=True).cells(scope())
    assert set(places(one)) == {("a", "a")}
    assert set(places(every)) == {("a", "a"), ("a", "b"), ("a", "c")}


@pytest.mark.parametrize("test_all", [False, True])
def test_degradation_asks_a_released_row_alone_what_it_asks_it_beside_trained_ones(test_all):
    protocol = DegradationMatrix(train_on=("b", "a+c"), degradations=("jpeg:50",), test_all=test_all)
    alone, beside = (
        [cell.test for cell in protocol.cells(scope(names, checkpoints=("x",))) if cell.checkpoint]
        for names in (("x",), ("d", "x"))
    )
    assert alone == beside
    named = {("a",), ("b",), ("c",)} if test_all else {("b",), ("a", "c")}
    assert {test.generators for test in alone} == named


def test_small_images_get_milder_steps_as_well():
    found = set(steps(DegradationMatrix().cells(scope(short_side=128))))
    assert {"jpeg:85", "blur:0.5", "blur:1", "lr:96", "blur:5", "jpeg:30"} <= found


def test_rows_are_generators_with_training_images_and_columns_those_held_out():
    cells = CrossGenerator().cells(scope(held_out="test", untrained=("a", "c")))
    assert places(cells) == [("b", "a"), ("b", "b"), ("b", "c")]
    assert {cell.test.split for cell in cells} == {"test"}
    with pytest.raises(Unanswerable, match="no generated images in its train split"):
        CrossGenerator().cells(scope(untrained=("a", "b", "c")))


def test_every_protocol_that_trains_on_generators_can_be_told_which():
    without = {*protocol_catalogue.names()} - {*protocol_catalogue.protocols_with_option("train_on")}
    assert without == {"few_shot", "release_dates", "released"}


@pytest.mark.parametrize("name", protocol_catalogue.protocols_with_option("train_on"))
def test_a_generator_that_is_not_there_is_named_with_those_that_are(name):
    protocol = protocol_catalogue.make_protocol(name, {"train_on": "z", **REQUIRED.get(name, {})})
    with pytest.raises(Unanswerable, match=r"'z' is not in the data's train split, which has a, b, c"):
        protocol.cells(scope())


@pytest.mark.parametrize("name", sorted({*protocol_catalogue.protocols_with_option("train_on")} - NOT_OF_RELEASED))
def test_named_generators_restrict_what_a_released_row_is_asked_whether_others_are_trained_or_not(name):
    protocol = protocol_catalogue.make_protocol(name, {"train_on": "a,b", **REQUIRED.get(name, {})})
    others = {data: FakeImages() for data in protocol.data_sets()}
    alone, beside = (
        {
            (cell.test.data, cell.test.generators)
            for cell in protocol.cells(scope(names, checkpoints=("x",), others=others, differentiable=("x",)))
            if cell.checkpoint
        }
        for names in (("x",), ("d", "x"))
    )
    assert alone
    assert alone == beside


@pytest.mark.parametrize("name", protocol_catalogue.names())
def test_every_protocol_is_one_that_the_bench_can_show(name):
    protocol = protocol_catalogue.make_protocol(name, REQUIRED.get(name, {}))
    assert protocol.name == name
    assert {protocol.view.rows, protocol.view.columns} <= {*AXES, *protocol.axes}
    assert not AXES.keys() & protocol.axes.keys()
    others = {data: FakeImages() for data in protocol.data_sets()}
    generators = ("ADM", "BigGAN", "SDv1.4")  # which have release dates
    checkpoints = () if protocol.trains else ("d", "e")
    asked = scope(("d", "e"), (0, 1), checkpoints, others, differentiable=("e",), generators=generators)
    cells = protocol.cells(asked)
    assert cells
    assert len(set(cells)) == len(cells)
    groups = protocol.groups(cells, asked)
    assert len({group.name for group in groups}) == len(groups)
    assert all(group.cells <= set(cells) for group in groups)
    roles = [group.role for group in groups if group.role]
    assert len(set(roles)) == len(roles)


def test_degradations_can_be_chosen_and_are_spelled_one_way():
    cells = DegradationMatrix(degradations=("none", "blur:1.0", "lr:64+jpeg:30")).cells(scope())
    assert steps(cells) == ["none", "blur:1", "lr:64+jpeg:30"]


@pytest.mark.parametrize("protocol", [CrossGenerator(), DegradationMatrix(test_all=True), Released()])
def test_a_released_checkpoint_is_tested_everywhere_and_trained_nowhere(protocol):
    cells = protocol.cells(scope(("x",), (0, 1, 2), ("x",)))
    clean = [cell for cell in cells if cell.test.degradation == "none"]
    assert places(clean) == [("x.pth", "a"), ("x.pth", "b"), ("x.pth", "c")]


def test_released_rows_stand_beside_trained_ones_and_in_no_average_of_training():
    asked = scope(("d", "x"), checkpoints=("x",))
    protocol = CrossGenerator()
    cells = protocol.cells(asked)
    released = {cell for cell in cells if cell.checkpoint}
    assert (len(cells), len(released)) == (12, 3)
    assert all(not group.cells & released for group in protocol.groups(cells, asked))


def test_a_degradation_matrix_of_released_rows_needs_no_training_images():
    cells = DegradationMatrix().cells(scope(("x",), checkpoints=("x",), untrained=("a", "b", "c")))
    assert {cell.test.name for cell in cells} == {"a", "b", "c"}


def test_released_asks_every_data_set_and_degradation():
    asked = replace(
        scope(("x", "y"), checkpoints=("x", "y")), other_images={"more": FakeImages(generators=("a",), held_out="test")}
    )
    protocol = Released(degradations=("jpeg:70", "none", "blur:1.0"))
    cells = protocol.cells(asked)
    assert len(cells) == 2 * (3 + 1) * 3
    assert {(cell.test.data, cell.test.split) for cell in cells} == {("", "val"), ("more", "test")}
    groups = {group.name: len(group.cells) for group in protocol.groups(cells, asked)}
    assert groups == {"none": 8, "degraded": 16, "jpeg:70": 8, "blur:1": 8, "data: the first": 18, "data: more": 6}
    axis = protocol.axes["generator"].value
    assert {axis(cell) for cell in cells} == {"a", "b", "c", "more:a"}


def test_released_trains_nothing():
    with pytest.raises(Unanswerable, match=r"d would have to be trained, and this protocol trains nothing"):
        Released().cells(scope(("d", "x"), checkpoints=("x",)))


@pytest.fixture
def asked(run_on_kinds, tmp_path, monkeypatch):
    """What a run of a protocol needs beside its name: a detector that can do every task, further data, dates."""
    install(monkeypatch, catalogue.GROUP, nearest_class="tests.support.multiclass:NearestClassRecipe")
    table = tmp_path / "dates.toml"
    dates = {"even": "2020-01", "odd": "2021-01"}
    table.write_text("".join(f'[{one}]\ndate = "{date}"\nsource = "x"\n' for one, date in dates.items()))
    options = {
        "transfer_to": {"to": str(run_on_kinds.data)},
        "release_dates": {"table": str(table)},
        "adversarial": {"detectors": ("clip_probe",), "attacks": "fgsm:2", "images": "8"},  # it needs a gradient
    }
    return lambda name: {"detectors": ("nearest_class",), **options.get(name, {})}


TRAINING = sorted({*protocol_catalogue.names()} - {"released"})


@pytest.mark.parametrize("name", TRAINING)
def test_a_dry_run_says_what_would_be_done_and_does_nothing(name, run_on_kinds, asked, tmp_path):
    untouched = replace(run_on_kinds, root=tmp_path / "root")
    said = untouched.dry(name, **asked(name))
    found = re.search(r"To answer: (\d+) of (\d+) cells, (\d+) fits, (\d+) images to decode", said)
    assert found, said
    cells, planned, fits, images = map(int, found.groups())
    assert cells == planned > 0
    assert 0 < fits <= cells
    assert images >= 64  # what one of the two generators has of a split
    assert not untouched.root.exists()


@pytest.mark.parametrize("name", protocol_catalogue.names())
def test_every_protocol_shares_the_command_line_with_the_options_of_a_run(name):
    done = call({}, "run", "--protocol", name, "--help")
    assert done.returncode == 0, done.stderr
    assert f"Options of the protocol {name}" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINING)
def test_a_killed_run_goes_on_to_the_same_table(name, run_on_kinds, asked, tmp_path, monkeypatch):
    undisturbed = replace(run_on_kinds, root=tmp_path / "undisturbed")(name, report=False, **asked(name))
    killed, writes = replace(run_on_kinds, root=tmp_path / "killed"), []
    request = killed.request(name, **asked(name))

    def dying(path, write, real=bench.platform.files.write_atomically):
        writes.append(path)
        if len(writes) == 4:
            signal.raise_signal(signal.SIGINT)
        real(path, write)

    with monkeypatch.context() as patch:
        patch.setattr("bench.platform.seals.write_atomically", dying)
        patch.setattr("bench.platform.checksums.write_atomically", dying)
        with pytest.raises(KeyboardInterrupt):
            killed.run(request)
    resumed = killed.run(request)
    pd.testing.assert_frame_equal(resumed.cells, undisturbed.cells)


def test_protocols_share_fits_and_scores_through_the_cache(miniature_folder, tmp_path):
    runner = ProtocolRunner(miniature_folder, tmp_path / "runs", answers=True)
    generators = ("even", "odd", "faint")
    first = runner("cross_generator")
    assert [first.count(what) for what in ("fits made", "cells reused", "cells answered")] == [3, 0, 9]
    second = runner("degradation", train_on="even", degradations="jpeg:65")
    assert [second.count(what) for what in ("fits made", "cells reused")] == [0, 1]
    third = runner("degradation", train_on="even", degradations="jpeg:65,blur:1", test_all="true")
    assert [third.count(what) for what in ("fits made", "cells reused", "cells answered")] == [0, 3 + 1, 9 - 4]
    same = third.run.scores.merge(first.run.scores, on=["key", "name"])
    assert same["key"].nunique() == len(generators)
    assert (same["score_x"] == same["score_y"]).all()
