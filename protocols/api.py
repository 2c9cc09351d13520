"""What a protocol asks: a frozen value whose fields are its options, and a pure function from data to cells.

A protocol is one class and one entry point in `lineup.protocols`. It says which cells there are, which of them each
average runs over, and how the answers are laid out. Everything that a cell may vary is a field of the cell, so that a
protocol with a new axis needs nothing of the harness.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal, Protocol

Split = Literal["train", "val", "test"]
Task = Literal["binary", "generator"]
Role = Literal["home", "away"]
Value = str | int | float  # of an axis, as tables have it
NONE = "none"  # the degradation that changes nothing, as `protocols.degradations` spells it


class Unanswerable(ValueError):
    """A protocol cannot be asked of this data. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Subset:
    """A selection of images: some generators with the real images that stand against them, one split.

    Attributes:
        generators: Their names.
        split: Which part of the data.
        contents: What the images show, for both classes; empty for everything.
        size: Images of each class; None for all. The images of a smaller size are among those of a larger one.
        degradation: What every image goes through first.
        data: The data set, as `EvaluationProtocol.data_sets` names it; empty for the one of the run.
    """

    generators: tuple[str, ...]
    split: Split
    contents: tuple[str, ...] = ()
    size: int | None = None
    degradation: str = NONE
    data: str = ""

    @property
    def name(self) -> str:
        """The generators, joined with "+"; the rest follows from the axes."""
        return "+".join(self.generators)


@dataclass(frozen=True, slots=True)
class Cell:
    """One question: this detector, fitted on this subset with this seed, answers about that subset.

    Attributes:
        detector: Its name.
        train: What it is fitted on; None where it is loaded from a checkpoint.
        test: What it is asked about.
        seed: Of the training.
        task: "binary", real or generated; or "generator", which one made the image.
        options: Of the detector, where they are not those of the run: name and value.
        checkpoint: Path of published weights in place of a fit; empty for a fit.
    """

    detector: str
    train: Subset | None
    test: Subset
    seed: int = 0
    task: Task = "binary"
    options: tuple[tuple[str, Any], ...] = ()
    checkpoint: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError unless exactly one of `train` and `checkpoint` is given."""
        if (self.train is None) != bool(self.checkpoint):
            msg = f"{self.detector}: a cell has a train subset or a checkpoint, and not both"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Axis:
    """One thing that cells vary.

    Attributes:
        value: What a cell has of it.
        generators: Whether the values are generators, or several joined with "+": families stand together then.
    """

    value: Callable[[Cell], Value]
    generators: bool = False


def _of_train(value: Callable[[Subset], Value]) -> Axis:
    return Axis(lambda cell: "" if cell.train is None else value(cell.train))


def _size(subset: Subset) -> Value:
    return "all" if subset.size is None else subset.size


AXES: Mapping[str, Axis] = {
    "train": Axis(lambda cell: cell.checkpoint if cell.train is None else cell.train.name, generators=True),
    "train_data": _of_train(lambda train: train.data),
    "train_contents": _of_train(lambda train: "+".join(train.contents)),
    "train_size": _of_train(_size),
    "train_split": _of_train(lambda train: train.split),
    "train_degradation": _of_train(lambda train: train.degradation),
    "test": Axis(lambda cell: cell.test.name, generators=True),
    "test_data": Axis(lambda cell: cell.test.data),
    "test_contents": Axis(lambda cell: "+".join(cell.test.contents)),
    "test_size": Axis(lambda cell: _size(cell.test)),
    "test_split": Axis(lambda cell: cell.test.split),
    "degradation": Axis(lambda cell: cell.test.degradation),
    "options": Axis(lambda cell: ", ".join(f"{name}={value}" for name, value in cell.options)),
    "task": Axis(lambda cell: cell.task),
}


class Images(Protocol):
    """What a protocol may know of an image set."""

    @property
    def generators(self) -> Sequence[str]:
        """Names of the generators, in reading order."""

    @property
    def families(self) -> Mapping[str, str]:
        """Generator to family; a generator of unknown family is its own family."""

    @property
    def contents(self) -> Sequence[str]:
        """What its images show, in alphabetical order; none where the data does not say."""

    @property
    def held_out(self) -> Split:
        """The split that answers are given on: "test", or "val" where there is none."""

    def having(self, split: Split) -> Sequence[str]:
        """The generators that have images in a split, in reading order."""

    def most(self, subset: Subset) -> int:
        """The largest `size` that a subset can be asked for: images of its rarer class."""

    @property
    def short_side(self) -> int:
        """The commonest short side of its images, in pixels."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a run offers to a protocol.

    Attributes:
        images: The data of the run.
        further: The data sets that the protocol asked for, as it named them.
        detectors: Names.
        seeds: Of the trainings.
    """

    images: Images
    detectors: Sequence[str]
    seeds: Sequence[int] = (0,)
    further: Mapping[str, Images] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MatrixLayout:
    """How the answers are laid out: which axis of a cell names the rows of a matrix, and which the columns."""

    rows: str
    columns: str


@dataclass(frozen=True, slots=True)
class Group:
    """Cells that one average runs over.

    Attributes:
        name: What it is called in a table.
        cells: They all count alike. A group may be empty: its average is then shown as missing where it has a role.
        role: "home" where the detector was trained for what it is asked, "away" where it was not. The group away ranks
            detectors, or home where no cell is away; the difference between the two is shown.
    """

    name: str
    cells: frozenset[Cell]
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class PublishedAverage:
    """Which published averages a protocol's answers may stand beside.

    Attributes:
        over: The axis that is averaged over.
        beside: The group that answers nearly the same question.
    """

    over: Literal["test", "degradation"]
    beside: str


def option(default: Any, about: str) -> Any:  # noqa: ANN401 - the type is that of the field
    """A field of a protocol that a user may choose, with one line of help."""
    return field(default=default, metadata={"help": about})


@dataclass(frozen=True)
class EvaluationProtocol(ABC):
    """A protocol. The fields of a subclass are its options, on the command line and in a settings file.

    Attributes:
        name: As `lineup list` has it.
        title: What is asked, in one line: "Name: explanation".
        view: How answers are laid out.
        axes: Further axes of this protocol by name, beside `AXES`.
        published: Which published averages its answers may stand beside; None for none.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    view: ClassVar[MatrixLayout]
    axes: ClassVar[Mapping[str, Axis]] = {}
    published: ClassVar[PublishedAverage | None] = None

    def data_sets(self) -> tuple[str, ...]:
        """Further data sets that the cells name, as DATA= writes them; none by default."""
        return ()

    @abstractmethod
    def cells(self, scope: Scope) -> list[Cell]:
        """All cells, in reading order. Raises `Unanswerable`."""

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """The averages, in reading order, beside that of all cells. At most one is home, and at most one away."""
        del cells, scope
        return []


def options(protocol: type[EvaluationProtocol]) -> dict[str, str]:
    """The options of a protocol by name, with their help."""
    return {one.name: str(one.metadata.get("help", "")) for one in fields(protocol) if one.init}


def grouped(name: str, cells: Iterable[Cell], role: Role | None = None) -> Group:
    """A group of these cells."""
    return Group(name, frozenset(cells), role)


def trainable(images: Images, names: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The generators of each train set: those that a user named, else each one that has training images by itself.

    Args:
        images: The image set.
        names: Generators, or several joined with "+" that are trained on together, in the user's order.

    Raises:
        Unanswerable: One of them is not in the data, or there is none.
    """
    there = images.having("train")
    if not there:
        msg = "the data has no training images; give data with a train split"
        raise Unanswerable(msg)
    together = [(name,) if name in there else tuple(dict.fromkeys(name.split("+"))) for name in names or there]
    for name in (name for group in together for name in group):
        if name not in there:
            msg = f"generator {name!r} is not in the data's train split, which has {', '.join(there)}"
            raise Unanswerable(msg)
    return tuple(dict.fromkeys(together))
