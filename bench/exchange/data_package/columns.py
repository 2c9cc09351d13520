"""The columns of a table as a Data Package describes them: type, unit and description."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from bench.explanations.registry import Explanation, explained_in
from bench.platform.outside.spreadsheets import unguarded
from bench.records import columns

MATRIX = "matrix"
NOT_EXPLAINED = "Named by a detector, protocol, metric or section of another package, whose documentation explains it."
_IN_FILES = re.compile(r"\s*\bin files\b")
# columns of texts, whatever they look like: a training set may be called 2024
_TEXTS = frozenset(
    {*columns.QUESTION, columns.KEY, columns.DETECTOR, columns.REASON, columns.NAME, columns.SOURCE, columns.GENERATOR}
    | {columns.FIT, columns.RECIPE, columns.DATA, columns.LIBRARY, columns.VALIDATION_KEY}
) - {"train_size", "test_size"}
_INTEGER, _NUMBER = re.compile(r"[+-]?\d+"), re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_TRUTHS = frozenset({"True", "False", "true", "false"})


def type_of_texts(name: str, texts: Sequence[str]) -> str:
    """The type of a column of CSV, by what stands in it: string, boolean, integer, number; any for nothing.

    Args:
        name: Of the column.
        texts: Its values, "" for a missing one.
    """
    found = set(texts) - {""}
    if name in _TEXTS:
        return "string"
    if not found:
        return "any"
    if found <= _TRUTHS:
        return "boolean"
    forms = {"integer": _INTEGER, "number": _NUMBER}
    return next((kind for kind, form in forms.items() if all(map(form.fullmatch, found))), "string")


def type_of_arrow(kind: pa.DataType) -> str:
    """The type of a column of Arrow."""
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    tests = {
        "boolean": pa.types.is_boolean,
        "integer": pa.types.is_integer,
        "number": pa.types.is_floating,
        "array": pa.types.is_list,
        "any": pa.types.is_null,
    }
    return next((name for name, holds in tests.items() if holds(kind)), "string")


def described_column(table: str, name: str, *, first: bool = False) -> dict[str, str]:
    """What a column means: description, and unit, formula and source where it has them.

    Args:
        table: The table, by its name in `bench.explanations`.
        name: The column, as the file has it.
        first: Whether it is the first one of its table.
    """
    looked_up = "<rows>" if first and table == MATRIX else unguarded(name)
    found = explained_in(table, looked_up)
    if found is None:
        return {"description": NOT_EXPLAINED}
    parts = {"description": found.meaning, "unit": unit_in_files(found), "formula": found.formula}
    return {part: text for part, text in (parts | {"source": found.source}).items() if text}


def unit_in_files(found: Explanation) -> str:
    """Unit and range of a column in files, where shares are not in per cent; empty for texts."""
    parts = [part.strip() for part in found.values.split(";")]
    return next((_IN_FILES.sub("", part) for part in parts if _IN_FILES.search(part)), found.values)


def arrow_table(rows: pd.DataFrame, table: str) -> pa.Table:
    """Rows as a table of Arrow whose fields say what they mean.

    Texts are plain strings, which no reader makes factors or categories of. A column of several types, such as 10 and
    "all", becomes one of texts.

    Args:
        rows: The rows; their index is left out.
        table: By its name in `bench.explanations`.
    """
    kinds = {name: set(rows[name].dropna().map(type)) for name in rows if rows[name].dtype == object}
    mixed = [name for name, found in kinds.items() if str in found and len(found) > 1]
    found = pa.Table.from_pandas(rows.astype(dict.fromkeys(mixed, "str")), preserve_index=False)
    fields = [_described_field(field, table, first=place == 0) for place, field in enumerate(found.schema)]
    return found.cast(pa.schema(fields, found.schema.metadata))


def _described_field(field: pa.Field, table: str, *, first: bool) -> pa.Field:
    said: dict[Any, Any] = described_column(table, field.name, first=first)
    empty = pa.float64() if "unit" in said else pa.string()
    plain = {pa.large_string(): pa.string(), pa.null(): empty}
    return pa.field(field.name, plain.get(field.type, field.type), field.nullable, said)
