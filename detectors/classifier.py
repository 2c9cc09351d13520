"""The contract of detectors that also say which generator made an image."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray

from detectors.api import Answer, Embeddings, Probe, Scores
from detectors.diagnostics import LIKELIEST, PREDICTED

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

    def answer_embedded(self, embeddings: Embeddings) -> Answer:
        """The likeliest generator against "real", so that above 0.5 the likeliest class is a generator.

        Where there are several generators, the answer says which one as well.
        """
        said = self.class_probabilities(embeddings)
        likeliest = said[:, 1:].max(axis=1, initial=0)
        scores = np.asarray(likeliest / (likeliest + said[:, 0]), np.float32)
        if len(self.classes) <= 2:
            return Answer(scores)
        names = np.asarray(self.classes, dtype=object)
        predicted, generator = names[said.argmax(axis=1)], names[1:][said[:, 1:].argmax(axis=1)]
        return Answer(scores, {PREDICTED: predicted, LIKELIEST: generator})

    def decide(self, embeddings: Embeddings) -> Scores:
        """The scores of the answer."""
        return self.answer_embedded(embeddings).scores
