"""The contract of probes whose head gives log odds."""

from __future__ import annotations

from abc import abstractmethod

from detectors.api import Answer, Array, Embeddings, Probe, Scores


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
