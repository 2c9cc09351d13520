"""Ranks that say no more than tests do, intervals of ranks, and the groups of a critical-difference diagram.

Every pair of detectors has its own test. Verdicts are corrected for the number of pairs; nothing else of a pool of
detectors changes a verdict on two of them, as it does with tests on ranks (Nemenyi).
"""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.types import Array

BETTER, WORSE, UNRESOLVED, SAME = "better", "worse", "unresolved", "same"
NOT_TESTED = "not tested"
_RANK = 1e-12  # share of the largest eigenvalue below which one is rounding
_TIE = 1e-9  # drawn averages in [0, 1] nearer than this are one
_ROUNDING = 1e-12  # averages in [0, 1] nearer than this are one


def correct_for_pairs(p: Array, same: Array) -> tuple[NDArray[np.floating[Any]], int]:
    """Shaffer's correction of tests of all pairs (Journal of the American Statistical Association 81, 1986).

    It steps down as Holm's does, and uses that equality is transitive: once two of three detectors are told apart, not
    both other pairs can be equal. The probability of any false verdict stays below the level, whatever the dependence.
    Detectors that decide the same on every image count once: a copy in the pool changes no verdict.

    Args:
        p: Floats (A, A), symmetric; NaN where a pair was not tested.
        same: Bools (A, A), symmetric, whether two detectors are one in all they decided.

    Returns:
        Corrected p (A, A), 1 for detectors that are the same and pairs that were not tested, and the number of pairs
        that they are corrected for.
    """
    count = len(p)
    unit = np.argmax(np.asarray(same, dtype=bool) | np.eye(count, dtype=bool), axis=1)
    kinds = np.unique(unit)
    first, second = np.triu_indices(len(kinds), 1)
    pairs = np.nan_to_num(np.asarray(p, dtype=np.float64)[kinds[first], kinds[second]], nan=1.0)
    order = np.argsort(pairs, kind="stable")
    possible = _true_pairs(len(kinds))
    left = np.arange(len(pairs), 0, -1)
    multipliers = possible[np.searchsorted(possible, left, side="right") - 1]
    stepped = np.minimum(1.0, np.maximum.accumulate(pairs[order] * multipliers)) if len(pairs) else pairs
    by_kind = np.ones((len(kinds), len(kinds)))
    by_kind[first[order], second[order]] = by_kind[second[order], first[order]] = stepped
    position = np.searchsorted(kinds, unit)
    return by_kind[np.ix_(position, position)], len(pairs)


def _true_pairs(detectors: int) -> NDArray[np.intp]:
    """Every number of pairs that can be equal at once among so many detectors, ascending."""
    numbers = [1]  # of none, of one and so on: a bit that is set for each number
    for many in range(1, detectors + 1):
        of_largest = (numbers[many - size] << size * (size - 1) // 2 for size in range(1, many + 1))
        numbers.append(reduce(or_, of_largest))
    return np.flatnonzero([bit == "1" for bit in reversed(f"{numbers[-1]:b}")])


def without_rounding(averages: Array) -> NDArray[np.floating[Any]]:
    """Averages (A,) in [0, 1], equal where they differ in their last bits alone, as sums in another order do."""
    order = np.argsort(averages, kind="stable")
    ascending = np.asarray(averages, dtype=np.float64)[order]
    first = np.flatnonzero(np.diff(ascending, prepend=-np.inf) > _ROUNDING)
    found = np.empty(len(order))
    found[order] = np.repeat(ascending[first], np.diff(first, append=len(order)))
    return found


def better_beyond_chance(averages: Array, corrected: Array, level: float = 0.05) -> NDArray[np.bool_]:
    """Bools (A, A), whether the detector of a row is better than that of a column by a corrected test.

    Args:
        averages: Floats (A,), higher is better.
        corrected: Floats (A, A) of `correct_for_pairs`.
        level: Probability of any false verdict.
    """
    averages = np.asarray(averages)
    found: NDArray[np.bool_] = (corrected <= level) & (averages[:, None] > averages[None, :])
    return found


def verdict(better: Array, same: Array, row: int, column: int) -> str:
    """What is said of the detector of a row against that of a column: better, worse, same or unresolved."""
    if same[row, column]:
        return SAME
    if better[row, column]:
        return BETTER
    return WORSE if better[column, row] else UNRESOLVED


def ranks(better: Array) -> tuple[NDArray[np.integer[Any]], NDArray[np.bool_]]:
    """Ranks (A,), 1 and the number of detectors that are better beyond chance, and whether one is tied with any other.

    Args:
        better: Bools (A, A) of `better_beyond_chance`.
    """
    tied: NDArray[np.bool_] = ~(better | better.T)
    np.fill_diagonal(tied, val=False)
    return 1 + better.sum(axis=0), np.asarray(tied.any(axis=1))


def rank_bounds(better: Array) -> tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]:
    """First and last rank (A,) that the tests leave to a detector (Mogstad, Romano, Shaikh and Wilhelm, 2024).

    All of them hold together with at least the confidence of the tests.
    """
    return 1 + better.sum(axis=0), len(better) - better.sum(axis=1)


def rank_intervals(
    averages: Array, covariance: Array, random: np.random.Generator, draws: int = 2000, level: float = 0.95
) -> tuple[NDArray[np.integer[Any]], NDArray[np.integer[Any]]]:
    """Central intervals of ranks (A,) in draws of the averages from their joint normal law.

    A rank in a draw is 1 and the number of detectors above; equal averages have one rank. The interval says how much
    the order moves with the choice of what was drawn; `rank_bounds` is what may be concluded of true ranks.

    Args:
        averages: Floats (A,), higher is better.
        covariance: Floats (A, A), of the averages; where it is not one of any law, the nearest in its own axes.
        random: The generator of the draws.
        draws: Number of draws.
        level: Of the interval.
    """
    values, vectors = np.linalg.eigh(np.asarray(covariance, dtype=np.float64))
    values = np.where(values > _RANK * values.max(), values, 0.0)  # rounding would set copies apart
    root = vectors * np.sqrt(values)
    drawn = np.asarray(averages) + random.standard_normal((draws, len(root))) @ root.T
    positions = np.stack([1 + np.count_nonzero(drawn > one[:, None] + _TIE, axis=1) for one in drawn.T])
    tail = (1 - level) / 2
    low = np.quantile(positions, tail, axis=1, method="lower")
    high = np.quantile(positions, 1 - tail, axis=1, method="higher")
    return low.astype(np.int64), high.astype(np.int64)


def covariance_of_averages(variances: Array, of_differences: Array) -> NDArray[np.floating[Any]]:
    """Covariance (A, A) of averages from their variances (A,) and those of their differences (A, A)."""
    own = np.asarray(variances, dtype=np.float64)
    covariance: NDArray[np.floating[Any]] = (own[:, None] + own[None, :] - of_differences) / 2
    return covariance


def unresolved_groups(averages: Array, better: Array) -> list[tuple[int, ...]]:
    """The bars of a critical-difference diagram: sets of detectors of which no two are told apart.

    Whoever is told apart from another is never in a bar with it. Bars without a gap in the order of averages come
    first, the longest that there are. Two detectors that are not told apart although one between them is told apart
    from either are in a bar that leaves it out: its members are listed, and it is drawn with gaps.

    Args:
        averages: Floats (A,), higher is better.
        better: Bools (A, A) of `better_beyond_chance`.

    Returns:
        Positions of detectors from the best average on; each bar has two or more.
    """
    order = np.argsort(-np.asarray(averages), kind="stable")
    alike = ~(better | better.T)[np.ix_(order, order)]
    bars = _bars_without_gaps(alike)
    covered = np.zeros(alike.shape, dtype=bool)
    for bar in bars:
        covered[np.ix_(bar, bar)] = True
    for first, last in zip(*np.nonzero(np.triu(alike, 1)), strict=True):
        if not covered[first, last]:
            bars.append(_widened(alike, int(first), int(last)))
            covered[np.ix_(bars[-1], bars[-1])] = True
    return [tuple(int(order[position]) for position in bar) for bar in bars]


def _bars_without_gaps(alike: Array) -> list[list[int]]:
    """Longest runs of positions of which no two are told apart, from the first position on."""
    bars: list[list[int]] = []
    reached = 0
    for start in range(len(alike)):
        end = start + 1
        while end < len(alike) and alike[start:end, end].all():
            end += 1
        if end - start > 1 and end > reached:
            bars.append(list(range(start, end)))
        reached = max(reached, end)
    return bars


def _widened(alike: Array, first: int, last: int) -> list[int]:
    """The two positions and, in order, all that can join them without being told apart from a member."""
    members = [first, last]
    for position in range(len(alike)):
        if position not in members and alike[position, members].all():
            members.append(position)
    return sorted(members)


def rank_stability(averages: Array) -> NDArray[np.floating[Any]]:
    """Kendall's tau-b (K, K) of the orders of the same detectors under K seeds, data sets or degradations.

    Args:
        averages: Floats (K, A). Equal averages are ties; tau is NaN where all of one order are.
    """
    from scipy.stats import kendalltau

    count = len(averages)
    taus = np.full((count, count), np.nan)
    varied = np.ptp(averages, axis=1) > 0
    for row in np.flatnonzero(varied):
        for column in np.flatnonzero(varied):
            taus[row, column] = kendalltau(averages[row], averages[column]).statistic
    return taus


def friedman_test(values: Array) -> tuple[float, float]:
    """Friedman's test that no detector of a pool differs (Journal of the American Statistical Association 32, 1937).

    It says nothing of two detectors, and holds only where the rows share neither images nor trainings.

    Args:
        values: Floats (B, A) of B rows and at least three detectors.

    Returns:
        The statistic and p; 0 and 1 where every row is one tie.
    """
    from scipy.stats import friedmanchisquare

    if not np.ptp(values, axis=1).any():
        return 0.0, 1.0
    found = friedmanchisquare(*np.asarray(values).T)
    return float(found.statistic), float(found.pvalue)
