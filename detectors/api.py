"""The whole contract between a detector and the harness.

A `Recipe` is an untrained detector: a frozen value. Fitting it gives a `Detector`, which turns images into the
probability that they were generated. A detector whose features are frozen says so by being a `Probe`: an `Embedder`
followed by a small head. The harness embeds every image once and lets every head read the cached embeddings.

Labels are 0 for real and 1 for generated, everywhere. Published code that inverts them or reads BGR is adapted at
its border.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.card import Card as Card
from detectors.card import Setting as Setting
from detectors.card import Size as Size

if TYPE_CHECKING:
    from detectors.sources import Source

Array = NDArray[Any]
Image = NDArray[np.uint8]  # (H, W, 3), sRGB, as decoded, any size from 1x1
Labels = NDArray[np.int64]  # (N,), 0 real, 1 generated
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
    """What a detector is handed: the pixels, uint8 (H, W, 3) sRGB, and the facts about their file.

    The pixels are read-only: several detectors are handed the same ones.
    """

    pixels: Image
    facts: Facts

    def __post_init__(self) -> None:
        """Look at the pixels through a view that cannot be written to."""
        object.__setattr__(self, "pixels", read_only(self.pixels))


def read_only(array: Array) -> Array:
    """The same numbers, not to be written to: what several detectors share goes through here."""
    if not isinstance(array, np.ndarray):
        return array
    view = array.view()
    view.flags.writeable = False
    return view


@dataclass(frozen=True, slots=True)
class Answer:
    """What a detector says of N images.

    Attributes:
        scores: float32 (N,), as `Scores`.
        diagnostics: What else is worth recording of each image, by name: numbers or texts, (N,) each.
    """

    scores: Scores
    diagnostics: Mapping[str, Array] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Runtime:
    """Where and how precisely a detector computes. `device` is "cpu", "cuda" or "cuda:N".

    A long fit may keep in `folder` what it needs to go on after it was killed; the folder is of this fit alone. It
    tells `watch` the number of each epoch, from 0, and its row of `Detector.history`.
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

    def scores(self, detector: Detector) -> Scores:
        """Scores of all images in order by a fitted detector, read and prepared by the harness."""

    def part(self, rows: Sequence[int] | NDArray[np.integer[Any]]) -> TrainSet:
        """The images of these rows, in this order, as a train set."""


class Detector(ABC):
    """A fitted detector.

    Attributes:
        history: One row of numbers per epoch of the training that made it, if one did.
        preparation: Detectors of equal preparation prepare alike, whatever their recipe: an image is prepared once for
            all of them. None says nothing of detectors of other recipes.
    """

    history: Sequence[Mapping[str, float]] = ()
    preparation: Hashable = None

    @abstractmethod
    def prepare(self, sample: Sample) -> Array:
        """Turn one sample into one array on the CPU: pure, thread-safe, leaves the sample alone.

        All detectors of one recipe prepare alike, whatever they were fitted on: the harness prepares once for all.
        """

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


class Composite(Detector):
    """A detector whose answer follows from those of other fitted detectors.

    The harness reads, prepares and scores the members as it does detectors of their own, then combines their answers.

    Attributes:
        members: By name, in order.
    """

    members: Mapping[str, Detector]

    @abstractmethod
    def combine(self, answers: Mapping[str, Answer]) -> Answer:
        """The answer that follows from those of every member, by name, on the same N images."""

    def prepare(self, sample: Sample) -> Array:
        """What every member prepares, as one record () with a field for each."""
        prepared = {name: np.asarray(member.prepare(sample)) for name, member in self.members.items()}
        record: Array = np.empty((), [(name, array.dtype, array.shape) for name, array in prepared.items()])
        for name, array in prepared.items():
            record[name] = array
        return record

    def answer(self, batch: Sequence[Array]) -> Answer:
        """Let every member answer, then combine."""
        return self.combine(
            {name: member.answer([one[name] for one in batch]) for name, member in self.members.items()}
        )

    def score(self, batch: Sequence[Array]) -> Scores:
        """The scores of the answer."""
        return self.answer(batch).scores


@dataclass(frozen=True)
class Recipe(ABC):
    """An untrained detector. `setting` chooses the published sizes and budgets or those of the embedded corpus.

    Every further field is an option of a user's. It is part of the key by itself where it differs from its default. A
    field whose metadata says `{"file": True}` is the path of a file, which stands in the key by its content; one with
    `compare=False` is no option.
    """

    setting: Setting = "paper"
    card: ClassVar[Card]

    @property
    def key(self) -> str:
        """Identity of everything that changes the scores, apart from the images, the seed and versions of code."""
        chosen = [f"{one.name}={_in_key(one, getattr(self, one.name))}" for one in self.options() if self._chose(one)]
        begun = [source.identity for source in self.own_sources() if source.identity]
        parts = [f"[{component.key}]" for component in self.components()]
        return ".".join((f"{self.card.name}.{self.card.version}.{self.setting}", *chosen, *begun, *parts))

    @classmethod
    def options(cls) -> tuple[Field[Any], ...]:
        """The fields that a user may choose, beside the setting."""
        return tuple(one for one in fields(cls) if one.init and one.compare and one.name != "setting")

    def _chose(self, option: Field[Any]) -> bool:
        default = option.default if option.default_factory is MISSING else option.default_factory()
        return bool(getattr(self, option.name) != default)

    def components(self) -> tuple[Recipe, ...]:
        """The recipes of which this one is composed; none by default."""
        return ()

    @property
    def alone(self) -> bool:
        """Whether a fit keeps one core of a CPU busy and needs no embedding: the harness may run several at a time."""
        return False

    def own_sources(self) -> Sequence[Source]:
        """The files of weights that this recipe reads by itself before it is fitted; none by default."""
        return ()

    def sources(self) -> tuple[Source, ...]:
        """The files of weights that this recipe and its components read before they are fitted."""
        parts = (source for component in self.components() for source in component.sources())
        return tuple(dict.fromkeys((*self.own_sources(), *parts)))

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


def _in_key(option: Field[Any], value: object) -> str:
    """How the value of an option stands in a key: written out, or the content of the file that it names."""
    if option.metadata.get("file") and value is not None and Path(str(value)).is_file():
        from detectors.weights import identity

        return identity(Path(str(value)))
    return repr(value)
