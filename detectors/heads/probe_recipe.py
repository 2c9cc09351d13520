"""Linear probes, a frozen embedder with a linear head, and their recipes: a subclass states a table of variants."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from detectors.api import (
    Array,
    Embedder,
    Embeddings,
    Recipe,
    Runtime,
    Setting,
    State,
    TrainSet,
    Unavailable,
    Variant,
)
from detectors.differentiable import DifferentiableEmbedder
from detectors.heads.linear import LinearDecision, LinearHead
from detectors.log_odds import LogOddsProbe
from detectors.types import FloatImage

if TYPE_CHECKING:
    from torch import Tensor


class LinearProbe(LogOddsProbe):
    """A frozen embedder and a linear decision over some of its columns."""

    def __init__(self, embedder: Embedder, decision: LinearDecision, columns: slice = slice(None)) -> None:
        self.embedder = embedder
        self.decision = decision
        self.columns = columns

    def log_odds(self, embeddings: Embeddings) -> Array:
        """Log odds, float64 (N,), of N embeddings, float32 (N, dim)."""
        return self.decision.log_odds(embeddings[:, self.columns])

    def tensor_log_odds(self, embeddings: Tensor) -> Tensor:
        """As `log_odds` of embeddings as a tensor, float (N, dim), through which gradients flow."""
        return self.decision.tensor_log_odds(embeddings[:, self.columns])

    def odds_and_gradient(self, pixels: FloatImage) -> tuple[float, FloatImage]:
        """As `Differentiable.odds_and_gradient`. Raises `Unavailable` where the embedder has no gradient."""
        from detectors.architectures.support.gradients import odds_and_gradient

        embedder = self.embedder
        if not isinstance(embedder, DifferentiableEmbedder):
            msg = f"{embedder.key} has no gradient"
            raise Unavailable(msg)
        return odds_and_gradient(
            lambda images: self.tensor_log_odds(embedder.embed_floats(images)), pixels, embedder.device
        )

    def state(self) -> State:
        """The arrays of the decision, by name."""
        return {name: np.asarray(array) for name, array in asdict(self.decision).items()}


@dataclass(frozen=True, kw_only=True)
class HeadVariant(Variant):
    """A recipe with a linear head in one setting.

    Attributes:
        head: The half that is fitted.
    """

    head: LinearHead


@dataclass(frozen=True, kw_only=True)
class ProbeVariant(HeadVariant):
    """A frozen embedder and a head, and nothing else.

    Attributes:
        embedder: Makes the frozen half.
    """

    embedder: Callable[[Runtime], Embedder]


@dataclass(frozen=True)
class HeadRecipe(Recipe):
    """A recipe that is a frozen embedder and a linear head: a subclass gives `card`, `variants` and `embedder`."""

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
        decision = self.variant.head.fit(train.embed(embedder)[:, columns], train.labels, seed)
        return LinearProbe(embedder, decision, columns)

    def restore(self, state: State, runtime: Runtime) -> LinearProbe:
        """The probe with this state."""
        embedder = self.embedder(runtime)
        return LinearProbe(embedder, LinearDecision(**state), self.columns(embedder))


@dataclass(frozen=True)
class ProbeRecipe(HeadRecipe):
    """A recipe that its table states entirely: a subclass gives `card` and `variants`."""

    variants: ClassVar[Mapping[Setting, ProbeVariant]]

    def embedder(self, runtime: Runtime) -> Embedder:
        """The frozen half."""
        return self.variant.embedder(runtime)
