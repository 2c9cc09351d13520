"""The interface of what follows a run, and several of it as one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np

from bench.engine.plan import PlannedCell
from bench.engine.tracking.training_curves import CurveWriter, no_curves
from bench.images.image_set import ImageSet
from bench.records.columns import GENERATOR, LABEL, PREDICTED
from bench.records.outcomes import Outcome
from bench.records.score_table import NATIVE
from detectors.types import Answer, EpochCallback
from protocols.api import Cell

AnsweredCell = tuple[PlannedCell, ImageSet, Answer]  # the images are those of the answer, in order


class RunTracker:
    """Follows a run; this one does nothing with what it is told.

    None of its methods may raise: a run goes on whatever becomes of those who look at it.
    """

    @property
    def curves(self) -> CurveWriter:
        """Writes curves of trainings; it can be sent to other processes, which fit."""
        return no_curves

    def answered(self, cells: Sequence[AnsweredCell]) -> None:
        """Take the answers of cells that are recorded now."""

    def left_out(self, outcomes: Mapping[str, Outcome]) -> None:
        """Take why cells, given by their keys, have no scores."""

    def fitted(self, item: PlannedCell, seconds: float) -> None:
        """Take that the detector of a cell was fitted now, and how long that took."""

    def wrote(self, seconds: float) -> None:
        """Take how long it took to write the scores of some cells."""

    def ended(self, error: BaseException | None) -> None:
        """Take that everything of the run is written, or what ended it before."""


@dataclass(frozen=True)
class CurveTracker(RunTracker):
    """Has the curves of trainings written, and nothing else."""

    writer: CurveWriter

    @property
    def curves(self) -> CurveWriter:
        """Writes them."""
        return self.writer


@dataclass(frozen=True)
class JoinedTrackers(RunTracker):
    """Tells several trackers the same."""

    trackers: Sequence[RunTracker] = ()

    @property
    def curves(self) -> CurveWriter:
        """Writes what each of them writes."""
        return JoinedCurves(tuple(one.curves for one in self.trackers))

    def answered(self, cells: Sequence[AnsweredCell]) -> None:
        """Take the answers of cells that are recorded now."""
        for one in self.trackers:
            one.answered(cells)

    def left_out(self, outcomes: Mapping[str, Outcome]) -> None:
        """Take why cells, given by their keys, have no scores."""
        for one in self.trackers:
            one.left_out(outcomes)

    def fitted(self, item: PlannedCell, seconds: float) -> None:
        """Take that the detector of a cell was fitted now, and how long that took."""
        for one in self.trackers:
            one.fitted(item, seconds)

    def wrote(self, seconds: float) -> None:
        """Take how long it took to write the scores of some cells."""
        for one in self.trackers:
            one.wrote(seconds)

    def ended(self, error: BaseException | None) -> None:
        """Take that everything of the run is written, or what ended it before."""
        for one in self.trackers:
            one.ended(error)


@dataclass(frozen=True)
class JoinedCurves:
    """Writes the epochs of a training to several places."""

    writers: Sequence[CurveWriter]

    @contextmanager
    def __call__(self, cell: Cell) -> Iterator[EpochCallback | None]:
        """Give a callback for the epochs of a cell's training; None where nobody writes any."""
        with ExitStack() as stack:
            opened = [stack.enter_context(writer(cell)) for writer in self.writers]
            callbacks = [callback for callback in opened if callback is not None]

            def callback(number: int, epoch: Mapping[str, float]) -> None:
                for one in callbacks:
                    one(number, epoch)

            yield callback if callbacks else None


def answer_accuracy(item: PlannedCell, images: ImageSet, answer: Answer) -> float:
    """The accuracy of an answer in [0, 1], both classes counting alike where there are both.

    An image of a cell that asks for generators is called what it is where the right one is named.
    """
    labels = images.table[LABEL].to_numpy()
    correct = (answer.scores > NATIVE.value) == (labels == 1)
    if item.cell.task == "generator":
        correct = answer.diagnostics[GENERATOR] == answer.diagnostics[PREDICTED]
    return float(np.mean([correct[labels == label].mean() for label in np.unique(labels)]))
