"""How busy the machine is with other work while something is timed, and whether a timing is to be trusted."""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

LEAST_SHARE = 0.8  # of the processor time that was asked for; below it, a timing is of the queue
OTHERS_SHARE, OTHERS_CORES = 0.1, 0.25  # of the machine's cores, and at least: less than this is the system's own work
UNKNOWN = float("nan")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class MachineLoad:
    """The load of the machine while something was timed; NaN for what the system does not say.

    Attributes:
        before: Processes that wanted a core in the minute before, on average, those of the run among them.
        cpu_share: Of the processor time that this process asked for, what it got, in [0, 1].
        other_cores: Cores that were busy with other processes, on average, 0 or more.
        cores: Cores of the machine, 1 or more.
    """

    before: float
    cpu_share: float
    other_cores: float
    cores: int

    @property
    def disturbed(self) -> bool:
        """Whether other work took part of the machine: what was timed would be faster on an idle one."""
        most = max(OTHERS_CORES, OTHERS_SHARE * self.cores)
        return self.cpu_share < LEAST_SHARE or self.other_cores > most


class _Reading(NamedTuple):
    """Seconds: by the clock, on a core, waiting for one, and of all cores that were busy."""

    clock: float
    ran: float
    waited: float
    busy: float


class LoadWatch:
    """Watches the load from when it is made until it is asked."""

    def __init__(self) -> None:
        self._before = _load_average()
        self._start = _read()

    def load(self) -> MachineLoad:
        """The load since it was made."""
        start, end = self._start, _read()
        clock, ran, waited, busy = (after - before for before, after in zip(start, end, strict=True))
        asked = (
            max(clock, ran) if math.isnan(waited) else ran + max(0.0, waited)
        )  # a thread at least asked all the time
        share = min(1.0, ran / asked) if asked > 0 else 1.0
        others = (busy - ran) / clock if clock > 0 else UNKNOWN
        return MachineLoad(self._before, share, others if math.isnan(others) else max(0.0, others), _cores())


def _read() -> _Reading:
    ran, waited = _scheduled()
    return _Reading(time.perf_counter(), ran, waited, _busy())


def _scheduled() -> tuple[float, float]:
    """Seconds that the threads of this process ran, and that they waited for a core: NaN but on Linux."""
    waited = 0.0
    try:
        for path in (_PROC / "self/task").iterdir():
            waited += int((path / "schedstat").read_text().split()[1]) / 1e9
    except (OSError, ValueError, IndexError):
        return time.process_time(), UNKNOWN
    return time.process_time(), waited


def _busy() -> float:
    """Seconds that all cores of the machine were busy, since it was started: NaN but on Linux."""
    try:
        with (_PROC / "stat").open() as file:
            user, nice, system, _, _, *others = (int(text) for text in file.readline().split()[1:9])
        return sum((user, nice, system, *others)) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError):
        return UNKNOWN


def _load_average() -> float:
    try:
        return os.getloadavg()[0]
    except (AttributeError, OSError):  # Windows has none
        return UNKNOWN


def _cores() -> int:
    return os.cpu_count() or 1
