"""Linear probes, a frozen embedder with a linear head, and their recipes: a subclass states a table of variants."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np

from detectors.api import (
    Embedder,
    Embeddings,
    Probe,
    Recipe,
    Runtime,
    Scores,
    Setting,
    State,
    TrainSet,
    Variant,
)
from detectors.heads.linear import Head, LinearDecision


class LinearProbe(Probe):
    """A frozen embedder and a line over some of its columns."""

    def __init__(self, embedder: Embedder, line: LinearDecision, columns: slice = slice(None)) -> None:
        self.embedder = embedder
        self.line = line
        self.columns = columns

    def decide(self, embeddings: Embeddings) -> Scores:
        """Score N embeddings, float32 (N, dim)."""
        return self.line.decide(embeddings[:, self.columns])

    def state(self) -> State:
        """The line's arrays, by name."""
        return {name: np.asarray(array) for name, array in asdict(self.line).items()}


@dataclass(frozen=True, kw_only=True)
class HeadVariant(Variant):
    """What a recipe with a head of this module is in one setting.

    Attributes:
        head: The half that is fitted.
    """

    head: Head


@dataclass(frozen=True, kw_only=True)
class ProbeVariant(HeadVariant):
    """A frozen embedder and a head, and nothing else.

    Attributes:
        embedder: Makes the frozen half.
    """

    embedder: Callable[[Runtime], Embedder]


@dataclass(frozen=True)
class HeadRecipe(Recipe):
    """A recipe that is a frozen embedder and a head: a subclass gives `card`, `variants` and `embedder`."""

    variants: ClassVar[Mapping[Setting, HeadVariant]]

    @abstractmethod
    def embedder(self, runtime: Runtime) -> Embedder:
        """The frozen half."""

    def columns(self, embedder: Embedder) -> slice:
        """Which columns of the embeddings the head reads. Recipes that read different ones share one embedder."""
        del embedder
        return slice(None)

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> LinearProbe:
        """Fit the head on the embeddings of `train`. Raises ValueError for fewer than two images of a class."""
        embedder = self.embedder(runtime)
        columns = self.columns(embedder)
        line = self.variant.head.fit(train.embed(embedder)[:, columns], train.labels, seed)
        return LinearProbe(embedder, line, columns)

    def restore(self, state: State, runtime: Runtime) -> LinearProbe:
        """The probe whose `state` this is."""
        embedder = self.embedder(runtime)
        return LinearProbe(embedder, LinearDecision(**state), self.columns(embedder))


@dataclass(frozen=True)
class ProbeRecipe(HeadRecipe):
    """A recipe that its table says whole: a subclass gives `card` and `variants`."""

    variants: ClassVar[Mapping[Setting, ProbeVariant]]

    def embedder(self, runtime: Runtime) -> Embedder:
        """The frozen half."""
        return self.variant.embedder(runtime)
