"""Log odds of probabilities, and the contract of probes whose head gives log odds."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from detectors.api import Answer, Array, Embeddings, Probe, Scores

MIN_PROBABILITY = 1e-6  # probabilities are clipped this far from 0 and 1, where log odds are infinite


def log_odds_of(probabilities: Array) -> NDArray[np.float64]:
    """Finite log odds, float64 of the same shape, of probabilities in [0, 1]."""
    from scipy.special import logit

    odds: NDArray[np.float64] = logit(np.clip(probabilities.astype(np.float64), MIN_PROBABILITY, 1 - MIN_PROBABILITY))
    return odds


class LogOddsProbe(Probe):
    """A probe whose head gives log odds: a subclass gives `log_odds`."""

    @abstractmethod
    def log_odds(self, embeddings: Embeddings) -> Array:
        """Log odds of "generated", floats (N,), of N embeddings, float32 (N, dim)."""

    def decide(self, embeddings: Embeddings) -> Scores:
        """The probabilities of the log odds."""
        return self.answer_embeddings(embeddings).scores

    def answer_embeddings(self, embeddings: Embeddings) -> Answer:
        """Probabilities and log odds of N embeddings."""
        return Answer.of_log_odds(self.log_odds(embeddings))
