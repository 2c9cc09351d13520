"""Tests for a change that is more than chance, or a difference of two classes, and corrections for several tests."""

from __future__ import annotations

import itertools
import math
from functools import cache

import numpy as np
from scipy.special import stdtr

from bench.statistics.intervals import Floats, random_generator
from detectors.types import Array

_MOST_CHOICES = 5_000  # of trainings that change places; of more, so many are drawn
_ROUNDING = 1e-9


def class_difference_test(cells: Array, sources: Array, labels: Array, called: Array) -> float:
    """One-sided test of whether generated images are called generated more often than real ones, over some cells.

    Welch's test of the two rates, with a success and a failure added to each as by Agresti and Caffo (The American
    Statistician 54, 2000), so that few images without an error do not count as certainty. A source counts once whatever
    it has images or cells: the rate of a class is a weighted mean over its sources, of as many as give a mean of equal
    weights its variance. For one cell of 2 to 200 images per class and calls at chance, p is below 0.02 with a
    probability of at most 0.0245, and below 0.025 with one of at most 0.03.

    Args:
        cells: Integers (M,), the cell of each image, from 0; each counts the same. Cells of one class are left out.
        sources: Strings (M,), the source of each image.
        labels: Integers (M,), 0 real, 1 generated.
        called: Bools (M,), whether the image was called generated.

    Returns:
        p; 1 where no cell has images of both classes.
    """
    counts = np.bincount(2 * cells + labels, minlength=2 * (int(cells.max(initial=0)) + 1))
    whole = counts.reshape(-1, 2).min(axis=1) > 0
    kept = whole[cells]
    if not kept.any():
        return 1.0
    weights = 1 / (np.count_nonzero(whole) * counts[2 * cells + labels])
    rates, variances, sizes = [], [], []
    for label in (0, 1):
        rows = kept & (labels == label)
        of_sources = np.bincount(np.unique(sources[rows], return_inverse=True)[1], weights[rows])
        size = 1 / np.sum(of_sources**2)
        rate = (size * np.sum(weights[rows] * called[rows]) + 1) / (size + 2)
        rates.append(rate)
        variances.append(rate * (1 - rate) / (size + 2))
        sizes.append(size)
    total = variances[0] + variances[1]
    freedom = total**2 / sum(variance**2 / (size + 1) for variance, size in zip(variances, sizes, strict=True))
    return float(stdtr(freedom, (rates[0] - rates[1]) / np.sqrt(total)))


def holm_correction(p: Floats) -> Floats:
    """Holm's step-down correction of p-values (M,) for M tests (Holm, Scandinavian Journal of Statistics 6, 1979)."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    corrected = np.empty(p.size)
    corrected[order] = np.minimum(stepped, 1)
    return corrected


def retraining_test(before: Floats, now: Floats, least_spread: float) -> Floats:
    """One-sided permutation test of which of several measures fell between two groups of trainings.

    Had nothing changed, any trainings of both groups on one train set could have changed places. A measure's fall is
    divided by its standard deviation within the groups, and its p is the share of choices of trainings in which it or
    any measure that fell less falls as much (step-down; Westfall and Young, Resampling-Based Multiple Testing, 1993).
    This holds whatever the laws of the measures are and however those of one train set go together.

    Args:
        before: Floats (K, T, M), K trainings on each of T train sets: what each adds to M measures, 0 where nothing.
        now: Floats (k, T, M), the same of others.
        least_spread: A standard deviation that is added in squares, so that measures which hardly vary are not found to
            fall by next to nothing.

    Returns:
        p (M,), corrected for all M measures. That of a measure to which one train set alone adds is at least
        `least_p(K, k)`.
    """
    values = np.concatenate([now, before])
    chosen = _choices(len(before), len(now), values.shape[1])
    falls, variances = np.zeros((2, len(chosen), values.shape[2]))
    for train in range(values.shape[1]):
        own = np.flatnonzero(values[:, train].any(axis=0))
        fall, variance = _studied(values[:, train, own], chosen[:, train], len(now))
        falls[:, own] += fall
        variances[:, own] += variance
    falls /= np.sqrt(variances + least_spread**2)
    order = np.argsort(-falls[0], kind="stable")
    ordered = falls[:, order]
    largest_left = np.maximum.accumulate(ordered[:, ::-1], axis=1)[:, ::-1]
    p = np.empty(len(order))
    # equal falls may differ in their last bits
    p[order] = np.maximum.accumulate(np.mean(largest_left >= ordered[0] - _ROUNDING, axis=0))
    return p


def _studied(values: Floats, chosen: Floats, now: int) -> tuple[Floats, Floats]:
    """By choice of trainings (C, N) how much the means of N values (N, M) fall, and their variance inside, (C, M)."""
    centred = values - values.mean(axis=0)
    sums, squares, before = chosen @ centred, (centred**2).sum(axis=0), len(values) - now
    falls = -sums * (1 / now + 1 / before)
    inside = squares - sums**2 * (1 / now + 1 / before)
    return falls, np.maximum(inside, 0) / max(1, len(values) - 2)


def least_p(before: int, now: int) -> float:
    """The smallest p that `retraining_test` finds for one train set and so many trainings of both groups."""
    return 1 / min(math.comb(before + now, now), _MOST_CHOICES)


@cache
def _choices(before: int, now: int, train_sets: int) -> Floats:
    """Choices of `now` among all trainings of each train set, 0 or 1 in (C, T, K + k); the first are the first ones.

    Every choice of one train set stands as often as any other, beside random ones of the others.
    """
    count = before + now
    random = random_generator(["retraining", *map(str, (before, now, train_sets))])
    if math.comb(count, now) <= _MOST_CHOICES:
        places = np.array(list(itertools.combinations(range(count), now)))
    else:
        drawn = random.random((_MOST_CHOICES, count))
        drawn[0] = np.arange(count)
        places = np.argsort(drawn, axis=1)[:, :now]
    single = np.zeros((len(places), count))
    np.put_along_axis(single, places, 1.0, axis=1)
    copies = np.repeat(np.arange(len(places)), _MOST_CHOICES // len(places))
    orders = [np.append(copies[:1], random.permutation(copies[1:])) for _ in range(train_sets)]
    return np.stack([single[order] for order in orders], axis=1)
