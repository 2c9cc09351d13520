"""Tests for a change that is more than chance, or a difference of two classes, and a correction for several tests."""

from __future__ import annotations

import numpy as np
from scipy.special import bdtrc, stdtr

from bench.statistics.intervals import Floats
from detectors.types import Array


def mcnemar_test(lost: Array, won: Array) -> Floats:
    """One-sided exact McNemar test for a decrease (McNemar, Psychometrika 12, 1947).

    Args:
        lost: Integers, numbers of images that were decided correctly before and wrongly now.
        won: Integers of the same shape, numbers of images that were decided wrongly before and correctly now.

    Returns:
        Probability of at least `lost` among the changed images if either direction were equally likely; 1 where no
        image changed.
    """
    p: Floats = np.asarray(bdtrc(np.asarray(lost) - 1, np.asarray(lost) + np.asarray(won), 0.5))
    return p


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
