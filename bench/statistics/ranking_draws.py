"""Average precision and area under the ROC curve in resamples of the sources, as `intervals` resamples accuracies."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.statistics.intervals import RESAMPLES, Floats, random_generator
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
    weights = random_generator(list(names)).standard_exponential((len(names), draws))[codes]
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)  # last position of each tied group
    generated = (labels[order] == 1)[:, None]
    hits = np.cumsum(weights[order] * generated, axis=0)[ends]
    alarms = np.cumsum(weights[order] * ~generated, axis=0)[ends]
    zero = np.zeros((1, draws))
    gains = np.diff(hits, axis=0, prepend=zero) / hits[-1]
    precision = (gains * hits / (hits + alarms)).sum(axis=0)
    area = np.trapezoid(np.concatenate([zero, hits]), np.concatenate([zero, alarms]), axis=0)
    return precision, area / (hits[-1] * alarms[-1])
