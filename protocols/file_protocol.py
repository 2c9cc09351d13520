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
    same = ["train", "test"]         # these axes have one value; generators are compared as sets
    differ = []                      # these have several
    generators = "trained"           # all that are tested were trained on; "unseen": none of them was
    where = { degradation = ["none"] }  # the values that an axis may have; a profile stands for its degradations

A relative path of a profile begins in the folder of the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any, ClassVar, Literal

from protocols.api import (
    AXES,
    NONE,
    AxisValue,
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
from protocols.profiles import WrongProfile, expanded, find_profile
from protocols.toml_files import UnreadableToml, read_toml

SUFFIX = ".toml"
TRAINED = "trained"
DEGRADATIONS = frozenset({"degradation", "train_degradation"})  # the axes whose values are degradations


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
        same: Axes that have one value in a cell; generators that belong together are compared as sets.
        differ: Axes that have several.
        generators: Whether all generators of the test set were trained on, or none was; None for any.
        where: The values that an axis may have.
    """

    name: str
    role: Role | None = None
    same: tuple[str, ...] = ()
    differ: tuple[str, ...] = ()
    generators: Literal["trained", "unseen"] | None = None
    where: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def holds(self, cell: Cell) -> bool:
        """Whether a cell is part of it."""
        same, differ = ({_spelt(axis, AXES[axis].value(cell)) for axis in axes} for axes in (self.same, self.differ))
        listed = all(_spelt(axis, AXES[axis].value(cell)) in values for axis, values in self.where)
        return listed and len(same) <= 1 and (len(differ) > 1 or not self.differ) and self._holds_generators(cell)

    def _holds_generators(self, cell: Cell) -> bool:
        """Whether the generators of the test set of a cell are those that they have to be."""
        trained, tested = set(cell.train.generators if cell.train else ()), set(cell.test.generators)
        return {None: True, "trained": tested <= trained, "unseen": not tested & trained}[self.generators]


def _spelt(axis: str, value: AxisValue) -> str:
    """The value of an axis as groups compare it: generators that belong together in one order, each once."""
    return "+".join(sorted(set(str(value).split("+")))) if AXES[axis].generators else str(value)


@dataclass(frozen=True)
class FileProtocol(EvaluationProtocol):
    """Every detector, trained on each train set of a file, tested on each of its test sets."""

    train: ClassVar[SubsetChoice]
    test: ClassVar[SubsetChoice]
    task: ClassVar[Task]
    averages: ClassVar[tuple[GroupChoice, ...]]
    file: ClassVar[Path]
    content: ClassVar[str]  # digest of all that the file asks, its profiles spelled out: not of texts and comments
    profiles: ClassVar[tuple[str, ...]]  # those that it names, by name or absolute path

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
        """The averages of the file, over the cells of trained detectors. Raises `Unanswerable` for one of no cells."""
        del scope
        trained = [cell for cell in cells if cell.train is not None]
        found = [grouped(one.name, filter(one.holds, trained), one.role) for one in self.averages]
        if empty := [one.name for one in found if trained and not one.cells]:
            msg = (
                f"no cell is in the average {empty[0]!r} of protocol {self.file}; mend its same, differ, generators or "
                "where, or leave it out"
            )
            raise Unanswerable(msg)
        return found


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
        facts = read_toml(path)
    except UnreadableToml as error:
        msg = f"protocol {path} cannot be read ({error}); `lineup new protocol FILE` writes one to begin with"
        raise WrongProtocolFile(msg) from error
    try:
        return _protocol(path, facts)
    except (ValueError, WrongProfile) as error:
        msg = f"protocol {path}: {error}"
        raise WrongProtocolFile(msg) from error


def _protocol(path: Path, facts: Mapping[str, Any]) -> type[FileProtocol]:
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
        generators: Literal["trained", "unseen"] | None = None
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
    return _class(path, read.model_dump())


def _class(path: Path, read: Mapping[str, Any]) -> type[FileProtocol]:
    """The protocol of the content of a file, every value of which is of its type. Raises `ValueError`."""
    if read["train"]["generators"] == TRAINED:
        msg = "train.generators: 'trained' is for test sets; write 'each', 'all' or a list"
        raise ValueError(msg)
    for part in ("train", "test"):
        _require_values(part, read[part])
    _require_axes([read["rows"], read["columns"]], read["groups"])
    folder = path.absolute().parent
    asked = {
        "view": MatrixLayout(read["rows"], read["columns"]),
        "task": read["task"],
        "train": _choice(read["train"], folder),
        "test": _choice(read["test"], folder),
        "averages": tuple(_group(one, folder) for one in read["groups"]),
    }
    body = {
        "__doc__": FileProtocol.__doc__,
        "name": path.stem,
        "title": read["title"],
        "source": read["source"] or "A file of the user's own",
        "file": path,
        "content": sha256(json.dumps(asked, default=asdict, sort_keys=True).encode()).hexdigest(),
        "profiles": tuple(_profiles([*read["train"]["degradations"], *read["test"]["degradations"]], folder)),
        **asked,
    }
    return dataclass(frozen=True)(type("FileProtocolOf", (FileProtocol,), body))


def _choice(table: Mapping[str, Any], folder: Path) -> SubsetChoice:
    generators, sizes, contents = table["generators"], table["sizes"] or (None,), table["contents"] or ((),)
    return SubsetChoice(
        generators if isinstance(generators, str) else tuple({_spelt("test", one): one for one in generators}.values()),
        tuple(_steps(table["degradations"], folder)),
        tuple(dict.fromkeys(sizes)),
        tuple(dict.fromkeys(map(tuple, contents))),
    )


def _steps(texts: Iterable[str], folder: Path) -> list[str]:
    """The canonical names of some degradations and of those of profiles, each once."""
    from protocols.degradations import parse_degradation  # which brings all that degrades

    return list(dict.fromkeys(parse_degradation(text).name for text in expanded(texts, folder)))


def _profiles(texts: Iterable[str], folder: Path) -> Iterator[str]:
    """Those of some texts that are profiles, each once, by name or absolute path."""
    for text in dict.fromkeys(texts):
        if find_profile(text, folder):
            yield str(folder / Path(text).expanduser()) if text.endswith(SUFFIX) else text


def _group(table: Mapping[str, Any], folder: Path) -> GroupChoice:
    where = tuple(
        (
            axis,
            tuple(
                _steps(map(str, values), folder) if axis in DEGRADATIONS else [_spelt(axis, value) for value in values]
            ),
        )
        for axis, values in table["where"].items()
    )
    same, differ = tuple(table["same"]), tuple(table["differ"])
    return GroupChoice(table["name"], table["role"], same, differ, table["generators"], where)


def _require_values(part: str, table: Mapping[str, Any]) -> None:
    """Raise `ValueError` for an empty list, which leaves nothing to ask, and for a size below 1."""
    for name, values in table.items():
        if values == []:
            msg = f"{part}.{name} is an empty list; list what is asked, or leave the line out"
            raise ValueError(msg)
    if wrong := [size for size in table["sizes"] or () if size < 1]:
        msg = f"{part}.sizes has {wrong[0]}; a size is a number of images of each class, 1 or more"
        raise ValueError(msg)


def _require_axes(view: Sequence[str], groups: Sequence[Mapping[str, Any]]) -> None:
    """Raise `ValueError` for an axis that is not known."""
    for axis in (*view, *_axes_of(groups)):
        if axis not in AXES:
            msg = f"axis {axis!r} is not known; there are {', '.join(AXES)}"
            raise ValueError(msg)


def _axes_of(groups: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for group in groups:
        yield from (*group["same"], *group["differ"], *group["where"])
