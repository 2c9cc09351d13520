"""The distance of gaps between spent and expected bits from those of real images, and its threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.api import Scores

Gaps = NDArray[np.float64]  # (N, levels), bits per coded value
FloatArray = NDArray[np.float64]
Statistic = Literal["d0", "abs_d0", "delta01", "abs_delta01", "distance"]

FALSE_POSITIVE_RATE = 0.1  # share of real images that is called generated


@dataclass(frozen=True)
class RealImageStatistics:
    """Distribution of a statistic over real images.

    Attributes:
        centre: Mean of the values that the statistic is made of, float64 (k,).
        scaling: Brings deviations from the centre to unit covariance, float64 (k, k).
        threshold: Distance that one in ten of the real images exceeds, float64 ().
    """

    centre: FloatArray
    scaling: FloatArray
    threshold: FloatArray

    @classmethod
    def fit(cls, statistic: Statistic, gaps: Gaps) -> RealImageStatistics:
        """Fit on `gaps` (N, levels) of real images, N at least 10."""
        values = _values(statistic, gaps)
        centre = values.mean(0)
        covariance = np.atleast_2d(np.cov(values.T)) + np.eye(len(centre)) * np.finfo(np.float32).eps
        scaling = np.linalg.inv(np.linalg.cholesky(covariance))
        distances = np.sort(cls(centre, scaling, np.zeros(())).distances(statistic, gaps))
        # a new real image is as likely to take any rank among N + 1: one in ten may exceed the threshold
        rank = int(np.ceil((1 - FALSE_POSITIVE_RATE) * (len(distances) + 1)))
        return cls(centre, scaling, np.array(distances[min(rank, len(distances)) - 1]))

    def distances(self, statistic: Statistic, gaps: Gaps) -> FloatArray:
        """Deviations from the real images, float64 (N,): signed for "d0" and "delta01"."""
        deviations = (_values(statistic, gaps) - self.centre) @ self.scaling.T
        if statistic in {"d0", "delta01"}:
            return np.asarray(deviations[:, 0])
        return np.asarray(np.linalg.norm(deviations, axis=1))

    def decide(self, statistic: Statistic, gaps: Gaps) -> Scores:
        """Scores, float32 (N,): 0.5 at the threshold."""
        excess = self.distances(statistic, gaps) - self.threshold
        return np.asarray(1 / (1 + np.exp(-np.clip(excess, -50, 50))), np.float32)


def _values(statistic: Statistic, gaps: Gaps) -> Gaps:
    """The values (N, k) of which a statistic is made."""
    if statistic == "distance":
        return gaps[:, :2]
    return gaps[:, :1] if statistic in {"d0", "abs_d0"} else gaps[:, :1] - gaps[:, 1:2]
