"""Tables of images as the Hugging Face `datasets` library lays them out: Parquet files, or Arrow files saved to disk.

The image is in the column `image`, or in the only column of bytes; what else columns say is found out by
`bench.images.annotations.column_roles`. The split is in a column, else the card of the hub repository names it (and
files that it does not name are not read), else the folder or the whole name of the file does: `train-00000-of-00012`.
The same goes for the generator or class of a table without such columns, `sdxl-00000-of-00001`, which the card may call
a split.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import ClassVar

from bench.images.annotations.attributes import AttributeReader, attribute_of_rows
from bench.images.annotations.column_roles import TableFacts, explained_numbers, require_columns, table_facts
from bench.images.annotations.folder_levels import FolderReading, read_folders, shown
from bench.images.annotations.hub_card import CARD, card_class_names, hub_files
from bench.images.annotations.stated_facts import SKIPPED, StatedFacts
from bench.images.annotations.table_records import TableRecords
from bench.images.files.table_images import IMAGE_TABLE_SUFFIXES, TableImages, open_table, table_files
from bench.images.files.tables import RowGroupCache, Table, image_columns
from bench.images.files.tree import Listing, Tree, without_number
from bench.images.layouts.added_real_images import added_rows, is_added
from bench.images.layouts.api import SHARED_POOL, Coverage, DataSetContents, ImageRow, Layout, are_strays, row_of
from bench.images.layouts.container_names import ContainerNames
from bench.images.vocabulary.class_words import UNDECIDED, label_of_name, split_word
from bench.images.vocabulary.generator_names import is_known_generator
from bench.platform.errors import InputError

IMAGE = "image"
WITHOUT_BYTES = "images without bytes"


class ParquetLayout(Layout):
    """Parquet and Arrow tables with one image per row."""

    name: ClassVar[str] = "parquet"
    pattern: ClassVar[str] = "<split>*.parquet or <split>/*.arrow with the columns image, label, generator"
    options: ClassVar[frozenset[str]] = frozenset({"--classes", "--columns", "--levels"})

    def coverage(self, tree: Tree) -> Coverage:
        """By the columns of the first table; "all" for a damaged one alone, so that reading it reports the damage."""
        files = table_files(tree)
        if not files:
            return "none"
        loose = not are_strays(tree, _images_beside(tree))
        try:
            table = open_table(tree, files[0], RowGroupCache())
            columns = image_columns(table.schema)
            if not columns or (loose and not any(map(table.holds_bytes, columns))):
                return "none"
        except InputError:
            return "none" if tree.listing.images else "all"
        return "some" if loose else "all"

    def read(self, tree: Tree) -> DataSetContents:
        """Read every table. Raises `InputError` for columns or values that are not understood."""
        return _TableReader(tree, TableImages(tree, self.name)).contents()


@dataclass
class _TableReader:
    """Reads the tables of one tree.

    Attributes:
        tree: The data set.
        files: Its images.
        left_out: Columns of images beside those of the set.
        notes: What became of columns and files.
        empty: The number of rows without bytes.
    """

    tree: Tree
    files: TableImages
    left_out: dict[str, None] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    empty: int = 0

    def contents(self) -> DataSetContents:
        """Everything that the tables hold."""
        names = table_files(self.tree)
        card = hub_files(self.tree, names)
        stale = [name for name in names if card and name not in card]
        found = _names_of_tables(self.tree, [name for name in names if name not in stale], card)
        left_out = [name for name in names if _base(name) in found.left_out]
        tables = {name: self.files.open(name) for name in names if name not in {*stale, *left_out}}
        images = {name: self._image_column(table) for name, table in tables.items()}
        classes = card_class_names(self.tree)
        records = {name: TableRecords(table, images[name], classes) for name, table in tables.items()}
        self._require_bytes(tables, images)
        require_columns(list(records.values()), self.tree.reading)
        numbers = explained_numbers(((table, ()) for table in records.values()), self.tree.reading)
        rows: list[ImageRow] = []
        groups: frozenset[str] = frozenset()
        attributes: dict[str, AttributeReader] = {}
        facts = {
            name: table_facts(one, self.tree.reading, {"image": images[name]}, numbers) for name, one in records.items()
        }
        named = ContainerNames(self.tree, found, any("generator" in said.roles for said in facts.values()))
        for name, table in tables.items():
            said = facts[name]
            further = image_columns(table.schema)
            said = replace(said, others=tuple(column for column in said.others if column not in further))
            attributes |= {column: partial(_attribute, self.tree, column) for column in said.others}
            self.notes[said.description("the tables")] = None
            groups |= said.groups_by
            paths = self.files.add(name, table, {"": images[name]})[""]
            rows += self._rows(name, paths, said, named)
        real = added_rows(self.tree, rows) if rows else []
        return DataSetContents(
            [*rows, *real],
            files=self.files,
            notes=tuple(self._notes(stale, left_out)),
            missing={WITHOUT_BYTES: self.empty} if self.empty else {},
            reading=(*self.notes, *(f"{line} (from names of tables)" for line in named.description())),
            groups=groups,
            attributes=attributes,
        )

    def _image_column(self, table: Table) -> str:
        """The column of the images; others that hold images are left out."""
        columns = image_columns(table.schema)
        stated = self.tree.reading.columns.get("image")
        if stated in columns or IMAGE in columns or len(columns) == 1:
            column = stated if stated in columns else (IMAGE if IMAGE in columns else columns[0])
            self.left_out |= dict.fromkeys(other for other in columns if other != column)
            return str(column)
        several = f"has several columns of bytes, {', '.join(columns)}, and none named image; say --columns image=..."
        raise _column_error(table, several if columns else "has no images")

    def _require_bytes(self, tables: Mapping[str, Table], images: Mapping[str, str]) -> None:
        """Raise `InputError` for tables that hold paths alone."""
        if any(table.holds_bytes(images[name]) for name, table in tables.items()):
            return
        paths = [path for name, table in tables.items() for path in table.paths(images[name])[:1] if path]
        if paths:
            msg = (
                f"{self.tree.where}: the rows of its tables hold paths, such as {paths[0]}, and no bytes of images; "
                "write the data set with save_to_disk or push_to_hub, which embed them, or put the files beside it"
            )
            raise InputError(msg)

    def _rows(
        self, name: str, paths: Sequence[str | None], said: TableFacts, named: ContainerNames
    ) -> Iterator[ImageRow]:
        for path, stated in zip(paths, said.rows(), strict=True):
            facts = named.merged(path or name, stated, _base(name))
            if path is None:
                self.empty += 1
            elif facts.label is None:
                what = "says of no image whether it is real; name a column with --columns label=... or generator=..."
                if "generator" in said.roles:
                    what = f"has rows without a generator; say what they are: --classes none={UNDECIDED}"
                raise _column_error(self.files.open(name), what)
            elif facts.label != SKIPPED:
                yield row_of(path, facts, path)

    def _notes(self, stale: Sequence[str], left_out: Sequence[str]) -> list[str]:
        notes = []
        if beside := _images_beside(self.tree):
            notes.append(f"{len(beside)} images beside the tables are not of the data set: {shown(beside)}")
        if self.left_out:
            notes.append(f"these columns hold further images, which were left out: {shown(self.left_out)}")
        if left_out:
            notes.append(f"{len(left_out)} tables were left out by their names: {shown(left_out)}")
        if stale:
            notes.append(f"{len(stale)} tables that {CARD} does not name were not read: {shown(stale)}")
        return notes


def _attribute(tree: Tree, column: str, images: Sequence[str]) -> dict[str, str]:
    """The values of a column of tables, by image; names of images are those of `TableImages`."""
    rows: dict[str, dict[int, str]] = defaultdict(dict)
    for image in images:
        table, _, last = image.rpartition("/")
        rows[table] |= {int(last.partition(".")[0]): image} if table.lower().endswith(IMAGE_TABLE_SUFFIXES) else {}
    found: dict[str, str] = {}
    for name, named in rows.items():
        records = TableRecords(open_table(tree, name, RowGroupCache()), "", card_class_names(tree)) if named else None
        if records is not None and column in records.columns:
            found |= attribute_of_rows(records, column, [named.get(row) for row in range(records.rows)])
    return found


def _images_beside(tree: Tree) -> list[str]:
    """Paths of the images that lie beside tables, without those that were added."""
    images = tree.listing.images
    own = [folder for folder in images if SHARED_POOL not in tree.mounts or not is_added(folder)]
    return list(Listing({folder: images[folder] for folder in own}).paths())


def _column_error(table: Table, what: str) -> InputError:
    return InputError(f"{table.where} {what}; its columns are {', '.join(table.schema.names)}")


def _base(name: str) -> str:
    """A table's name without suffix and number, as if it were a folder: "data/train-00000-of-00002" is "data/train"."""
    return without_number(name.rpartition(".")[0])


def split_of_table(tree: Tree, name: str) -> str:
    """The split that the name of a table or its folders state; "" for none."""
    return next(iter(_names_of_tables(tree, [name], {}).facts.values())).split


def _names_of_tables(tree: Tree, names: Sequence[str], card: Mapping[str, str]) -> FolderReading:
    """What the names of tables and of their folders say; the card of a hub repository has priority on splits."""
    found = read_folders({_base(name): [""] for name in names}, tree.where, tree.reading)
    facts = dict(found.facts)
    for name, split in card.items():
        if _base(name) in facts:
            facts[_base(name)] = _with_split(facts[_base(name)], split)
    return FolderReading(facts, found.left_out, found.roles, found.unsure)


def _with_split(facts: StatedFacts, split: str) -> StatedFacts:
    """Facts with a split as a card calls it, which may be a class or generator instead: `sdxl`, `real`."""
    if split_word(split):
        return facts._replace(split=split_word(split))
    label = label_of_name(split)
    if label is not None:
        return facts._replace(label=label)
    return facts._replace(generator=split) if is_known_generator(split) else facts
