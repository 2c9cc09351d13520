"""The contract of protocols: frozen values whose fields are their options, with a pure function from data to cells.

A protocol is one class and one entry point in `lineup.protocols`. It states which cells there are, over which of them
each average is taken, and how the results are laid out. Everything that may vary between cells is a field of the cell,
so that a protocol with a new axis needs no change of the harness.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Literal, Protocol

Split = Literal["train", "val", "test", "all"]  # "all": whatever the split
Task = Literal["binary", "generator"]
Role = Literal["home", "away"]
DegradedImages = Literal["both", "real", "generated"]  # the classes of a subset that its degradation is applied to
AxisValue = str | int | float  # of an axis, as tables have it
NONE = "none"  # the degradation that changes nothing, as `protocols.degradations` spells it


class Unanswerable(ValueError):
    """A protocol cannot be evaluated on this data. The message says why and what to do."""


@dataclass(frozen=True, slots=True)
class SourceDraw:
    """Some of the sources of a subset: those that are drawn, or all others.

    Attributes:
        share: Of the images of each class, as nearly as whole sources allow; at least one of each.
        seed: Of the draw.
        drawn: Whether those that are drawn are meant.
    """

    share: float
    seed: int
    drawn: bool


@dataclass(frozen=True, slots=True)
class Subset:
    """A selection of images: some generators with the real images that belong to them, of one split.

    Attributes:
        generators: Their names.
        split: Of the data.
        contents: The classes of content, of both real and generated images; empty for all.
        size: Images of each class; None for all. The images of a smaller size are among those of a larger one.
        degradation: Applied to every image first, or to those of one class.
        data: The data set, as `EvaluationProtocol.data_sets` names it; empty for the one of the run.
        degraded: The images that the degradation is applied to: of both classes, or of one alone.
        shots: Further generators that join, each with so many of its images and as many of its real ones, drawn as for
            `size`. A real image that is in the subset already is in it once.
        copy: Which copies that the data ships: "" for originals, a name for those alone; None for all.
        label: What tables call it; empty for its generators. No key depends on it.
        sources: Which of its sources, drawn of the images before `shots` join, and none of theirs; None for all.
    """

    generators: tuple[str, ...]
    split: Split
    contents: tuple[str, ...] = ()
    size: int | None = None
    degradation: str = NONE
    data: str = ""
    label: str = ""
    degraded: DegradedImages = "both"
    shots: tuple[tuple[str, int], ...] = ()
    copy: str | None = None
    sources: SourceDraw | None = None

    @property
    def common_degradation(self) -> str:
        """The degradation of all its images alike; that of one class alone is part of the images."""
        return self.degradation if self.degraded == "both" else NONE

    @property
    def parts(self) -> tuple[Subset, ...]:
        """The subsets of which it is composed: its generators, then each of those that join."""
        joining = (replace(self, generators=(name,), size=size, shots=(), label="") for name, size in self.shots)
        return (replace(self, shots=()), *joining) if self.shots else (self,)

    @property
    def without_shots(self) -> Subset:
        """The subset before further generators join."""
        return replace(self, shots=(), label="")

    @property
    def shots_alone(self) -> Subset:
        """All images of the further generators with their real ones. Raises ValueError where none joins."""
        if not self.shots:
            msg = f"no further generator joins {self.name}"
            raise ValueError(msg)
        (first, size), *rest = self.shots
        return replace(self, generators=(first,), size=size, shots=tuple(rest), label="", sources=None)

    @property
    def name(self) -> str:
        """The label, or the generators, joined with "+"; the rest follows from the axes."""
        return self.label or "+".join(self.generators)


@dataclass(frozen=True, slots=True)
class Attack:
    """A change of the test images of a cell that makes one fitted detector err.

    Attributes:
        target: A cell of the detector that is attacked, itself without an attack: its training or checkpoint count.
        method: As `protocols.attacks` spells it.
    """

    target: Cell
    method: str


@dataclass(frozen=True, slots=True)
class Cell:
    """One evaluation: a detector, fitted on one subset with one seed, scores another subset.

    Attributes:
        detector: Its name.
        train: The subset that it is fitted on; None where it is loaded from a checkpoint.
        test: The subset that it scores.
        seed: Of the training.
        task: "binary", real or generated; or "generator", the attribution to one.
        options: Of the detector, where they are not those of the run: name and value.
        checkpoint: Path of published weights in place of a fit; empty for a fit.
        attack: What the test images went through before their degradation; None for nothing.
        fine_tuned: Whether the detector is fitted on `train` without its shots, and then fine-tuned on these alone. One
            that cannot be fine-tuned, as `detectors.epochs.FineTunable` can, is fitted on all of `train`.
    """

    detector: str
    train: Subset | None
    test: Subset
    seed: int = 0
    task: Task = "binary"
    options: tuple[tuple[str, Any], ...] = ()
    checkpoint: str = ""
    attack: Attack | None = None
    fine_tuned: bool = False

    def __post_init__(self) -> None:
        """Raises ValueError unless exactly one of `train` and `checkpoint` is given, with shots to be fine-tuned on."""
        if (self.train is None) != bool(self.checkpoint):
            msg = f"{self.detector}: a cell has a train subset or a checkpoint, and not both"
            raise ValueError(msg)
        if self.fine_tuned and not (self.train and self.train.shots):
            msg = f"{self.detector}: a cell is fine-tuned on the shots of its train subset, and there are none"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Axis:
    """One property that varies between cells.

    Attributes:
        value: Of a cell.
        generators: Whether the values are generators, or several joined with "+": tables group them by family then.
    """

    value: Callable[[Cell], AxisValue]
    generators: bool = False


def _of_train(value: Callable[[Subset], AxisValue]) -> Axis:
    return Axis(lambda cell: "" if cell.train is None else value(cell.train))


def _size(subset: Subset) -> AxisValue:
    return "all" if subset.size is None else subset.size


AXES: Mapping[str, Axis] = {
    "train": Axis(lambda cell: "" if cell.train is None else cell.train.name, generators=True),
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
    """The part of an image set that a protocol uses."""

    @property
    def generators(self) -> Sequence[str]:
        """Names of the generators, in reading order."""

    @property
    def families(self) -> Mapping[str, str]:
        """Generator to family; a generator of unknown family is its own family."""

    @property
    def contents(self) -> Sequence[str]:
        """The classes of content of its images, in alphabetical order; none where the data has none."""

    @property
    def held_out(self) -> Split:
        """The split that is evaluated on: "test", or "val" where there is none."""

    @property
    def untouched(self) -> Split:
        """The images that nobody trained on: the split that is held out, or "all" where the data itself has none."""

    def generators_in(self, split: Split) -> Sequence[str]:
        """The generators that have images in a split, in reading order."""

    def largest_size(self, subset: Subset) -> int:
        """The largest `size` that a subset may have: the number of images of its rarer class."""

    @property
    def release_dates(self) -> Mapping[str, str]:
        """The release date of each generator of which the data states it, as "YYYY-MM" or "YYYY-MM-DD"."""

    @property
    def copies(self) -> Sequence[str]:
        """The copies that the data ships of its images, "" first for originals; none where it ships none."""

    @property
    def short_side(self) -> int:
        """The commonest short side of its images, in pixels."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The input of a protocol.

    Attributes:
        images: The data of the run.
        other_images: Further data sets by name: those of `EvaluationProtocol.data_sets`, or that the user named.
        detectors: Names.
        seeds: Of the trainings.
        checkpoints: The files that some of the detectors are loaded from, by detector.
        differentiable: The detectors that can be attacked.
    """

    images: Images
    detectors: Sequence[str]
    seeds: Sequence[int] = (0,)
    other_images: Mapping[str, Images] = field(default_factory=dict)
    checkpoints: Mapping[str, str] = field(default_factory=dict)
    differentiable: Sequence[str] = ()

    @property
    def trained(self) -> Sequence[str]:
        """The detectors that are trained, and not loaded from a checkpoint."""
        return [detector for detector in self.detectors if detector not in self.checkpoints]

    def released_cells(self, tests: Sequence[Subset]) -> list[Cell]:
        """A cell for each detector that is loaded from a checkpoint, and each of these subsets."""
        return [
            Cell(detector, None, test, checkpoint=self.checkpoints[detector])
            for detector in self.detectors
            if detector in self.checkpoints
            for test in tests
        ]


@dataclass(frozen=True, slots=True)
class MatrixLayout:
    """The layout of the results.

    Attributes:
        rows: The axis of the rows of a matrix.
        columns: That of its columns.
        curves: Whether the columns are steps of one quantity, so that each row is drawn as a line as well.
    """

    rows: str
    columns: str
    curves: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Cells over which one average is taken.

    Attributes:
        name: In a table.
        cells: Weighted equally. A group may be empty: its average is then shown as missing where it has a role.
        role: "home" where the detector was trained on what it is tested on, "away" where it was not. Detectors are
            ranked by the group away, or home where no cell is away; the difference between the two is shown.
    """

    name: str
    cells: frozenset[Cell]
    role: Role | None = None


@dataclass(frozen=True, slots=True)
class PublishedAverage:
    """The published averages that the results of a protocol may be compared with.

    Attributes:
        over: The axis that is averaged over.
        beside: The group whose average is nearly the same quantity.
    """

    over: Literal["test", "degradation"]
    beside: str


NameKind = Literal["generators", "degradations", "attacks", "data_sets", "file"]


def option(default: Any, about: str, *, names: NameKind | None = None) -> Any:  # noqa: ANN401 - of the field's type
    """A field of a protocol that a user may choose.

    Args:
        default: Its default.
        about: One line of help.
        names: What the texts of an option of several texts name, where they do. Generators are checked, and called as
            the data calls them, before the protocol lists its cells; the others before the data is opened. A relative
            path of data or of a file in a settings file begins in the folder of that file.
    """
    return field(default=default, metadata={"help": about, "names": names})


@dataclass(frozen=True)
class EvaluationProtocol(ABC):
    """A protocol. The fields of a subclass are its options, on the command line and in a settings file.

    Attributes:
        name: As it is installed.
        title: One line: "Name: explanation".
        source: Where the question was asked before, or that it is Lineup's own.
        view: The layout of the results.
        axes: Further axes of this protocol by name, beside `AXES`.
        published: The published averages to compare with; None for none.
        worst_over: Axes over whose values a row's mean and its worst are shown, with what tables call such a value.
        trains: Whether detectors are trained; else each is loaded from a checkpoint.
        several_data_sets: Whether the run's data may be several data sets.
        pairs: Whether generated images are compared with real ones one by one, which a section of the report shows.
        usual_detectors: Those that are asked where the user names none, and without baselines, for a question that
            others cannot answer; empty for the usual ones.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    source: ClassVar[str] = ""
    view: ClassVar[MatrixLayout]
    axes: ClassVar[Mapping[str, Axis]] = {}
    published: ClassVar[PublishedAverage | None] = None
    worst_over: ClassVar[Mapping[str, str]] = {}
    trains: ClassVar[bool] = True
    several_data_sets: ClassVar[bool] = False
    pairs: ClassVar[bool] = False
    usual_detectors: ClassVar[tuple[str, ...]] = ()

    def data_sets(self) -> tuple[str, ...]:
        """Further data sets that the cells name, written as for the option of the run; none by default."""
        return ()

    @abstractmethod
    def cells(self, scope: Scope) -> list[Cell]:
        """All cells, in reading order. Raises `Unanswerable`."""

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """The averages, in reading order, beside that of all cells. At most one is home, and at most one away."""
        del cells, scope
        return []


def option_help(protocol: type[EvaluationProtocol]) -> dict[str, str]:
    """The options of a protocol by name, with their help."""
    return {field.name: str(field.metadata.get("help", "")) for field in fields(protocol) if field.init}


def options_naming(protocol: EvaluationProtocol, names: NameKind) -> dict[str, tuple[str, ...]]:
    """The options of a protocol whose texts name such things, with their texts."""
    return {
        one.name: tuple(getattr(protocol, one.name)) for one in fields(protocol) if one.metadata.get("names") == names
    }


def grouped(name: str, cells: Iterable[Cell], role: Role | None = None) -> Group:
    """A group of these cells."""
    return Group(name, frozenset(cells), role)


def train_generators(images: Images, names: Sequence[str], split: Split = "train") -> tuple[tuple[str, ...], ...]:
    """The generators of each train set: those that a user named, else each one with training images by itself.

    Args:
        images: The image set.
        names: Generators, or several joined with "+" that are trained on together, in the user's order.
        split: Where they need images; the one that is tested, where nothing is trained.

    Raises:
        Unanswerable: One of them is not in the data, or there is none.
    """
    present = images.generators_in(split)
    if not present:
        where = f"in its {split} split" if images.generators else "at all"
        use = "train" if split == "train" else "test"
        msg = f"the data has no generated images {where}, and real ones alone {use} nothing; add some"
        raise Unanswerable(msg)
    together = [(name,) if name in present else tuple(dict.fromkeys(name.split("+"))) for name in names or present]
    for name in (name for group in together for name in group):
        if name not in present:
            msg = f"generator {name!r} is not in the data's {split} split, which has {', '.join(present)}"
            raise Unanswerable(msg)
    return tuple(dict.fromkeys(together))
