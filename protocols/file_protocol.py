"""A protocol of one's own from a TOML file, without code: subsets, groups, and the layout of the results.

Every combination of a train set and a test set is a cell. A file has all or some of these:

    title = "Small images: train on clean ones (rows), test on small ones (columns)"
    source = "Where the question is from."
    rows = "train"                   # axes of the matrix, as `protocols.api.AXES` has them
    columns = "degradation"
    task = "binary"                  # or "generator": which one made it

    [train]
    generators = "each"              # each by itself, "all" together, or a list: ["ADM", "BigGAN+VQDM"]
    degradations = ["none"]          # or profiles
    sizes = [100, 50]                # images of each class; none for all
    contents = [["cat"], ["dog"]]    # classes of content; none for all

    [test]
    generators = "each"              # as above, or "trained": those that the detector was trained on
    degradations = ["none", "lr:64"]
    contents = [["cat"]]

    [[groups]]                       # averages; a cell is part of one where all of this holds
    name = "same generator"
    role = "home"                    # "home", "away", or none
    same = ["train", "test"]         # these axes have one value
    differ = []                      # these have two
    where = { degradation = ["none"] }
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, Literal

from protocols.api import (
    AXES,
    NONE,
    Cell,
    EvaluationProtocol,
    Group,
    Images,
    MatrixLayout,
    Role,
    Scope,
    Split,
    Subset,
    Task,
    Unanswerable,
    grouped,
    train_generators,
)
from protocols.degradations import UnknownDegradation, parse_degradation
from protocols.profiles import WrongProfile, expanded

SUFFIX = ".toml"
TRAINED = "trained"


class WrongProtocolFile(ValueError):
    """A file that is no protocol. The message says what to do."""


@dataclass(frozen=True)
class SubsetChoice:
    """The train or test sets of a file: every combination of what is listed.

    Attributes:
        generators: "each", "all", "trained", or names, several that belong together joined with "+".
        degradations: Canonical names.
        sizes: Images of each class; None for all.
        contents: Classes of content of each set; empty for all.
    """

    generators: str | tuple[str, ...] = "each"
    degradations: tuple[str, ...] = (NONE,)
    sizes: tuple[int | None, ...] = (None,)
    contents: tuple[tuple[str, ...], ...] = ((),)

    def subsets(self, generators: Sequence[tuple[str, ...]], split: Split) -> list[Subset]:
        """Every set of a split, of the generators of each."""
        combinations = product(generators, self.contents, self.sizes, self.degradations)
        return [
            Subset(names, split, contents, size, degradation) for names, contents, size, degradation in combinations
        ]


@dataclass(frozen=True)
class GroupChoice:
    """An average of a file.

    Attributes:
        name: In tables.
        role: As `protocols.api.Group` has it.
        same: Axes that have one value in a cell.
        differ: Axes that have two.
        where: The values that an axis may have.
    """

    name: str
    role: Role | None = None
    same: tuple[str, ...] = ()
    differ: tuple[str, ...] = ()
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def holds(self, cell: Cell) -> bool:
        """Whether a cell is part of it."""
        same, differ = ({AXES[axis].value(cell) for axis in axes} for axes in (self.same, self.differ))
        listed = all(str(AXES[axis].value(cell)) in values for axis, values in self.where)
        return listed and len(same) <= 1 and (len(differ) > 1 or not self.differ)


@dataclass(frozen=True)
class FileProtocol(EvaluationProtocol):
    """Every detector, trained on each train set of a file, tested on each of its test sets."""

    train: ClassVar[SubsetChoice]
    test: ClassVar[SubsetChoice]
    task: ClassVar[Task]
    averages: ClassVar[tuple[GroupChoice, ...]]

    def cells(self, scope: Scope) -> list[Cell]:
        """One cell per detector, seed, train set and test set; of released ones per test set alone."""
        present = [(name,) for name in scope.images.generators_in(scope.images.held_out)]
        _check(self.test, [name for (name,) in present])
        cells = [
            Cell(detector, train, test, seed, self.task)
            for detector in scope.trained
            for seed in scope.seeds
            for train in self._trains(scope.images)
            for test in self._tests([(name,) for name in train.generators], present, scope.images.held_out)
        ]
        return cells + scope.released_cells(self._tests(present, present, scope.images.held_out))

    def _trains(self, images: Images) -> list[Subset]:
        """The train sets."""
        return self.train.subsets(_named(self.train, train_generators(images, _listed(self.train))), "train")

    def _tests(
        self, trained: Sequence[tuple[str, ...]], present: Sequence[tuple[str, ...]], split: Split
    ) -> list[Subset]:
        """The test sets of a detector that was trained on some generators, of those that are present."""
        return self.test.subsets(trained if self.test.generators == TRAINED else _named(self.test, present), split)

    def groups(self, cells: Sequence[Cell], scope: Scope) -> list[Group]:
        """The averages of the file, over the cells of trained detectors."""
        del scope
        trained = [cell for cell in cells if cell.train is not None]
        return [grouped(one.name, filter(one.holds, trained), one.role) for one in self.averages]


def _listed(choice: SubsetChoice) -> tuple[str, ...]:
    return choice.generators if isinstance(choice.generators, tuple) else ()


def _named(choice: SubsetChoice, present: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The generators of each set: those present by themselves or together, or the listed ones."""
    if isinstance(choice.generators, tuple):
        return [tuple(text.split("+")) for text in choice.generators]
    return [tuple(name for names in present for name in names)] if choice.generators == "all" else list(present)


def _check(choice: SubsetChoice, present: Sequence[str]) -> None:
    """Raise `Unanswerable` where a test set has a generator that is not among those present."""
    for name in (name for text in _listed(choice) for name in text.split("+")):
        if name not in present:
            msg = f"generator {name!r} of the test sets is not in the data, which has {', '.join(present)}"
            raise Unanswerable(msg)


def protocol_from_file(path: Path) -> type[FileProtocol]:
    """The protocol that a file describes, called after the file. Raises `WrongProtocolFile`."""
    try:
        facts = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        msg = f"protocol {path} cannot be read ({reason}); `lineup new protocol FILE` writes one to begin with"
        raise WrongProtocolFile(msg) from error
    try:
        return _protocol(path.stem, facts)
    except (ValueError, UnknownDegradation, WrongProfile) as error:
        msg = f"protocol {path}: {error}"
        raise WrongProtocolFile(msg) from error


def _protocol(name: str, facts: Mapping[str, Any]) -> type[FileProtocol]:
    from pydantic import BaseModel, ConfigDict, Field, ValidationError

    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid", strict=True)

    class SubsetTable(Strict):
        generators: Literal["each", "all", "trained"] | list[str] = "each"
        degradations: list[str] = Field(default_factory=lambda: [NONE])
        sizes: list[int] | None = None
        contents: list[list[str]] | None = None

    class GroupTable(Strict):
        name: str
        role: Literal["home", "away"] | None = None
        same: list[str] = Field(default_factory=list)
        differ: list[str] = Field(default_factory=list)
        where: dict[str, list[str | int]] = Field(default_factory=dict)

    class ProtocolTable(Strict):
        title: str
        source: str = ""
        rows: str = "train"
        columns: str = "test"
        task: Literal["binary", "generator"] = "binary"
        train: SubsetTable = Field(default_factory=SubsetTable)
        test: SubsetTable = Field(default_factory=SubsetTable)
        groups: list[GroupTable] = Field(default_factory=list)

    try:
        read = ProtocolTable.model_validate(facts)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        msg = f"{place}: {first['msg'].lower()}, found {first['input']!r:.60}"
        raise ValueError(msg) from error
    if read.train.generators == TRAINED:
        msg = "train.generators: 'trained' is for test sets; write 'each', 'all' or a list"
        raise ValueError(msg)
    groups = tuple(_group(one.model_dump()) for one in read.groups)
    _require_axes([read.rows, read.columns], groups)
    body = {
        "__doc__": FileProtocol.__doc__,
        "name": name,
        "title": read.title,
        "source": read.source or "A file of the user's own",
        "view": MatrixLayout(read.rows, read.columns),
        "task": read.task,
        "train": _choice(read.train.model_dump()),
        "test": _choice(read.test.model_dump()),
        "averages": groups,
    }
    return dataclass(frozen=True)(type("FileProtocolOf", (FileProtocol,), body))


def _choice(table: Mapping[str, Any]) -> SubsetChoice:
    generators = table["generators"]
    return SubsetChoice(
        generators if isinstance(generators, str) else tuple(generators),
        tuple(dict.fromkeys(parse_degradation(text).name for text in expanded(table["degradations"]))),
        tuple(table["sizes"] or (None,)),
        tuple(tuple(contents) for contents in table["contents"] or ((),)),
    )


def _group(table: Mapping[str, Any]) -> GroupChoice:
    where = tuple((axis, tuple(map(str, values))) for axis, values in table["where"].items())
    return GroupChoice(table["name"], table["role"], tuple(table["same"]), tuple(table["differ"]), where)


def _require_axes(view: Sequence[str], groups: Sequence[GroupChoice]) -> None:
    """Raise `ValueError` for an axis that is not known."""
    for axis in (*view, *_axes_of(groups)):
        if axis not in AXES:
            msg = f"axis {axis!r} is not known; there are {', '.join(AXES)}"
            raise ValueError(msg)


def _axes_of(groups: Sequence[GroupChoice]) -> Iterator[str]:
    for group in groups:
        yield from (*group.same, *group.differ, *(axis for axis, _ in group.where))
