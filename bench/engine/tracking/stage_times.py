"""Keeps how long the stages and the fits of a run take, and writes it at its end: `bench.records.timings`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from bench.engine.plan import PlannedCell
from bench.engine.tracking.run_tracker import AnsweredCell, RunTracker
from bench.records.store import Store
from bench.records.timings import TIMINGS, FitTiming, RunTimings, StageTiming


class StageTimes(RunTracker):
    """Follows a run, and listens to the progress that is shown of it.

    A command that answers and fits nothing leaves what is written as it is, and so does one that is ended early.
    """

    def __init__(self, store: Store, workers: int) -> None:
        """Begin with a run whose answers are written by a store, worked on by so many threads."""
        self._store, self._start = store, time.monotonic()
        self._timings = RunTimings(0.0, workers, 0)
        self._stage_start = self._start

    def said(self, text: str) -> None:
        """Take a line that was printed: it says nothing of times."""

    def stage_at(self, name: str, done: int, total: int) -> None:
        """Take how many steps of a stage are done: the time since its begin is its own."""
        del total
        now, stages = time.monotonic(), self._timings.stages
        if not done or not stages or stages[-1].name != name:
            self._stage_start = now
            stages = (*stages, StageTiming(name, 0, 0.0))
        reached = StageTiming(name, done, now - self._stage_start)
        self._timings = replace(self._timings, stages=(*stages[:-1], reached))

    def answered(self, cells: Sequence[AnsweredCell]) -> None:
        """Count the cells."""
        self._timings = replace(self._timings, cells=self._timings.cells + len(cells))

    def fitted(self, item: PlannedCell, seconds: float) -> None:
        """Keep a fit."""
        cell, subset = item.cell, item.fitted_on
        fit = FitTiming(cell.detector, "" if subset is None else subset.name, cell.seed, seconds)
        self._timings = replace(self._timings, fits=(*self._timings.fits, fit))

    def wrote(self, seconds: float) -> None:
        """Add to the time of writing."""
        self._timings = replace(self._timings, writing=self._timings.writing + seconds)

    def ended(self, error: BaseException | None) -> None:
        """Write all."""
        if error is not None or not (self._timings.cells or self._timings.fits):
            return
        whole = replace(self._timings, seconds=time.monotonic() - self._start)
        with suppress(OSError):  # a view of the run, and no part of it
            self._store.write(TIMINGS, whole.to_json())
