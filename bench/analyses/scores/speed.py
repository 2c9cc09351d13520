"""Accuracy against speed: the detectors that no other one beats in both."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.evaluation.decided_blocks import Mask
from bench.evaluation.leaderboard import Ranking
from bench.records import columns
from detectors.types import Array

VALUE, PARETO = "value", "pareto"
SPEEDS = (columns.DETECTOR, VALUE, columns.IMAGES_PER_S, PARETO, columns.REASON)


def speed_table(ranking: Ranking) -> pd.DataFrame:
    """What ranks and images per second of each row of a ranking.

    Args:
        ranking: Of a run.

    Returns:
        One row per row of the ranking in its order, columns `SPEEDS`: `VALUE`, the average that ranks, in [0, 1] but of
        metrics without bounds; images per second; whether it is in the Pareto set; and why it cannot be in it, "" where
        it can. A row whose average is incomplete is not comparable: its value is NaN.
    """
    rows = []
    for row in ranking.rows:
        mean = row.means[ranking.ranked_by]
        untimed = np.isnan(row.images_per_s)
        reason = "not timed" if untimed else ""
        if not mean.complete:
            reason = f"{mean.planned - mean.cells} of {mean.planned} cells are missing"
        elif np.isnan(mean.value):
            reason = f"{ranking.rank_by or ranking.accuracy} is undefined"
        value = mean.value if mean.complete else float("nan")
        rows.append((row.detector, value, row.images_per_s, False, reason))
    table = pd.DataFrame(rows, columns=list(SPEEDS))
    sign = 1 if ranking.rank_by_rises else -1
    table[PARETO] = pareto_set(sign * table[VALUE].to_numpy(float), table[columns.IMAGES_PER_S].to_numpy(float))
    return table


def pareto_set(values: Array, speeds: Array) -> Mask:
    """Which points no other is at least as good as in both and better in one.

    Args:
        values: Floats (N,), more is better; NaN for a point that takes no part.
        speeds: Floats (N,), likewise.

    Returns:
        Bools (N,). Of equal points all are in the set or none.
    """
    known = np.flatnonzero(~(np.isnan(values) | np.isnan(speeds)))
    order: NDArray[np.intp] = known[np.lexsort((-speeds[known], -values[known]))]  # best first, of equal ones fastest
    best_so_far = np.maximum.accumulate(np.append(-np.inf, speeds[order]))[:-1]
    found = np.zeros(len(values), bool)
    found[order] = speeds[order] > best_so_far
    for place in range(1, len(order)):  # an equal point follows the one that it is equal to
        one, before = order[place], order[place - 1]
        if values[one] == values[before] and speeds[one] == speeds[before]:
            found[one] = found[before]
    return found
