"""What a run would take on several machines: its fits and its test sets, packed longest first."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from bench.records import columns
from bench.records.outcomes import Scored
from bench.records.run import Run
from bench.records.timings import RunTimings

MACHINES, SECONDS, FASTER = "machines", "seconds", "times_faster"
FITTING, SCORING, REST = "fitting_s", "scoring_s", "undivided_s"
MACHINE_TIMES = (MACHINES, SECONDS, FASTER, FITTING, SCORING, REST)
TESTED_WITH = (columns.TEST_DATA, columns.TEST, columns.DEGRADATION)  # what is read, decoded and degraded together


def makespan(durations: Iterable[float], machines: int) -> float:
    """When the last of some machines is done, each unit given, longest first, to the one that is free first.

    At most 4/3 - 1/(3 machines) of what the best order takes (Graham 1969, "Bounds on multiprocessing timing
    anomalies").

    Args:
        durations: Of the units, 0 or more.
        machines: 1 or more.

    Returns:
        In the unit of the durations; 0 without any.
    """
    busy = [0.0] * machines
    for duration in sorted(durations, reverse=True):
        heapq.heapreplace(busy, busy[0] + duration)
    return max(busy)


def scores_by_test(run: Run) -> dict[tuple[str, ...], int]:
    """How many scores each test set of a run has, of all its detectors and fits; by data, test and degradation."""
    scored, found = run.cells[run.cells[columns.STATUS].eq(Scored.status)], Counter[tuple[str, ...]]()
    for key, *names in scored[[columns.KEY, *TESTED_WITH]].itertuples(index=False, name=None):
        found[tuple(names)] += len(run.score_table[key].images)
    return found


def machine_table(timings: RunTimings, tests: Mapping[tuple[str, ...], int], machines: Sequence[int]) -> pd.DataFrame:
    """What a run would take on several machines like the one that it was made on.

    All fits are done before the first test set is begun, and machines share a cache, so that what is made once is there
    for all. A fit takes its share of the time that all took, side by side as they were; a test set takes a share of the
    time of scoring by its number of scores, with all detectors. What is neither, as embedding the training images,
    timing detectors and writing tables, takes what it took.

    Args:
        timings: Of the run.
        tests: Its test sets, as `scores_by_test` gives them.
        machines: The numbers of machines that are asked about.

    Returns:
        One row per number, columns `MACHINE_TIMES`: seconds; `FASTER` than on one machine.
    """
    fits = _shares([fit.seconds for fit in timings.fits], timings.fitting)
    scores = _shares(list(tests.values()), timings.scoring)
    rest = timings.seconds - sum(fits) - sum(scores)
    rows = []
    for count in machines:
        fitting, scoring = makespan(fits, count), makespan(scores, count)
        whole = fitting + scoring + rest
        rows.append((count, whole, timings.seconds / whole, fitting, scoring, rest))
    return pd.DataFrame(rows, columns=list(MACHINE_TIMES))


def _shares(sizes: Sequence[float], seconds: float) -> list[float]:
    """Seconds in the proportions of some sizes; none where there are no sizes."""
    total = sum(sizes)
    return [seconds * size / total for size in sizes] if total else []
