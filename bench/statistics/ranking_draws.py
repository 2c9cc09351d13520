"""Average precision and area under the ROC curve in resamples of the sources, as `intervals` resamples accuracies."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.statistics.intervals import BLOCK_SIZE, RESAMPLES, Floats, random_generator
from detectors.types import Array


def bootstrap_ranking(sources: Array, labels: Array, scores: Array, draws: int = RESAMPLES) -> tuple[Floats, Floats]:
    """Average precision and ROC AUC of one cell in every resample of its sources.

    Args:
        sources: Strings (N,), the source of each image.
        labels: Integers (N,), 0 real, 1 generated; both are there.
        scores: Floats (N,), of which the order alone counts; images of equal score stand in any order.
        draws: Number of resamples.

    Returns:
        Two of floats (draws,) in [0, 1].
    """
    codes, names = pd.factorize(np.asarray(sources, dtype=object), sort=True)
    random, block = random_generator(list(names)), max(1, BLOCK_SIZE // (4 * len(scores)))  # four arrays of that size
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # last position of each tied group
    generated = (labels[order] == 1)[:, None]
    parts = []
    for start in range(0, draws, block):
        weights = random.standard_exponential((min(block, draws - start), len(names))).T[codes[order]]
        parts.append(_precision_and_area(weights * generated, weights * ~generated, ends))
    precision, area = (np.concatenate(part) for part in zip(*parts, strict=True))
    return precision, area


def _precision_and_area(generated: Floats, real: Floats, ends: Array) -> tuple[Floats, Floats]:
    """Both measures (D,) of images from the highest score to the lowest, by their weights (N, D) in each class.

    Args:
        generated: 0 for real images.
        real: 0 for generated ones.
        ends: Integers (T,), the last image of each tied group.
    """
    hits, alarms = np.cumsum(generated, axis=0)[ends], np.cumsum(real, axis=0)[ends]
    zero = np.zeros((1, hits.shape[1]))
    gains = np.diff(hits, axis=0, prepend=zero) / hits[-1]
    precision = (gains * hits / (hits + alarms)).sum(axis=0)
    area = np.trapezoid(np.concatenate([zero, hits]), np.concatenate([zero, alarms]), axis=0)
    return precision, area / (hits[-1] * alarms[-1])
