"""The contract between a detector and the harness; `detectors.composition` and `detectors.classifier` extend it.

A `Recipe` is an untrained detector: a frozen value. Fitting it gives a `Detector`, which turns images into the
probability that they were generated. One whose features are frozen is a `Probe`: an `Embedder` and a small head.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from detectors.card import AnyVariant, VariantTable
from detectors.card import Card as Card
from detectors.card import Setting as Setting
from detectors.card import Size as Size
from detectors.card import Variant as Variant
from detectors.card import for_all_settings as for_all_settings
from detectors.identity import key_of
from detectors.types import Answer as Answer
from detectors.types import Array as Array
from detectors.types import Embeddings as Embeddings
from detectors.types import Image as Image
from detectors.types import InputPolicy as InputPolicy
from detectors.types import Labels as Labels
from detectors.types import LogOdds as LogOdds
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
    dim: int  # columns of the embeddings

    @abstractmethod
    def prepare(self, sample: Sample) -> Array:
        """Turn one sample into one array on the CPU: pure, thread-safe, does not modify the sample."""

    @abstractmethod
    def embed(self, batch: Sequence[Array]) -> Embeddings:
        """Embed N prepared arrays as float32 (N, dim) on the device; N may be 0."""


class TrainSet(Protocol):
    """The N labelled images that a recipe is fitted on. Decoding is lazy: an item is read when it is accessed."""

    @property
    def labels(self) -> Labels:
        """Per image, 0 real or 1 generated."""

    @property
    def names(self) -> Sequence[str]:
        """Per image, a stable name of its content: seed randomness with names, never with positions."""

    @property
    def generators(self) -> Sequence[str]:
        """Per image, the generator that made it, or the empty string for a real one."""

    @property
    def sources(self) -> Sequence[str]:
        """Per image, its source: a real image and the generated ones made from it share one."""

    @property
    def contents(self) -> Sequence[str]:
        """Per image, the class of its content, or the empty string where it is not known."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int) -> Sample: ...
    def embed(self, embedder: Embedder) -> Embeddings:
        """Embeddings of all images in order, from the cache where it holds them."""

    def scores(self, detector: Detector) -> Scores:
        """Scores of all images in order by a fitted detector."""

    def part(self, rows: Rows) -> TrainSet:
        """The images at these positions, in this order, as a train set."""


class Detector(ABC):
    """A fitted detector.

    Attributes:
        history: One row of numbers per epoch of its training; empty where there was none.
        preparation: Equal for detectors with the same `prepare`: an image is prepared once for all of them.
    """

    history: Sequence[Mapping[str, float]] = ()
    preparation: Hashable = None

    @abstractmethod
    def prepare(self, sample: Sample) -> Array:
        """As `Embedder.prepare`; the same for all detectors of one recipe, whatever they were fitted on."""

    @abstractmethod
    def score(self, batch: Sequence[Array]) -> Scores:
        """Score N prepared arrays; N may be 0. Each score depends on its own image alone."""

    def answer(self, batch: Sequence[Array]) -> Answer:
        """Scores of N prepared arrays, log odds where it has them, and diagnostics; none of both by default."""
        return Answer(self.score(batch))

    @abstractmethod
    def state(self) -> State:
        """Everything that fitting learned, as named arrays; `Recipe.restore` makes the detector of it again."""


class Probe(Detector):
    """A detector made of a frozen embedder and a fitted head."""

    embedder: Embedder

    @abstractmethod
    def decide(self, embeddings: Embeddings) -> Scores:
        """Scores of N embeddings, float32 (N, dim)."""

    def prepare(self, sample: Sample) -> Array:
        """As the embedder prepares."""
        return self.embedder.prepare(sample)

    def score(self, batch: Sequence[Array]) -> Scores:
        """Scores of N prepared arrays: embed, then decide."""
        return self.decide(self.embedder.embed(batch))

    def answer_embeddings(self, embeddings: Embeddings) -> Answer:
        """Scores of N embeddings, float32 (N, dim), and diagnostics; none by default."""
        return Answer(self.decide(embeddings))

    def answer(self, batch: Sequence[Array]) -> Answer:
        """Scores and diagnostics of N prepared arrays: embed, then answer."""
        return self.answer_embeddings(self.embedder.embed(batch))


@dataclass(frozen=True)
class Recipe(ABC):
    """An untrained detector. `setting` chooses an entry of `variants`: nothing else may depend on it.

    Further fields are options, part of the key by themselves where they differ from their default; a field with
    `compare=False` is no option. One with the metadata `{"file": True}` is the path of a file and stands in the key by
    its content. `input` says how the harness shows test images to the fitted detector. `names_generators` is true where
    that says which of several generators made an image, as a `detectors.classifier.Classifier` does.
    """

    setting: Setting = "paper"
    input: InputPolicy = field(default="published", kw_only=True)
    card: ClassVar[Card]
    variants: ClassVar[Mapping[Setting, Variant]]
    names_generators: ClassVar[bool] = False

    @property
    def variant(self: VariantTable[AnyVariant]) -> AnyVariant:
        """The variant of this setting, of the type that the recipe's class gives `variants`."""
        return self.variants[self.setting]

    @property
    def key(self) -> str:
        """Identity of everything that changes the scores, apart from the images, the seed and versions of code."""
        return key_of(self)

    def notes(self) -> tuple[str, ...]:
        """What a user should know of the options that were chosen, one sentence each; none by default."""
        return ()

    def components(self) -> tuple[Recipe, ...]:
        """The recipes of which this one is composed; none by default."""
        return ()

    @property
    def single_threaded_fit(self) -> bool:
        """Whether a fit uses one core of a CPU and no embeddings: the harness may run several at a time."""
        return False

    def own_weight_files(self) -> Sequence[WeightFile]:
        """The files of weights that this recipe reads before it is fitted, without its components'; none by default."""
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
        """Fit on `train`. The same images and seed on the same machine give the same detector, to the last bit."""

    @abstractmethod
    def restore(self, state: State, runtime: Runtime) -> Detector:
        """The detector with this state, as `Detector.state` gave it."""

    def load(self, weights: Path, runtime: Runtime) -> Detector:
        """Load a published checkpoint strictly. Raises `Unavailable` where the paper published none."""
        del weights, runtime
        msg = f"{self.card.name} has no published checkpoint layout: fit it, or choose a detector that has one"
        raise Unavailable(msg)
