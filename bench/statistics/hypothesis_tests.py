"""Tests for a decrease that is more than chance, and a correction for several tests."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from bench.statistics.intervals import BLOCK_SIZE, Floats
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
    p: Floats = np.asarray(binom.sf(np.asarray(lost) - 1, np.asarray(lost) + np.asarray(won), 0.5))
    return p


def sign_flip_test(changes: Floats, flips: int, random: np.random.Generator) -> Floats:
    """One-sided permutation test for a decrease of averages over many cells: McNemar's test by whole sources.

    Under the null hypothesis the total change of a source could as well have had the other sign. The signs of sources
    are flipped at random, those of the same sources for every average.

    Args:
        changes: Floats (S, A), the change that each source adds to each average; an average's change is its sum.
        flips: Number of random flips; the smallest p is 1 / (flips + 1).
        random: The generator of the flips.

    Returns:
        Floats (A,), the share of flips, the observed signs included, with a decrease at least as large.
    """
    observed = changes.sum(axis=0)
    slack = 1e-9 * np.abs(changes).sum(axis=0)  # equal sums may differ in their last bits
    as_large = np.ones(changes.shape[1])
    block = max(1, BLOCK_SIZE // max(1, len(changes)))
    for start in range(0, flips, block):
        signs = random.integers(0, 2, (min(block, flips - start), len(changes)), np.int8) * 2.0 - 1.0
        as_large += np.count_nonzero(signs @ changes <= observed + slack, axis=0)
    p: Floats = as_large / (flips + 1)
    return p


def holm_correction(p: Floats) -> Floats:
    """Holm's step-down correction of p-values (M,) for M tests (Holm, Scandinavian Journal of Statistics 6, 1979)."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    corrected = np.empty(p.size)
    corrected[order] = np.minimum(stepped, 1)
    return corrected
