"""Tables of images as the Hugging Face `datasets` library lays them out: Parquet files, or Arrow files saved to disk.

Columns are found by name. Image: `image`, or the only column of bytes. Label: `label`, `is_fake`, `target` or
`is_generated`; 0 real, 1 generated, or words or class names that mean so. Generator: `generator`, `generator_name`,
`model` or `source_model`. Content class: the first of `class`, `category`, `content`. The split is in the name of the
file or of its folder. AI-GenBench (Pellegrini et al., arXiv 2504.20865) is arranged like this.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

import pyarrow as pa

from bench.images.files.table_images import TableImages, open_table, table_files
from bench.images.files.tables import RowGroupCache, Table, image_columns
from bench.images.files.tree import Tree
from bench.images.layouts.added_real_images import added_rows, is_added
from bench.images.layouts.api import SHARED_POOL, Coverage, DataSetContents, ImageRow, Layout
from bench.images.vocabulary.class_words import is_real_name, label_of, label_of_name, split_of
from bench.images.vocabulary.generator_names import canonical_name
from bench.platform.errors import InputError

IMAGE = "image"
LABELS = ("label", "is_fake", "target", "is_generated")
GENERATORS = ("generator", "generator_name", "model", "source_model")
CONTENTS = ("class", "category", "content")
UNNAMED = "generated"  # the generator where a data set names none
WITHOUT_BYTES = "images without bytes"
WANTED = f"an image column, and a label ({', '.join(LABELS)}) or a generator column ({', '.join(GENERATORS)})"


class ParquetLayout(Layout):
    """Parquet and Arrow tables with one image per row."""

    name: ClassVar[str] = "parquet"
    pattern: ClassVar[str] = "<split>*.parquet or <split>/*.arrow with the columns image, label, generator"

    def coverage(self, tree: Tree) -> Coverage:
        """By the columns of the first table; "all" for a damaged one alone, so that reading it reports the damage."""
        files = table_files(tree)
        if not files:
            return "none"
        try:
            schema = open_table(tree, files[0], RowGroupCache()).schema
        except InputError:
            return "all" if not tree.listing.images else "none"
        if not image_columns(schema):
            return "none"
        return "all" if all(map(is_added, tree.listing.images)) else "some"

    def read(self, tree: Tree) -> DataSetContents:
        """Read every table. Raises `InputError` for columns or values that are not understood."""
        files = TableImages(tree, self.name)
        rows: list[ImageRow] = []
        empty = 0
        for name in table_files(tree):
            table = files.open(name)
            images = files.add(name, table, {"": _image_column(table)})[""]
            split, contents = split_of(name, tree.where), _contents(table)
            for image, generator, content in zip(images, _generators(table), contents, strict=True):
                if image is None:
                    empty += 1
                else:
                    rows.append(ImageRow(image, int(generator != SHARED_POOL), generator, split, content, image))
        real = added_rows(tree, rows) if rows else []
        return DataSetContents([*rows, *real], files=files, missing={WITHOUT_BYTES: empty} if empty else {})


def _table_error(table: Table, what: str) -> InputError:
    return InputError(f"{table.where} {what}; its columns are {', '.join(table.schema.names)}, wanted are {WANTED}")


def _image_column(table: Table) -> str:
    columns = image_columns(table.schema)
    if IMAGE in columns:
        return IMAGE
    if len(columns) != 1:
        several = f"has several columns of bytes, {', '.join(columns)}, and none named image"
        raise _table_error(table, several if columns else "has no images")
    return columns[0]


def _column(table: Table, names: Sequence[str]) -> str | None:
    """The one column of these names; None where there is none. Raises `InputError` for several."""
    columns = [name for name in names if name in table.schema.names]
    if len(columns) > 1:
        what = f"has {' and '.join(columns)}, of which one only can be meant: rename or drop the others"
        raise _table_error(table, what)
    return columns[0] if columns else None


def _class_names(table: Table, column: str) -> list[str] | None:
    """Names of the classes that the numbers of a column stand for, as `datasets` stores them in the schema."""
    metadata = (table.schema.metadata or {}).get(b"huggingface", b"{}")
    try:
        names = json.loads(metadata).get("info", {}).get("features", {}).get(column, {}).get("names")
    except (ValueError, AttributeError) as error:
        raise _table_error(table, f"has a damaged note of the datasets library ({error})") from error
    return [str(name) for name in names] if isinstance(names, list) and names else None


def _values(table: Table, column: str) -> list[Any]:
    """The values of a column, class names in place of their numbers."""
    if pa.types.is_nested(table.schema.field(column).type):
        raise _table_error(table, f"has lists or structs in {column}, one value is wanted")
    values, names = table.values(column), _class_names(table, column)
    if names is None:
        return values
    unknown = sorted({str(value) for value in values if not isinstance(value, int) or not 0 <= value < len(names)})
    if unknown:
        raise _table_error(table, f"has {column} {', '.join(unknown[:5])}, beside its {len(names)} classes")
    return [names[value] for value in values]


def _contents(table: Table) -> list[str]:
    """The content class of every row, "" where none is stated."""
    column = next((name for name in CONTENTS if name in table.schema.names), None)
    return ["" if value is None else str(value) for value in _values(table, column)] if column else [""] * table.rows


def _generators(table: Table) -> list[str]:
    """The generator of every row, `SHARED_POOL` for real ones. Raises `InputError`."""
    label, generator = _column(table, LABELS), _column(table, GENERATORS)
    if label is None and generator is None:
        raise _table_error(table, "says of no image whether it is real")
    if label is None:
        return _generators_by_name(table, str(generator))
    names = _class_names(table, label) or []
    if names and {label_of_name(name) for name in names} != {0, 1}:
        return _generators_by_class(table, label, generator, names)
    return _generators_by_label(table, _labels(table, label), generator)


def _generators_by_class(table: Table, label: str, generator: str | None, names: list[str]) -> list[str]:
    """The generator of every row where the classes are generators, one of them real; a generator column has priority.

    Args:
        table: The table.
        label: Its column of classes.
        generator: Its column of generators, if it has one.
        names: Names of the classes.
    """
    if 0 not in map(label_of_name, names):
        raise _table_error(table, f"has the classes {', '.join(names[:9])} in {label}, none of which says real")
    classes = _generators_by_name(table, label)
    if generator is None:
        return classes
    return _generators_by_label(table, [int(name != SHARED_POOL) for name in classes], generator)


def _labels(table: Table, column: str) -> list[int]:
    """0 or 1 of every row. Raises `InputError` for a value that stands for neither."""
    values = _values(table, column)
    labels = {value: label_of(value) for value in set(values)}
    unknown = sorted(str(value) for value, label in labels.items() if label is None)
    if unknown:
        wanted = "0 or false or real, 1 or true or generated"
        raise _table_error(table, f"has {column} {', '.join(unknown[:5])}, which is not one of {wanted}")
    return [labels[value] or 0 for value in values]


def _generators_by_name(table: Table, column: str) -> list[str]:
    """The generator that a column names for every row, `SHARED_POOL` for names that mean real."""
    values = _values(table, column)
    names = set(values)
    if not all(isinstance(name, str) and name for name in names):
        raise _table_error(table, f"has rows without a name in {column}")
    generators = {name: SHARED_POOL if is_real_name(name, table.where) else canonical_name(name) for name in names}
    return [generators[name] for name in values]


def _generators_by_label(table: Table, labels: Sequence[int], column: str | None) -> list[str]:
    """The generator of every row from its label and, where there is one, the column of generators.

    Raises:
        InputError: A generated row has no generator, or one whose name means real.
    """
    if column is None:
        return [UNNAMED if label else SHARED_POOL for label in labels]
    values = _values(table, column)
    names = {value for value, label in zip(values, labels, strict=True) if label}
    wrong = sorted(str(name) for name in names if not isinstance(name, str) or not name or label_of_name(name) == 0)
    if wrong:
        what = f"has generated rows (label 1) of {column} {', '.join(wrong)}; are 0 and 1 swapped?"
        raise _table_error(table, what)
    generators = {name: canonical_name(name) for name in names}
    return [generators[value] if label else SHARED_POOL for value, label in zip(values, labels, strict=True)]
