"""What a protocol asks: a pure function from an image set to a list of cells."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

Split = Literal["train", "val", "test"]


class Unanswerable(ValueError):
    """A protocol cannot be asked of this image set. The message says why and what to do."""


@dataclass(frozen=True, slots=True, order=True)
class Subset:
    """A named selection of an image set: some generators with the real images that stand against them, one split."""

    generators: tuple[str, ...]
    split: Split

    @property
    def name(self) -> str:
        """The generators, joined with "+"; the split follows from the role."""
        return "+".join(self.generators)


@dataclass(frozen=True, slots=True, order=True)
class Cell:
    """One question: this detector, fitted on this subset with this seed, scores that subset under this degradation."""

    detector: str
    train: Subset
    test: Subset
    degradation: str = "none"
    seed: int = 0
    task: Literal["binary"] = "binary"


class Images(Protocol):
    """What a protocol may know of an image set."""

    @property
    def generators(self) -> Sequence[str]:
        """Names of the generators, in reading order."""

    @property
    def families(self) -> Mapping[str, str]:
        """Generator to family; a generator of unknown family is its own family."""

    @property
    def held_out(self) -> Split:
        """The split that answers are given on: "test", or "val" where there is none."""

    def having(self, split: Split) -> Sequence[str]:
        """The generators that have images in a split, in reading order."""

    @property
    def short_side(self) -> int:
        """The commonest short side of its images, in pixels."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a user may choose of a protocol."""

    train_on: tuple[str, ...] = ()  # generators to train on, or several joined with "+"; empty: the protocol's default
    degradations: tuple[str, ...] = ()  # degradations to test under; empty: the protocol's default
    test_all: bool = False  # test on every generator where the protocol's default is the trained one


@dataclass(frozen=True, slots=True)
class View:
    """How the answers are laid out: which field of a cell names the rows and which the columns of a matrix."""

    rows: Literal["train", "test"]
    columns: Literal["test", "degradation"]


class Question(ABC):
    """A protocol: it knows its name, its view and its cells."""

    name: ClassVar[str]
    title: ClassVar[str]
    view: ClassVar[View]

    @abstractmethod
    def cells(self, images: Images, detectors: Sequence[str], seeds: Sequence[int], options: Options) -> list[Cell]:
        """All cells, in reading order. Raises `Unanswerable`."""


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
    return tuple(together)
