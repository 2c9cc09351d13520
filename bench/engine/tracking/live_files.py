"""Keeps `live/` in the result folder of a run that goes on: what `bench.records.live_record` describes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock, Timer

from bench.engine.plan import fit_name
from bench.engine.tracking.run_tracker import RunTracker
from bench.engine.tracking.training_curves import CurveWriter
from bench.platform.files import digest
from bench.platform.processes.endings import this_process
from bench.records.live_record import (
    PLAN,
    PROGRESS,
    TRAININGS,
    LeftOutKeys,
    LivePlan,
    LiveProgress,
    LiveTraining,
    StageRecord,
)
from bench.records.outcomes import Outcome
from bench.records.store import Store
from detectors.types import EpochCallback
from protocols.api import Cell

SECONDS_BETWEEN = 1.0  # writings of progress, at least
SHARE_OF_TIME = 0.05  # of a run that writing it may take, at most
NOTICES = 40  # lines that are kept


class LiveFiles(RunTracker):
    """Writes how far a run is into its folder, about once a second where something changes.

    A folder that cannot be written any more costs the view of the run, and not the run.
    """

    def __init__(self, store: Store, plan: LivePlan) -> None:
        """Write the plan into the folder of a run that starts now."""
        self._store, self._lock = store, Lock()
        self._reasons: dict[tuple[str, str], list[str]] = {}
        now = time.time()
        self._progress = LiveProgress(this_process(), started=now, updated=now)
        self._next_write, self._timer, self._closed = 0.0, None, False
        store.clear_live()
        self._write(lambda: store.write(PLAN, plan.to_json()))
        self._changed(at_once=True)

    _timer: Timer | None

    @property
    def curves(self) -> CurveWriter:
        """Writes the epochs of trainings beside the progress."""
        return LiveCurves(self._store.root)

    def said(self, text: str) -> None:
        """Keep what the run printed."""
        with self._lock:
            self._progress = replace(self._progress, notices=(*self._progress.notices, *text.split("\n"))[-NOTICES:])
        self._changed()

    def stage_at(self, name: str, done: int, total: int) -> None:
        """Keep how far a stage is."""
        known = self._progress.stage
        is_new = known is None or known.name != name or not done
        started = time.time() if known is None or is_new else known.started
        with self._lock:
            self._progress = replace(self._progress, stage=StageRecord(name, done, total, started))
        self._changed(at_once=is_new)

    def left_out(self, outcomes: Mapping[str, Outcome]) -> None:
        """Keep why cells have no scores."""
        with self._lock:
            for key, outcome in outcomes.items():
                self._reasons.setdefault((outcome.status, outcome.reason), []).append(key)
        self._changed()

    def ended(self, error: BaseException | None) -> None:
        """Clear everything away at the end; where the run was ended before, say by what."""
        with self._lock:
            self._closed = True
            if self._timer is not None:
                self._timer.cancel()
            if error is None:
                self._store.clear_live()
                return
            text = f"{type(error).__name__}: {error}" if isinstance(error, Exception) else str(error) or "interrupted"
            self._progress = replace(self._progress, state="ended", error=text.split("\n", maxsplit=1)[0])
            self._write_progress()

    def _changed(self, *, at_once: bool = False) -> None:
        """Write the progress, or see to it that it is written when it may be again."""
        with self._lock:
            wait = self._next_write - time.monotonic()
            if self._closed or (wait > 0 and not at_once and self._timer is not None):
                return
            if wait <= 0 or at_once:
                self._write_progress()
            else:
                self._timer = Timer(wait, self._write_later)
                self._timer.daemon = True
                self._timer.start()

    def _write_later(self) -> None:
        with self._lock:
            self._timer = None
            if not self._closed:
                self._write_progress()

    def _write_progress(self) -> None:
        begun = time.monotonic()
        left_out = tuple(LeftOutKeys(*reason, tuple(keys)) for reason, keys in self._reasons.items())
        self._progress = replace(self._progress, updated=time.time(), left_out=left_out)
        self._write(lambda: self._store.write(PROGRESS, self._progress.to_json()))
        ended = time.monotonic()
        self._next_write = ended + max(SECONDS_BETWEEN, (ended - begun) / SHARE_OF_TIME)

    def _write(self, write: Callable[[], object]) -> None:
        """Write a file, unless the folder has refused one before."""
        try:
            write()
        except (OSError, ValueError):  # also what cannot be written as text, such as bytes of a command line
            self._closed = True


@dataclass(frozen=True)
class LiveCurves:
    """Writes the epochs of every training into a file of its own.

    Attributes:
        root: The result folder.
    """

    root: Path

    @contextmanager
    def __call__(self, cell: Cell) -> Iterator[EpochCallback]:
        """Give a callback that keeps the epochs of a cell's training; no epoch, no file."""
        name, rows = fit_name(cell), list[Mapping[str, float]]()
        path = f"{TRAININGS}/{digest(cell.detector, name)[:32]}.json"
        store, written = Store(self.root), [0.0]

        def write(last: int) -> None:
            training = LiveTraining(cell.detector, name, tuple(rows), last - len(rows) + 1)
            try:
                store.write(path, training.to_json())
            except OSError:
                return  # nobody sees it; the training goes on
            written[0] = time.monotonic()

        numbers: list[int] = []

        def callback(number: int, epoch: Mapping[str, float]) -> None:
            rows.append(dict(epoch))
            numbers.append(number)
            if time.monotonic() - written[0] >= SECONDS_BETWEEN:
                write(number)

        yield callback
        if numbers:
            write(numbers[-1])
