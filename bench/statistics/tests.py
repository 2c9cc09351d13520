"""Whether a fall is more than chance."""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from bench.statistics.intervals import _BLOCK, Floats
from detectors.types import Array


def mcnemar_fall(lost: Array, won: Array) -> Floats:
    """One-sided exact McNemar test for a fall (McNemar, Psychometrika 12, 1947).

    Args:
        lost: Integers, images that were called right before and are called wrong now.
        won: Integers of the same shape, images that were called wrong before and are called right now.

    Returns:
        Probability of at least `lost` among the changed images if either direction were equally likely; 1 where no
        image changed.
    """
    p: Floats = np.asarray(binom.sf(np.asarray(lost) - 1, np.asarray(lost) + np.asarray(won), 0.5))
    return p


def source_fall(changes: Floats, flips: int, random: np.random.Generator) -> Floats:
    """One-sided test for a fall of averages over many cells: McNemar's test with whole sources flipped.

    If nothing but chance changed, the total change of a source could as well have had the other sign. Sources are
    flipped at random, the same ones for every average.

    Args:
        changes: Floats (S, A), the change that each source adds to each average; an average's change is its sum.
        flips: Number of random flips; the smallest p is 1 / (flips + 1).
        random: Where the flips come from.

    Returns:
        Floats (A,), the share of flips, the observed one included, with a fall at least as deep.
    """
    observed = changes.sum(axis=0)
    slack = 1e-9 * np.abs(changes).sum(axis=0)  # equal sums may differ in their last bits
    as_deep = np.ones(changes.shape[1])
    block = max(1, _BLOCK // max(1, len(changes)))
    for start in range(0, flips, block):
        signs = random.integers(0, 2, (min(block, flips - start), len(changes)), np.int8) * 2.0 - 1.0
        as_deep += np.count_nonzero(signs @ changes <= observed + slack, axis=0)
    p: Floats = as_deep / (flips + 1)
    return p


def holm(p: Floats) -> Floats:
    """Holm's step-down correction of p-values (M,) for M tests (Holm, Scandinavian Journal of Statistics 6, 1979)."""
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(p.size, 0, -1))
    corrected = np.empty(p.size)
    corrected[order] = np.minimum(stepped, 1)
    return corrected
