"""Confidence intervals of accuracies, by resampling sources.

Images that come from one source (a photograph and its reconstructions, the real images in the pool of several
generators) are right or wrong together, so sources are resampled and not images, and every cell sees the same resample.
The resampling is the Bayesian bootstrap (Rubin, Annals of Statistics 9(1), 1981): a source is given a random weight
with mean 1 instead of being drawn a whole number of times. The spread is the same, and no resample can leave a cell
without images of a class. Intervals are those of the choice of images; the spread between trainings is reported beside
them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array

from detectors.types import Array

Floats = NDArray[np.floating[Any]]


RESAMPLES = 2000
CONFIDENCE = 0.95  # level of intervals
BLOCK_SIZE = 16_000_000  # random numbers in memory at a time: 64 MB


def random_generator(names: Sequence[str]) -> np.random.Generator:
    """A random generator whose seed is a hash of the names in their order."""
    digest = hashlib.sha256("\n".join(names).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def bootstrap_accuracies(
    cells: Array, sources: Array, labels: Array, correct: Array, draws: int = RESAMPLES, *, balanced: bool = False
) -> Floats:
    """Accuracy of every cell in every resample of the sources.

    Stratified by label: each class of a cell has the weight of its share of the images, or one half.

    Args:
        cells: Integers (M,), the cell of each scored image, 0 to C - 1, each cell with at least one image.
        sources: Strings (M,), the source of each image. The result follows from their set, not from their order.
        labels: Integers (M,), 0 real, 1 generated.
        correct: Bools (M,), whether the image was called what it is.
        draws: Number of resamples.
        balanced: Whether both classes of a cell have equal weight, for the balanced accuracy.

    Returns:
        Floats (C, draws) in [0, 1].
    """
    columns, names = pd.factorize(np.asarray(sources, dtype=object), sort=True)
    groups, rows = np.unique(2 * cells + labels, return_inverse=True)  # one class of one cell each
    shape = (groups.size, names.size)
    present = csr_array((np.ones(rows.size, np.float32), (rows, columns)), shape=shape)
    right = csr_array((correct.astype(np.float32), (rows, columns)), shape=shape)
    owner = groups // 2
    images = np.ones(groups.size) if balanced else np.bincount(rows)
    share = images / np.bincount(owner, weights=images)[owner]
    mix = csr_array((share, (owner, np.arange(groups.size))), shape=(int(owner[-1]) + 1, groups.size))
    random, block = random_generator(list(names)), max(1, BLOCK_SIZE // names.size)
    parts = []
    for start in range(0, draws, block):
        weights = random.standard_exponential((min(block, draws - start), names.size), np.float32).T
        parts.append(mix @ ((right @ weights) / (present @ weights)))
    return np.concatenate(parts, axis=1)


def interval(draws: Floats, level: float = CONFIDENCE) -> tuple[Floats, Floats]:
    """Lower and upper ends, (...,), of the central interval of draws (..., D).

    A class without a single error, or with errors only, adds no width: an interval that is a point means that these
    images cannot show the spread, not that the accuracy is certain.
    """
    tail = (1 - level) / 2
    low, high = np.quantile(draws, (tail, 1 - tail), axis=-1)
    return low, high


def source_variances(influences: Floats, count: int) -> Floats:
    return (influences**2).sum(axis=1) * count / max(1, count - 1)


def bounded_interval(values, variances, sizes, centres=None):
    from scipy.special import betaincinv
    with np.errstate(divide="ignore", invalid="ignore"):
        n = np.where(variances > 0, np.minimum(values * (1 - values) / variances, sizes), sizes)
    k = values * n
    low = np.where(k <= 0, 0, betaincinv(np.maximum(k, 1e-9), n - k + 1, .025))
    high = np.where(n - k <= 1e-12, 1, betaincinv(k + 1, np.maximum(n - k, 1e-9), .975))
    return low, high
