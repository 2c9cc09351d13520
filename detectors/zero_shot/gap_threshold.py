"""How far gaps between spent and expected bits lie from those of real images, and where to draw the line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.api import Scores

Numbers = NDArray[np.float64]
Statistic = Literal["d0", "abs_d0", "delta01", "abs_delta01", "distance"]

ALARMS = 0.1  # share of real images that is called generated


@dataclass(frozen=True)
class RealImageStatistics:
    """Where the statistic of real images lies.

    Attributes:
        centre: Mean of the numbers that it is made of, float64 (k,).
        scaling: What turns deviations from the centre into ones of unit covariance, float64 (k, k).
        threshold: Distance that one in ten of the real images exceeds, float64 ().
    """

    centre: Numbers
    scaling: Numbers
    threshold: Numbers

    @classmethod
    def of(cls, statistic: Statistic, gaps: Numbers) -> RealImageStatistics:
        """What `gaps` (N, levels) of real images say, N at least 10."""
        numbers = _numbers(statistic, gaps)
        centre = numbers.mean(0)
        covariance = np.atleast_2d(np.cov(numbers.T)) + np.eye(len(centre)) * np.finfo(np.float32).eps
        scaling = np.linalg.inv(np.linalg.cholesky(covariance))
        found = np.sort(cls(centre, scaling, np.zeros(())).distances(statistic, gaps))
        # of N + 1 real images, each as likely to be the new one, so many may lie above
        rank = int(np.ceil((1 - ALARMS) * (len(found) + 1)))
        return cls(centre, scaling, np.array(found[min(rank, len(found)) - 1]))

    def distances(self, statistic: Statistic, gaps: Numbers) -> Numbers:
        """Deviations from the real images, (N,): of either sign for the statistics that have one."""
        deviations = (_numbers(statistic, gaps) - self.centre) @ self.scaling.T
        if statistic in {"d0", "delta01"}:
            return np.asarray(deviations[:, 0])
        return np.asarray(np.linalg.norm(deviations, axis=1))

    def decide(self, statistic: Statistic, gaps: Numbers) -> Scores:
        """Scores, float32 (N,): 0.5 at the threshold."""
        beyond = self.distances(statistic, gaps) - self.threshold
        return np.asarray(1 / (1 + np.exp(-np.clip(beyond, -50, 50))), np.float32)


def _numbers(statistic: Statistic, gaps: Numbers) -> Numbers:
    """The numbers (N, k) of which a statistic is made."""
    if statistic == "distance":
        return gaps[:, :2]
    return gaps[:, :1] if statistic in {"d0", "abs_d0"} else gaps[:, :1] - gaps[:, 1:2]
