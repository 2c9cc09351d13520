"""What a layout is: from the names in a tree to rows of images.

A layout is one class and one entry-point line in the group `lineup.layouts`. It says how much of a tree it can read,
from names and headers alone, and reads it. What all layouts share stands in `bench.images.assembly`: order, families,
splits that have to be drawn, checks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal, NamedTuple

from bench.images.files.tree import FileSource, Tree

Claim = Literal["all", "some", "none"]
SHARED = "real"  # the pool of real images that stand against every generator


class ImageRow(NamedTuple):
    """One image.

    Attributes:
        name: As the tree, or the layout's own files, call it.
        label: 0 real, 1 generated.
        generator: The generator that made it; of a real image, the pool that it belongs to.
        split: "train", "val" or "test"; "" where the data set has no split.
        content: The content class, or "".
        source: An id shared by images that are not independent of each other.
        degradation: A chain of degradations that is part of the data set, or "".
    """

    name: str
    label: int
    generator: str
    split: str = ""
    content: str = ""
    source: str = ""
    degradation: str = ""


@dataclass(frozen=True)
class DataSetContents:
    """What a layout read.

    Attributes:
        rows: Every image.
        families: Family of each generator that is known to belong to one.
        pools: Generator to the pool of real images that stands against it, for generators that do not have one of
            their own name; `SHARED` where one exists and nothing is said.
        files: Where the names of the rows are read; None for the tree itself.
        notes: What a reader of the results should know, one sentence each.
        missing: What the data set lists and does not hold: what it is, to how many images.
    """

    rows: Sequence[ImageRow]
    families: Mapping[str, str] = field(default_factory=dict)
    pools: Mapping[str, str] = field(default_factory=dict)
    files: FileSource | None = None
    notes: tuple[str, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)


class Layout(ABC):
    """A way in which data sets lie on disk."""

    name: ClassVar[str]
    shape: ClassVar[str]  # one line that shows it, for lists and errors
    general: ClassVar[bool] = False  # asked only where no other layout reads anything
    takes: ClassVar[frozenset[str]] = frozenset()  # suffixes of a file that may be given in place of its folder

    @abstractmethod
    def claim(self, tree: Tree) -> Claim:
        """How much of the tree's images this layout would read. Cheap: names, and headers of a file or two."""

    @abstractmethod
    def read(self, tree: Tree) -> DataSetContents:
        """Read the tree. Raises `InputError` for what cannot be used."""


class FolderMeaning(NamedTuple):
    """What a folder says of the images in it. `generator` is the pool where `label` is 0."""

    label: int
    generator: str
    split: str = ""
    content: str = ""


class FolderLayout(Layout):
    """A layout in which the folder that an image stands in says everything."""

    @abstractmethod
    def places(self, tree: Tree) -> Mapping[str, FolderMeaning]:
        """What each folder, such as "ADM/train/ai", says of its images; none for one that is no part of the layout."""

    def row(self, folder: str, name: str, place: FolderMeaning) -> ImageRow:
        """One image of a folder. A layout whose file names say more overrides this."""
        path = f"{folder}/{name}" if folder else name
        return ImageRow(path, place.label, place.generator, place.split, place.content, path)

    def claim(self, tree: Tree) -> Claim:
        """By folders alone."""
        places = self.places(tree)
        if not places:
            return "none"
        return "all" if len(places) == len(tree.listing.images) else "some"

    def rows(self, tree: Tree) -> list[ImageRow]:
        """Every image in a folder of this layout."""
        images = tree.listing.images
        return [self.row(folder, name, place) for folder, place in self.places(tree).items() for name in images[folder]]
