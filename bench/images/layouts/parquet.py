"""Tables of images as the Hugging Face `datasets` library lays them out: Parquet files, or Arrow files saved to disk.

Columns are found by name. Image: `image`, or the only column of bytes. Label: `label`, `is_fake`, `target` or
`is_generated`; 0 real, 1 generated, or words or class names that say so. Generator: `generator`, `generator_name`,
`model` or `source_model`. Content class: the first of `class`, `category`, `content`. The split is in the name of the
file or of its folder. AI-GenBench (Pellegrini et al., arXiv 2504.20865) lies like this.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

import pyarrow as pa

from bench.images.files.mounting import is_mounted, mounted
from bench.images.files.table_rows import TableRows, open_table, table_files
from bench.images.files.tables import RowGroupCache, Table, image_columns
from bench.images.files.tree import Tree
from bench.images.layouts.api import SHARED, Claim, DataSetContents, ImageRow, Layout
from bench.images.layouts.class_words import class_of, is_real, label_of, split_of
from bench.images.layouts.elsa_d3 import is_elsa
from bench.images.layouts.generator_names import canonical
from bench.platform.errors import InputError

IMAGE = "image"
LABELS = ("label", "is_fake", "target", "is_generated")
GENERATORS = ("generator", "generator_name", "model", "source_model")
CONTENTS = ("class", "category", "content")
UNNAMED = "generated"  # the generator where a data set names none
EMPTY = "images without bytes"
WANTED = f"an image column, and a label ({', '.join(LABELS)}) or a generator column ({', '.join(GENERATORS)})"


class ParquetLayout(Layout):
    """Parquet and Arrow tables with one image a row."""

    name: ClassVar[str] = "parquet"
    shape: ClassVar[str] = "<split>*.parquet or <split>/*.arrow with the columns image, label, generator"

    def claim(self, tree: Tree) -> Claim:
        """By the columns of the first table; a damaged one is claimed, so that reading it says what is wrong."""
        files = table_files(tree)
        if not files:
            return "none"
        alone = all(map(is_mounted, tree.listing.images))
        try:
            schema = open_table(tree, files[0], RowGroupCache()).schema
        except InputError:
            return "all" if not tree.listing.images else "none"
        if not image_columns(schema) or is_elsa(schema):
            return "none"
        return "all" if alone else "some"

    def read(self, tree: Tree) -> DataSetContents:
        """Read every table. Raises `InputError` for columns or values that are not understood."""
        files = TableRows(tree, self.name)
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
                    rows.append(ImageRow(image, int(generator != SHARED), generator, split, content, image))
        real = mounted(tree, rows) if rows else []
        return DataSetContents([*rows, *real], files=files, missing={EMPTY: empty} if empty else {})


def _refuse(table: Table, what: str) -> InputError:
    return InputError(f"{table.where} {what}; its columns are {', '.join(table.schema.names)}, wanted are {WANTED}")


def _image_column(table: Table) -> str:
    found = image_columns(table.schema)
    if IMAGE in found:
        return IMAGE
    if len(found) != 1:
        what = f"has several columns of bytes, {', '.join(found)}, and none named image" if found else "has no images"
        raise _refuse(table, what)
    return found[0]


def _column(table: Table, known: tuple[str, ...]) -> str | None:
    """The one column of these names, if there is one."""
    found = [name for name in known if name in table.schema.names]
    if len(found) > 1:
        raise _refuse(table, f"has {' and '.join(found)}, of which one only can be meant: rename or drop the others")
    return found[0] if found else None


def _class_names(table: Table, column: str) -> list[str] | None:
    """Names of the classes that the numbers of a column stand for, as `datasets` notes them in the schema."""
    noted = (table.schema.metadata or {}).get(b"huggingface", b"{}")
    try:
        names = json.loads(noted).get("info", {}).get("features", {}).get(column, {}).get("names")
    except (ValueError, AttributeError) as error:
        raise _refuse(table, f"has a damaged note of the datasets library ({error})") from error
    return [str(one) for one in names] if isinstance(names, list) and names else None


def _values(table: Table, column: str) -> list[Any]:
    """The values of a column, class names in place of their numbers."""
    if pa.types.is_nested(table.schema.field(column).type):
        raise _refuse(table, f"has lists or structs in {column}, one value is wanted")
    values, names = table.values(column), _class_names(table, column)
    if names is None:
        return values
    strange = sorted({str(one) for one in values if not isinstance(one, int) or not 0 <= one < len(names)})
    if strange:
        raise _refuse(table, f"has {column} {', '.join(strange[:5])}, beside its {len(names)} classes")
    return [names[one] for one in values]


def _contents(table: Table) -> list[str]:
    column = next((name for name in CONTENTS if name in table.schema.names), None)
    return ["" if one is None else str(one) for one in _values(table, column)] if column else [""] * table.rows


def _generators(table: Table) -> list[str]:
    """The generator of every row, `SHARED` for real ones."""
    label, generator = _column(table, LABELS), _column(table, GENERATORS)
    if label is None and generator is None:
        raise _refuse(table, "says of no image whether it is real")
    if label is None:
        return _named(table, str(generator))
    names = _class_names(table, label) or []
    if names and {class_of(name) for name in names} != {0, 1}:
        return _classes_with_generators(table, label, generator, names)
    labels = _labels(table, label)
    return _combined(table, labels, generator)


def _classes_with_generators(table: Table, label: str, generator: str | None, names: list[str]) -> list[str]:
    """Classes that are generators themselves, one of them real; a column of generators says more where there is one."""
    if 0 not in map(class_of, names):
        raise _refuse(table, f"has the classes {', '.join(names[:9])} in {label}, none of which says real")
    own = _named(table, label)
    return own if generator is None else _combined(table, [int(one != SHARED) for one in own], generator)


def _labels(table: Table, column: str) -> list[int]:
    values = _values(table, column)
    known = {value: label_of(value) for value in set(values)}
    strange = sorted(str(value) for value, label in known.items() if label is None)
    if strange:
        wanted = "0 or false or real, 1 or true or generated"
        raise _refuse(table, f"has {column} {', '.join(strange[:5])}, which is not one of {wanted}")
    return [known[value] or 0 for value in values]


def _named(table: Table, column: str) -> list[str]:
    """Generators by their names, `SHARED` for names that say real."""
    values = _values(table, column)
    if not all(isinstance(one, str) and one for one in set(values)):
        raise _refuse(table, f"has rows without a name in {column}")
    known = {name: SHARED if is_real(name, table.where) else canonical(name)[0] for name in set(values)}
    return [known[name] for name in values]


def _combined(table: Table, labels: list[int], column: str | None) -> list[str]:
    """Labels and generators together. A generated row whose generator is missing, or says real, is refused."""
    if column is None:
        return [UNNAMED if label else SHARED for label in labels]
    values = _values(table, column)
    made = {value for value, label in zip(values, labels, strict=True) if label}
    strange = sorted(str(one) for one in made if not isinstance(one, str) or not one or class_of(one) == 0)
    if strange:
        raise _refuse(table, f"has generated rows (label 1) of {column} {', '.join(strange)}; are 0 and 1 swapped?")
    known = {name: canonical(name)[0] for name in made}
    return [known[value] if label else SHARED for value, label in zip(values, labels, strict=True)]
