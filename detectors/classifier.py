"""The contract of detectors that also attribute an image to a generator."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from detectors.api import Answer, Embeddings, Probe, Scores
from detectors.types import LIKELIEST_GENERATOR, PREDICTED_GENERATOR

Probabilities = NDArray[np.float32]  # (N, C), one column per class, rows sum to 1


class Classifier(Probe):
    """A probe that also attributes an image to a generator.

    Attributes:
        classes: The empty string for real images, then the train set's generators by name, as `TrainSet.generators`
            writes them.
    """

    classes: tuple[str, ...]

    @abstractmethod
    def class_probabilities(self, embeddings: Embeddings) -> Probabilities:
        """The probability of each of the `classes` for N embeddings, float32 (N, C)."""

    def answer_embeddings(self, embeddings: Embeddings) -> Answer:
        """Scores: the likeliest generator against "real", so that above 0.5 the likeliest class is a generator.

        Where there are several generators, `PREDICTED_GENERATOR` and `LIKELIEST_GENERATOR` are recorded as well.
        """
        probabilities = self.class_probabilities(embeddings)
        likeliest = probabilities[:, 1:].max(axis=1, initial=0)
        scores = np.asarray(likeliest / (likeliest + probabilities[:, 0]), np.float32)
        if len(self.classes) <= 2:
            return Answer(scores)
        names = np.asarray(self.classes, dtype=object)
        predicted = names[probabilities.argmax(axis=1)]
        generator = names[1:][probabilities[:, 1:].argmax(axis=1)]
        return Answer(scores, {PREDICTED_GENERATOR: predicted, LIKELIEST_GENERATOR: generator})

    def decide(self, embeddings: Embeddings) -> Scores:
        """The scores of the answer."""
        return self.answer_embeddings(embeddings).scores
