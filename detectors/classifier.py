"""The contract of detectors that also say which generator made an image."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from detectors.api import Embeddings, Probe, Scores

Probabilities = NDArray[np.float32]  # (N, C), one column per class, rows sum to 1


class Classifier(Probe):
    """A probe that also says which generator made an image.

    Attributes:
        classes: The empty string for real images, then the train set's generators by name, as `TrainSet.generators`
            writes them.
    """

    classes: tuple[str, ...]

    @abstractmethod
    def class_probabilities(self, embeddings: Embeddings) -> Probabilities:
        """The probability of each of the `classes` for N embeddings, float32 (N, C)."""

    def decide(self, embeddings: Embeddings) -> Scores:
        """One less the probability of "real"."""
        return 1 - self.class_probabilities(embeddings)[:, 0]
