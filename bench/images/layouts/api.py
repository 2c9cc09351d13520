"""What a layout is: from the names in a tree to rows of images.

A layout is one class and one entry-point line in the group `lineup.layouts`. It tells how much of a tree it can read,
from names and headers alone, and reads it. What all layouts share is done in `bench.images.assembly`: order, families,
drawn splits, checks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple, overload

from bench.images.annotations.attributes import AttributeReader
from bench.images.annotations.folder_levels import shown
from bench.images.annotations.stated_facts import StatedFacts
from bench.images.files.tree import FileSource, Tree
from bench.images.vocabulary.folder_words import is_preview

Coverage = Literal["all", "some", "none"]  # how many of a tree's images a layout would read
TABLE_SUFFIXES = (".csv", ".jsonl", ".parquet", ".tsv")  # of tables that may say something of images
UNNAMED = "generated"  # the generator of images that no generator is named for
PART = 20_000  # images of a folder that are objects at a time
SHARED_POOL = "real"  # the pool of real images that belongs to every generator without a pool of its own


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
        copy: Which of the copies of one image it is, by a platform or a strength; "" for an original, and for data that
            ships none.
    """

    name: str
    label: int
    generator: str
    split: str = ""
    content: str = ""
    source: str = ""
    degradation: str = ""
    copy: str = ""


class ImageColumns(Sequence[ImageRow]):
    """Images in columns: a sequence of rows that are made when they are asked for, since there may be millions.

    Args:
        parts: Tables of Arrow with the fields of `ImageRow`.
    """

    def __init__(self, parts: Sequence[Any]) -> None:
        import pyarrow as pa

        self.table = pa.concat_tables(parts)

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, index: int) -> ImageRow: ...

    @overload
    def __getitem__(self, index: slice) -> list[ImageRow]: ...

    def __getitem__(self, index: int | slice) -> ImageRow | list[ImageRow]:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        return ImageRow(*(column[index].as_py() for column in self.table.columns))

    def __iter__(self) -> Iterator[ImageRow]:
        for batch in self.table.to_batches():
            yield from map(ImageRow._make, zip(*(column.to_pylist() for column in batch.columns), strict=True))


def row_of(name: str, facts: StatedFacts, source: str) -> ImageRow:
    """An image of which everything is known; one that no generator is named for is of `UNNAMED`.

    Args:
        name: Of the image.
        facts: What is stated of it, its label with it.
        source: Its source where no group is stated.
    """
    generator = (facts.generator or UNNAMED) if facts.label else SHARED_POOL
    return ImageRow(name, facts.label or 0, generator, facts.split, facts.content, facts.group or source)


@dataclass(frozen=True)
class DataSetContents:
    """What a layout read.

    Attributes:
        rows: Every image.
        families: Family of each generator that is known to belong to one.
        pools: Generator to its pool of real images, for generators that do not have one of their own name;
            `SHARED_POOL` where one exists and nothing is stated.
        files: Where the names of the rows are read; None for the tree itself.
        notes: What a reader of the results should know, one sentence each.
        missing: What the data set lists and does not hold: what it is, to how many images.
        reading: What folders and columns were taken for, one line each.
        groups: The columns that state what belongs together.
        attributes: By name, the columns that have no role.
    """

    rows: Sequence[ImageRow]
    families: Mapping[str, str] = field(default_factory=dict)
    pools: Mapping[str, str] = field(default_factory=dict)
    files: FileSource | None = None
    notes: tuple[str, ...] = ()
    missing: Mapping[str, int] = field(default_factory=dict)
    reading: tuple[str, ...] = ()
    groups: frozenset[str] = frozenset()
    attributes: Mapping[str, AttributeReader] = field(default_factory=dict)


class Layout(ABC):
    """A way in which the files of data sets are arranged.

    Attributes:
        name: As the entry point calls it, and the user before a path: `name:path`.
        pattern: One line that shows it, for lists and errors.
        fallback: Whether it is considered only where no layout without this mark reads anything.
        overrides: Names of more general layouts that are not considered where this one reads anything.
        options: Those of "--classes", "--columns" and "--levels" that it heeds; one of folders alone gives way to a
            general layout where others are given.
        file_suffixes: Suffixes of files that a user may give in place of their folder.
        data_suffixes: Suffixes of files that it reads beside images and the kinds of `bench.images.files.tree`; their
            names are in `Listing.others`.
    """

    name: ClassVar[str]
    pattern: ClassVar[str]
    fallback: ClassVar[bool] = False
    overrides: ClassVar[frozenset[str]] = frozenset()
    options: ClassVar[frozenset[str]] = frozenset()
    file_suffixes: ClassVar[frozenset[str]] = frozenset()
    data_suffixes: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def coverage(self, tree: Tree) -> Coverage:
        """How many of the tree's images this layout would read, from names and the headers of a file or two."""

    @abstractmethod
    def read(self, tree: Tree) -> DataSetContents:
        """Read the tree. Raises `InputError` for what cannot be used."""

    def described(self, tree: Tree, used: Collection[str] = ()) -> tuple[str, ...]:
        """What folders and columns are taken for, where the layout alone decides it, and which tables are not used.

        Args:
            tree: The data set.
            used: The tables that it reads.
        """
        tables = [name for name in tree.listing.data if name.lower().endswith(TABLE_SUFFIXES) and name not in used]
        unused = (f"tables that this layout does not use: {shown(tables)}",) if tables else ()
        return (f"laid out as {self.name}: {self.pattern}", *unused)


class DataSetReference(NamedTuple):
    """Another data set, as a data set refers to it.

    Attributes:
        data: What a user would name it: a path or URL, or `layout:path`. A relative path begins in the tree that
            refers to it.
        real: Path or URL of its real images; "" for none.
    """

    data: str
    real: str = ""


class SubsetLayout(Layout):
    """A layout whose data sets may list images of another data set instead of their own."""

    @abstractmethod
    def base(self, tree: Tree) -> DataSetReference | None:
        """The data set whose images are listed; None where the tree holds them. Raises `InputError`."""

    @abstractmethod
    def read_subset(self, tree: Tree, base: DataSetContents) -> DataSetContents:
        """Read what the tree lists of `base`, whose rows have their final splits. Raises `InputError`."""


MAX_STRAYS, MAX_STRAY_SHARE = 10, 0.05  # of the images of a tree: more are no pictures of a README


def are_strays(tree: Tree, images: Sequence[str]) -> bool:
    """Whether images that a layout does not read are a README's pictures: few, at the top or in folders of previews."""
    folders = {path.rpartition("/")[0] for path in images}
    places = all(not folder or any(map(is_preview, folder.split("/"))) for folder in folders)
    return places and len(images) <= max(MAX_STRAYS, MAX_STRAY_SHARE * tree.listing.size)


class FolderAnnotation(NamedTuple):
    """What the path of a folder states of the images in it.

    Attributes:
        label: 0 real, 1 generated.
        generator: The generator; the pool where `label` is 0.
        split: "train", "val" or "test"; "" for none.
        content: The content class, or "".
    """

    label: int
    generator: str
    split: str = ""
    content: str = ""


class FolderLayout(Layout):
    """A layout in which the path of an image's folder states everything."""

    @abstractmethod
    def annotations(self, tree: Tree) -> Mapping[str, FolderAnnotation]:
        """What each folder, such as "ADM/train/ai", states of its images; without those that are not of the layout."""

    def row(self, folder: str, name: str, annotation: FolderAnnotation) -> ImageRow:
        """One image of a folder. A layout whose file names state more overrides this."""
        path = f"{folder}/{name}" if folder else name
        return ImageRow(path, annotation.label, annotation.generator, annotation.split, annotation.content, path)

    def columns(self, folder: str, names: Sequence[str], annotation: FolderAnnotation) -> Mapping[str, Sequence[Any]]:
        """The images of a folder by field of `ImageRow`, as `row` has them; overridden where that takes too long."""
        rows = [self.row(folder, name, annotation) for name in names]
        return dict(zip(ImageRow._fields, zip(*rows, strict=True), strict=True))

    def described(self, tree: Tree, used: Collection[str] = ()) -> tuple[str, ...]:
        """The layout alone: what becomes of tables is said by who reads them, `layouts.listed_facts`."""
        return super().described(tree, [*used, *tree.listing.data])

    def coverage(self, tree: Tree) -> Coverage:
        """By folders alone."""
        annotations = self.annotations(tree)
        if not annotations:
            return "none"
        return "all" if len(annotations) == len(tree.listing.images) else "some"

    def rows(self, tree: Tree) -> ImageColumns:
        """Every image in a folder of this layout."""
        import pyarrow as pa

        schema = pa.schema([(name, pa.int64() if name == "label" else pa.large_string()) for name in ImageRow._fields])
        images = tree.listing.images
        parts = [
            pa.table(self.columns(folder, images[folder][start : start + PART], annotation), schema)
            for folder, annotation in self.annotations(tree).items()
            for start in range(0, len(images[folder]), PART)
        ]
        return ImageColumns([schema.empty_table(), *parts])
