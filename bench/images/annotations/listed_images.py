"""What tables beside images say of them: lists of files, labels, splits, metadata of the Hugging Face hub."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from operator import itemgetter
from pathlib import PurePosixPath
from typing import NamedTuple

from bench.images.annotations.attributes import AttributeReader, attribute_of_rows
from bench.images.annotations.column_roles import (
    TableFacts,
    explained_numbers,
    label_like,
    require_columns,
    table_facts,
)
from bench.images.annotations.folder_levels import shown
from bench.images.annotations.hub_card import CARD, card_class_names, hub_files
from bench.images.annotations.records import RECORD_SUFFIXES, PathIndex, Records, read_records
from bench.images.annotations.split_lists import split_lists, split_of_list
from bench.images.annotations.stated_facts import StatedFacts, require_agreement
from bench.images.annotations.table_records import TableRecords
from bench.images.files.description import DESCRIPTION
from bench.images.files.table_images import open_table
from bench.images.files.tables import RowGroupCache, image_columns
from bench.images.files.tree import IMAGE_SUFFIXES, Tree
from bench.images.vocabulary.class_words import UNDECIDED, split_word
from bench.platform.errors import InputError

PATHS = (
    "file_name", "filename", "file", "image_path", "img_path", "path", "filepath", "file_path", "image_name", "image",
    "img", "name", "image_id", "id", "1",
)  # fmt: skip
OF_PATHS = frozenset(
    {"file_name", "filename", "image_path", "img_path", "filepath", "file_path"}
)  # names of nothing else
NAMES_OF_TABLES = frozenset({"annotations", "data", "labels", "metadata", "splits"})
CAPTIONS = frozenset({".json", ".txt"})  # suffixes of what describes one image beside it
PROBED = 200  # rows in which a column of paths is looked for


@dataclass(frozen=True)
class ListedImages:
    """What the tables of a tree say of its images.

    Attributes:
        facts: By path of the image.
        missing: What tables list in vain, to the number of images.
        notes: What became of every table, one sentence each.
        stated: The facts that tables state: "label", "split" and so on.
        groups: The columns that state what belongs together.
        unread: What may be passed as `--columns` for tables some of whose columns have no role, each with what was said
            of it; the one that looks most like labels first.
        attributes: By name, the columns that have no role.
    """

    facts: Mapping[str, StatedFacts]
    missing: Mapping[str, int]
    notes: tuple[str, ...]
    stated: frozenset[str]
    groups: frozenset[str] = frozenset()
    unread: tuple[str, ...] = ()
    attributes: Mapping[str, AttributeReader] = field(default_factory=dict)

    @cached_property
    def says_labels(self) -> bool:
        """Whether a table says of any image that it is real or generated, by a label or by its generator."""
        return any(facts.label is not None for facts in self.facts.values())


class _ListedTable(NamedTuple):
    """A table with a column of paths, and the image that each row means."""

    name: str
    records: Records
    column: str
    images: Sequence[str | None]


def _is_table(name: str) -> bool:
    return name.lower().endswith(".parquet")


def has_tables(tree: Tree) -> bool:
    """Whether a tree has a file that may list its images, and none that holds images itself."""
    names = list(possible_tables(tree))
    tables = [name for name in names if _is_table(name)]
    return bool(names) and not (tables and _parquet_records(tree, tables[0]) is None)


def listed_images(tree: Tree, folders: Mapping[str, StatedFacts]) -> ListedImages:
    """Read all tables that list images of a tree.

    Args:
        tree: The data set.
        folders: What its folders say, by which numbers in tables may be understood.

    Raises:
        InputError: A table lists images of which none is there, states what cannot be used, or contradicts another.
    """
    names = list(possible_tables(tree))
    index = PathIndex(tree.listing.paths() if names else ())
    found = {name: _listed(tree, name, index) for name in names}
    tables = [table for table in found.values() if table]
    for role, column in () if tables else tree.reading.columns.items():
        msg = f"{tree.where} has no table that lists its images by path, which --columns {role}={column} wants"
        raise InputError(f"{msg}; mend its paths or leave the option out")
    require_columns([table.records for table in tables], tree.reading)
    by_folder = ((table.records, [_folder_label(folders, image) for image in table.images]) for table in tables)
    numbers = explained_numbers(by_folder, tree.reading)
    others = [name for name, table in found.items() if not table]
    lists = split_lists(tree, [name for name in others if not _is_table(name)])
    facts = {image: StatedFacts(split=split) for image, split in lists.splits.items()}
    roles = {table.name: table_facts(table.records, tree.reading, {"path": table.column}, numbers) for table in tables}
    splits = {name: ("", "") if "split" in said.roles else _split_of(tree, name) for name, said in roles.items()}
    for table in tables:
        _require_labels(tree, table, roles[table.name], folders)
        for image, fact in zip(table.images, _rows(roles[table.name], splits[table.name][0]), strict=True):
            if image is not None:
                facts[image] = _merged(tree, image, facts.get(image, StatedFacts()), fact)
    unused = [name for name in others if name not in lists.used]
    descriptions = {name: _description(name, said, *splits[name]) for name, said in roles.items()}
    absent = {table.name: sum(image is None for image in table.images) for table in tables}
    stated = {role for said in roles.values() for role in said.roles if role != "path"}
    return ListedImages(
        facts,
        {f"images that {name} lists": count for name, count in absent.items() if count},
        (
            *lists.notes,
            *([f"not used, as they list no images of the set by path: {shown(unused)}"] if unused else []),
            *descriptions.values(),
        ),
        frozenset(stated | ({"split"} if lists.splits or any(split for split, _ in splits.values()) else set())),
        frozenset(column for said in roles.values() for column in said.groups_by),
        tuple(_unread(tables, roles, descriptions)),
        _attributes(tree, roles),
    )


def _description(name: str, said: TableFacts, split: str, by: str) -> str:
    return said.description(name) + (f"; all of the split {split}, by {by}" if split else "")


def _unread(
    tables: Sequence[_ListedTable], roles: Mapping[str, TableFacts], descriptions: Mapping[str, str]
) -> Iterator[str]:
    """The option that names a column of labels, for each table with columns of no role, the likeliest first."""
    found = [(*label_like(one.records, roles[one.name].others), one.name) for one in tables if roles[one.name].others]
    for score, column, name in sorted(found, key=itemgetter(0), reverse=True):
        yield f"label={column if score else 'COLUMN'} ({descriptions[name]})"


def _split_of(tree: Tree, name: str) -> tuple[str, str]:
    """The split of all that a table lists, and what states it: the card of a hub repository, or its name."""
    split = split_word(hub_files(tree, [name]).get(name, ""))
    return (split, CARD) if split else (split_of_list(name), "its name")


def _require_labels(tree: Tree, table: _ListedTable, said: TableFacts, folders: Mapping[str, StatedFacts]) -> None:
    """Raise `InputError` where a table names the generators of some images, and nothing says what the others are."""
    if "generator" not in said.roles or "label" in said.roles:
        return
    rows = zip(table.images, said.labels, strict=True)
    unnamed = [image for image, label in rows if label is None and image and _folder_label(folders, image) is None]
    if unnamed:
        msg = (
            f"{tree.where}/{table.name} has rows without a name in {said.roles['generator']}, such as {unnamed[0]}; "
            f"say what they are: --classes none={UNDECIDED}"
        )
        raise InputError(msg)


def _attributes(tree: Tree, roles: Mapping[str, TableFacts]) -> dict[str, AttributeReader]:
    """Readers of the columns without a role, each of all tables that have it."""
    columns = dict.fromkeys(column for said in roles.values() for column in said.others)
    having = {column: tuple(table for table, said in roles.items() if column in said.others) for column in columns}
    return {column: partial(_attribute, tree, tables, column) for column, tables in having.items()}


def _attribute(tree: Tree, tables: Sequence[str], column: str, images: Sequence[str]) -> dict[str, str]:
    """The values of a column of tables beside images, by image.

    Of all images, whichever are asked for: which image a row means depends on all of them.
    """
    del images
    index = PathIndex(tree.listing.paths())
    found: dict[str, str] = {}
    for table in filter(None, (_listed(tree, name, index) for name in tables)):
        found = attribute_of_rows(table.records, column, table.images) | found
    return found


def _folder_label(folders: Mapping[str, StatedFacts], image: str | None) -> int | None:
    facts = folders.get((image or "").rpartition("/")[0])
    return facts.label if facts and image else None


def possible_tables(tree: Tree) -> Iterator[str]:
    """Names of the files that may be tables of images: no caption beside an image, no description of the set."""
    stems: dict[str, frozenset[str]] = {}  # of the images of each folder
    beside: dict[tuple[str, str], list[str]] = defaultdict(list)  # by folder and suffix
    for name in tree.listing.data:
        folder, _, last = name.rpartition("/")
        path = PurePosixPath(last)
        if path.suffix.lower() not in RECORD_SUFFIXES or last in {DESCRIPTION, "dataset_info.json", "state.json"}:
            continue
        if folder not in stems:
            images = tree.listing.images.get(folder, ())
            stems[folder] = frozenset(image.rpartition(".")[0] for image in images)
        if path.stem not in stems[folder] or path.stem.lower() in NAMES_OF_TABLES or split_word(path.stem):
            yield name
        else:
            beside[folder, path.suffix.lower()].append(name)
    for (_, suffix), names in beside.items():
        if suffix not in CAPTIONS and len(names) == 1:
            yield from names


def _listed(tree: Tree, name: str, index: PathIndex) -> _ListedTable | None:
    """A table as a list of images; None where no column of it has their paths. Raises `InputError`."""
    records = _parquet_records(tree, name) if _is_table(name) else read_records(tree, name)
    if records is None or not records.rows:
        return None
    folder = name.rpartition("/")[0]
    stated = tree.reading.columns.get("path")
    by_name = {str(column).lower(): str(column) for column in records.columns}
    usual = [by_name[column] for column in PATHS if column in by_name]
    for column in [stated] if stated and stated in records.columns else usual:
        values = records.values(column)
        images = _images_in(tree, index, column, values, folder)
        if images and records.damage:
            msg = f"{tree.where}/{name} {records.damage}"
            raise InputError(msg)
        if images:
            return _ListedTable(name, records, column, images)
        if column.lower() in OF_PATHS and tree.listing.images and not any(index.find(values, folder)):
            what = (
                f"lists {records.rows:,} images in {column}, and none of them is found by its path, such as {values[0]}"
            )
            msg = f"{tree.where}/{name} {what}; mend the paths, or take the table away"
            raise InputError(msg)
    return None


def _images_in(
    tree: Tree, index: PathIndex, column: str, values: Sequence[object], folder: str
) -> Sequence[str | None]:
    """The image that each value of a column is the path of; empty where it is no column of their paths.

    Half of the values must be found; of those that can be nothing but paths any, as a download may hold a part of a
    set; of others, such as numbers, so many that half of the images are listed.
    """
    probed = index.find(values[:PROBED], folder)
    images = index.find(values, folder)
    found = {image for image in images if image is not None}
    if 2 * sum(path is not None for path in probed) >= len(probed) or 2 * len(found) >= max(tree.listing.size, 1):
        return images
    texts = [str(value) for value in values[:PROBED]]
    are_paths = column.lower() in OF_PATHS or 2 * sum(map(_is_image_path, texts)) >= len(texts)
    # bare names that are found here and there are those of other images
    in_one_place = any("/" in text for text in texts) or len({path.rpartition("/")[0] for path in found}) == 1
    return images if found and are_paths and in_one_place else ()


def _is_image_path(text: str) -> bool:
    return PurePosixPath(text.strip()).suffix.lower() in IMAGE_SUFFIXES


def _parquet_records(tree: Tree, name: str) -> Records | None:
    """A Parquet file of facts alone, images in it being paths; None for one that holds images."""
    table = open_table(tree, name, RowGroupCache())
    columns = image_columns(table.schema)
    return (
        None
        if any(map(table.holds_bytes, columns))
        else TableRecords(table, next(iter(columns), ""), card_class_names(tree))
    )


def _rows(said: TableFacts, split: str) -> Iterator[StatedFacts]:
    return (facts._replace(split=split) for facts in said.rows()) if split else said.rows()


def _merged(tree: Tree, image: str, first: StatedFacts, second: StatedFacts) -> StatedFacts:
    """What two tables say of one image. Raises `InputError` where they differ."""
    require_agreement(f"{tree.where}/{image}", first, second, ("one table", "another"))
    return StatedFacts._make(other if one in {None, ""} else one for one, other in zip(first, second, strict=True))
