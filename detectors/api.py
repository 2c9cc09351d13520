"""The whole contract between a detector and the harness.

A `Recipe` is an untrained detector: a frozen value. Fitting it gives a `Detector`, which turns images into the
probability that they were generated. One whose features are frozen is a `Probe`: an `Embedder` and a small head.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from detectors.card import AnyVariant, VariantTable
from detectors.card import Card as Card
from detectors.card import Setting as Setting
from detectors.card import Size as Size
from detectors.card import Variant as Variant
from detectors.card import alike as alike
from detectors.identity import key_of
from detectors.types import Answer as Answer
from detectors.types import Array as Array
from detectors.types import Embeddings as Embeddings
from detectors.types import Image as Image
from detectors.types import Labels as Labels
from detectors.types import Rows as Rows
from detectors.types import Runtime as Runtime
from detectors.types import Sample as Sample
from detectors.types import Scores as Scores
from detectors.types import State as State
from detectors.types import Unavailable as Unavailable

if TYPE_CHECKING:
    from detectors.weight_file import WeightFile


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

    def scores(self, detector: Detector) -> Scores:
        """Scores of all images in order by a fitted detector, read and prepared by the harness."""

    def part(self, rows: Rows) -> TrainSet:
        """The images of these rows, in this order, as a train set."""


class Detector(ABC):
    """A fitted detector.

    Attributes:
        history: One row of numbers per epoch of the training that made it, if one did.
        preparation: Equal where detectors prepare alike: an image is prepared once for all of them.
    """

    history: Sequence[Mapping[str, float]] = ()
    preparation: Hashable = None

    @abstractmethod
    def prepare(self, sample: Sample) -> Array:
        """As an embedder prepares; all detectors of one recipe alike, whatever they were fitted on."""

    @abstractmethod
    def score(self, batch: Sequence[Array]) -> Scores:
        """Score N prepared arrays; N may be 0. Each score depends on its own image alone."""

    def answer(self, batch: Sequence[Array]) -> Answer:
        """Scores of N prepared arrays, and what else is worth recording of them; nothing by default."""
        return Answer(self.score(batch))

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

    def answer_embedded(self, embeddings: Embeddings) -> Answer:
        """Scores of N embeddings, float32 (N, dim), and what else is worth recording; nothing by default."""
        return Answer(self.decide(embeddings))

    def answer(self, batch: Sequence[Array]) -> Answer:
        """Embed, then answer."""
        return self.answer_embedded(self.embedder.embed(batch))


@dataclass(frozen=True)
class Recipe(ABC):
    """An untrained detector. `setting` chooses an entry of `variants`: nothing else may depend on it.

    Further fields are options, part of the key by themselves where they differ from their default; with `compare=False`
    they are none. One with the metadata `{"file": True}` is the path of a file and stands in the key by its content.
    """

    setting: Setting = "paper"
    card: ClassVar[Card]
    variants: ClassVar[Mapping[Setting, Variant]]

    @property
    def variant(self: VariantTable[AnyVariant]) -> AnyVariant:
        """What the detector is in this setting, of the type that `variants` has in the class of the recipe."""
        return self.variants[self.setting]

    @property
    def key(self) -> str:
        """Identity of everything that changes the scores, apart from the images, the seed and versions of code."""
        return key_of(self)

    def components(self) -> tuple[Recipe, ...]:
        """The recipes of which this one is composed; none by default."""
        return ()

    @property
    def single_threaded_fit(self) -> bool:
        """Whether a fit keeps one core of a CPU busy and needs no embedding: the harness may run several at a time."""
        return False

    def own_weight_files(self) -> Sequence[WeightFile]:
        """The files of weights that this recipe reads by itself before it is fitted; none by default."""
        return ()

    def weight_files(self) -> tuple[WeightFile, ...]:
        """The files of weights that this recipe and its components read before they are fitted."""
        of_components = (file for component in self.components() for file in component.weight_files())
        return tuple(dict.fromkeys([*self.own_weight_files(), *of_components]))

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
