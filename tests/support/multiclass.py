"""A quick detector that names generators."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from lineup_checkerboard import Checkerboard

from detectors.api import Card, Embedder, Embeddings, Runtime, State, TrainSet
from detectors.classifier import Classifier, Probabilities
from tests.support.miniature import NearestMeanRecipe


class NearestClass(Classifier):
    """The nearest of the class means, real included."""

    def __init__(self, embedder: Embedder, classes: tuple[str, ...], means: Embeddings) -> None:
        self.embedder, self.classes, self.means = embedder, classes, means

    def class_probabilities(self, embeddings: Embeddings) -> Probabilities:
        near = np.exp(-np.stack([np.square(embeddings - mean).sum(axis=1) for mean in self.means], axis=1) / 50)
        return (near / near.sum(axis=1, keepdims=True)).astype(np.float32)

    def state(self) -> State:
        return {"means": self.means, "classes": np.frombuffer("/".join(self.classes).encode(), np.uint8)}


@dataclass(frozen=True)
class NearestClassRecipe(NearestMeanRecipe):
    card: ClassVar[Card] = replace(Checkerboard.card, name="nearest_class")
    names_generators: ClassVar[bool] = True

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> NearestClass:
        embeddings, names = train.embed(self.shared), np.array(train.generators)
        classes = tuple(sorted(set(train.generators)))
        return NearestClass(
            self.shared, classes, np.stack([embeddings[names == name].mean(axis=0) for name in classes])
        )

    def restore(self, state: State, runtime: Runtime) -> NearestClass:
        return NearestClass(self.shared, tuple(state["classes"].tobytes().decode().split("/")), state["means"])
