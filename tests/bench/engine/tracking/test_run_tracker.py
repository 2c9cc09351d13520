"""Trackers hear of everything; the accuracy that they are told is that of the board."""

import pickle
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from bench.engine.tracking.live_files import LiveCurves
from bench.engine.tracking.run_tracker import CurveTracker, JoinedTrackers, RunTracker, answer_accuracy
from bench.evaluation.cells import evaluate
from bench.records.store import Store
from bench.request.execution import execute
from bench.request.planned_run import plan_run
from protocols.api import Cell, Subset
from tests.support.protocol_runs import ProtocolRunner

CELL = Cell("npr", Subset(("even",), "train"), Subset(("odd",), "val"))


class Recorder(RunTracker):
    def __init__(self):
        self.accuracies, self.outcomes, self.ends = {}, {}, []

    def answered(self, cells):
        for item, images, answer in cells:
            assert item.key not in self.accuracies
            self.accuracies[item.key] = answer_accuracy(item, images, answer)

    def left_out(self, outcomes):
        self.outcomes |= outcomes

    def ended(self, error):
        self.ends.append(error)


@dataclass
class Epochs:
    seen: list

    @contextmanager
    def __call__(self, cell):
        yield lambda number, epoch: self.seen.append((cell, number, epoch))


class Clock(RunTracker):
    def __init__(self):
        self.seconds = []

    def fitted(self, item, seconds):
        self.seconds.append((item, seconds))

    def wrote(self, seconds):
        self.seconds.append(("written", seconds))


def test_each_of_several_is_told_how_long_fits_and_writing_took():
    clocks = [Clock(), Clock()]
    joined = JoinedTrackers([clocks[0], RunTracker(), clocks[1]])
    joined.fitted("a cell", 2.0)
    joined.wrote(0.5)
    assert clocks[0].seconds == clocks[1].seconds == [("a cell", 2.0), ("written", 0.5)]


def test_every_cell_is_told_once_with_the_accuracy_of_the_board(miniature, tmp_path, quiet):
    request = ProtocolRunner(miniature, tmp_path).request("cross_generator")
    tracker = Recorder()
    run = execute(plan_run(request, quiet), Store.at(request.out), quiet, JoinedTrackers([tracker, RunTracker()]))
    table = evaluate(run).table.set_index("key")["ranked_accuracy"]
    assert tracker.accuracies == pytest.approx(table.to_dict())
    assert tracker.outcomes == {}
    again = Recorder()
    execute(plan_run(request, quiet), Store.at(request.out), quiet, again)
    assert again.accuracies == {}  # they are recorded already


def test_the_accuracy_of_an_attribution_is_that_of_the_board(miniature, tmp_path, quiet):
    request = ProtocolRunner(miniature, tmp_path).request("attribution", detectors=("clip_classes",))
    tracker = Recorder()
    run = execute(plan_run(request, quiet), Store.at(request.out), quiet, tracker)
    table = evaluate(run).table.set_index("key")["ranked_accuracy"]
    assert tracker.accuracies == pytest.approx(table.to_dict())


def test_joined_curves_are_written_by_each(tmp_path):
    one, other = Epochs([]), Epochs([])
    joined = JoinedTrackers([CurveTracker(one), RunTracker(), CurveTracker(other)])
    with joined.curves(CELL) as callback:
        callback(0, {"train_loss": 1.0})
    assert one.seen == other.seen == [(CELL, 0, {"train_loss": 1.0})]
    with JoinedTrackers([RunTracker()]).curves(CELL) as callback:
        assert callback is None


def test_joined_curves_can_be_sent_to_another_process():
    curves = JoinedTrackers([CurveTracker(LiveCurves(Path("a"))), RunTracker()]).curves
    assert pickle.loads(pickle.dumps(curves)) == curves  # noqa: S301 - of this test


def test_all_hear_of_the_end():
    trackers, error = [Recorder(), Recorder()], ValueError("a")
    JoinedTrackers(trackers).ended(error)
    assert [one.ends for one in trackers] == [[error], [error]]
