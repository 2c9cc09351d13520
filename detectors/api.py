"""The whole contract between a detector and the harness.

A `Recipe` is an untrained detector: a frozen value. Fitting it gives a `Detector`, which turns images into the
probability that they were generated. A detector whose features are frozen says so by being a `Probe`: an `Embedder`
and a small head. The harness embeds every image once and lets every head read the cached embeddings.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.card import Card as Card
from detectors.card import Setting as Setting
from detectors.card import Size as Size
from detectors.card import Variant as Variant
from detectors.card import alike as alike

if TYPE_CHECKING:
    from detectors.sources import Source

Array = NDArray[Any]
Image = NDArray[np.uint8]  # (H, W, 3), sRGB, as decoded, any size from 1x1
Labels = NDArray[np.int64]  # (N,), 0 real, 1 generated; published code that inverts them is adapted at its border
Embeddings = NDArray[np.float32]  # (N, D), finite
Scores = NDArray[np.float32]  # (N,), finite, in [0, 1], the probability of "generated", decision at 0.5
Watch = Callable[[int, Mapping[str, float]], object]
State = dict[str, Array]  # everything that fitting learned, by name


class Unavailable(Exception):
    """A detector cannot run here. The message says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the file that holds an image, as it would lie on disk after every degradation so far."""

    format: str
    width: int
    height: int
    bytes: int
    jpeg_quality: int | None = None


@dataclass(frozen=True, slots=True)
class Sample:
    """What a detector is handed: the pixels, uint8 (H, W, 3) sRGB, and the facts about their file."""

    pixels: Image
    facts: Facts


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where and how precisely a detector computes. `device` is "cpu", "cuda" or "cuda:N".

    A long fit may keep in `folder`, its alone, what it needs to go on. `watch` is told each epoch's number and row.
    """

    device: str = "cpu"
    precision: Literal["float32", "bfloat16"] = "float32"
    folder: Path | None = None
    watch: Watch | None = None


class Embedder(ABC):
    """The frozen half of a detector. Building one is cheap: weights are found at once and read at first use."""

    key: str  # changes whenever embeddings would
    dim: int

    @abstractmethod
    def prepare(self, sample: Sample) -> Array:
        """Turn one sample into one array on the CPU: pure, thread-safe, leaves the sample alone."""

    @abstractmethod
    def embed(self, batch: Sequence[Array]) -> Embeddings:
        """Embed N prepared arrays as float32 (N, dim) on the device; N may be 0."""


class TrainSet(Protocol):
    """The labelled images that a recipe is fitted on. Decoding is lazy: an item is read when it is asked for."""

    @property
    def labels(self) -> Labels:
        """Per image, 0 real or 1 generated."""

    @property
    def names(self) -> Sequence[str]:
        """Stable image names: seed per-image randomness with these, never with positions."""

    @property
    def generators(self) -> Sequence[str]:
        """Per image, the generator that made it, or the empty string for a real one."""

    @property
    def sources(self) -> Sequence[str]:
        """Per image, what it was made from: a real image and its generated twins share it."""

    @property
    def contents(self) -> Sequence[str]:
        """Per image, what it shows, or the empty string where that is not known."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Sample: ...
    def embed(self, embedder: Embedder) -> Embeddings:
        """Embeddings of all images in order, from the cache where they are there."""


class Detector(ABC):
    """A fitted detector. `history` has one row of numbers per epoch of the training that made it, if one did."""

    history: Sequence[Mapping[str, float]] = ()

    @abstractmethod
    def prepare(self, sample: Sample) -> Array:
        """Turn one sample into one array on the CPU: pure, thread-safe, leaves the sample alone.

        All detectors of one recipe prepare alike, whatever they were fitted on: the harness prepares once for all.
        """

    @abstractmethod
    def score(self, batch: Sequence[Array]) -> Scores:
        """Score N prepared arrays; N may be 0. Each score depends on its own image alone."""

    @abstractmethod
    def state(self) -> State:
        """Everything that fitting learned, as named arrays: `Recipe.restore` takes it back."""


class Probe(Detector):
    """A detector made of a frozen embedder and a fitted head."""

    embedder: Embedder

    @abstractmethod
    def decide(self, embeddings: Embeddings) -> Scores:
        """Score N embeddings, float32 (N, dim)."""

    def prepare(self, sample: Sample) -> Array:
        """Prepare as the embedder does."""
        return self.embedder.prepare(sample)

    def score(self, batch: Sequence[Array]) -> Scores:
        """Embed, then decide."""
        return self.decide(self.embedder.embed(batch))


@dataclass(frozen=True)
class Recipe(ABC):
    """An untrained detector. `setting` chooses an entry of `variants`: nothing else may depend on it."""

    setting: Setting = "paper"
    card: ClassVar[Card]
    variants: ClassVar[Mapping[Setting, Variant]]

    @property
    def variant(self) -> Variant:
        """What the detector is in this setting."""
        return self.variants[self.setting]

    @property
    def key(self) -> str:
        """Identity of everything that changes the scores, apart from the images and the seed."""
        return f"{self.card.name}.{self.card.version}.{self.setting}"

    @property
    def alone(self) -> bool:
        """Whether a fit keeps one core of a CPU busy and needs no embedding: the harness may run several at a time."""
        return False

    def sources(self) -> Sequence[Source]:
        """The files of weights that this recipe reads before it is fitted; none by default."""
        return ()

    def embedder(self, runtime: Runtime) -> Embedder | None:
        """The frozen half, or None where nothing is frozen. Raises `Unavailable` when its weights are missing."""
        del runtime
        return None

    @abstractmethod
    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> Detector:
        """Fit on `train`. The same images and seed on the same machine give the same detector."""

    @abstractmethod
    def restore(self, state: State, runtime: Runtime) -> Detector:
        """The detector whose `state` this is."""

    def load(self, weights: Path, runtime: Runtime) -> Detector:
        """Load a published checkpoint strictly. Raises `Unavailable` where the paper published none."""
        del weights, runtime
        msg = f"{self.card.name} has no published checkpoint layout: fit it, or choose a detector that has one"
        raise Unavailable(msg)
