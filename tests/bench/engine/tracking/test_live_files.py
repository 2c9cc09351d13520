"""The files of a run that goes on: written at once where it matters, seldom where it does not, and gone at the end."""

import time

import pytest

import bench.engine.tracking.live_files as module
from bench.engine.tracking.live_files import LiveCurves, LiveFiles
from bench.records.live_record import LivePlan, read_live_progress, read_live_training
from bench.records.outcomes import Failed, Skipped
from bench.records.store import Store
from protocols.api import Cell, Subset
from tests.support.synthetic_runs import make_run


@pytest.fixture
def store(tmp_path):
    return Store.at(tmp_path)


@pytest.fixture
def live(store):
    files = LiveFiles(store, LivePlan(make_run(detectors=("alpha",)).manifest, [], []))
    yield files
    files.ended(None)


def waited_for(what):
    """Wait until something holds."""
    end = time.monotonic() + 10
    while not what() and time.monotonic() < end:
        time.sleep(0.02)
    return what()


def test_a_stage_is_written_at_its_start_and_steps_once_a_second(store, live):
    live.stage_at("score", 0, 10)
    assert read_live_progress(store.root).stage.done == 0
    for done in range(1, 6):
        live.stage_at("score", done, 10)
    assert read_live_progress(store.root).stage.done == 0
    assert waited_for(lambda: read_live_progress(store.root).stage.done == 5)


def test_many_steps_are_few_writings(store, live, monkeypatch):
    written = []
    monkeypatch.setattr(Store, "write", lambda self, name, data: written.append(name))
    for done in range(5000):
        live.stage_at("score", done + 1, 5000)
    assert len(written) <= 3


def test_reasons_are_kept_by_reason(store, live):
    live.left_out({"a": Failed("ValueError: one"), "b": Skipped("no weights")})
    live.left_out({"c": Failed("ValueError: one")})
    live.stage_at("score", 0, 1)
    found = {(one.status, one.reason): one.keys for one in read_live_progress(store.root).left_out}
    assert found == {("failed", "ValueError: one"): ("a", "c"), ("skipped", "no weights"): ("b",)}


def test_the_last_lines_are_kept(store, live):
    for number in range(100):
        live.said(f"line {number}\nmore")
    live.stage_at("score", 0, 1)
    notices = read_live_progress(store.root).notices
    assert len(notices) == module.NOTICES
    assert notices[-2:] == ("line 99", "more")


def test_what_ended_a_run_is_said_and_nothing_written_after(store, live):
    live.ended(KeyboardInterrupt())
    live.said("too late")
    time.sleep(0.05)
    found = read_live_progress(store.root)
    assert (found.state, found.error, found.notices) == ("ended", "interrupted", ())


def test_nothing_is_left_of_a_run_that_finished(store, live):
    live.said("a line")  # which waits to be written
    live.ended(None)
    time.sleep(1.2)
    assert not (store.root / "live").exists()


def test_a_folder_that_cannot_be_written_stops_nothing(store, live, monkeypatch):
    def refuse(self, name, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "write", refuse)
    live.stage_at("score", 0, 1)
    live.stage_at("fit", 0, 1)
    with LiveCurves(store.root)(cell()) as callback:
        callback(0, {"train_loss": 1.0})


def cell():
    return Cell("npr", Subset(("even",), "train"), Subset(("odd",), "val"))


def test_epochs_are_written_while_they_come(store):
    with LiveCurves(store.root)(cell()) as callback:
        callback(4, {"train_loss": 1.0})
        (path,) = (store.root / "live" / "trainings").iterdir()
        assert read_live_training(path).epochs == ({"train_loss": 1.0},)
        callback(5, {"train_loss": 0.5})
    found = read_live_training(path)
    assert (found.detector, found.train, found.first) == ("npr", "even-0", 4)
    assert [epoch["train_loss"] for epoch in found.epochs] == [1.0, 0.5]


def test_a_training_without_epochs_leaves_no_file(store):
    with LiveCurves(store.root)(cell()):
        pass
    assert not (store.root / "live").exists()
