"""Parquet and Arrow tables as records, class names of the `datasets` library included."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

import pyarrow as pa

from bench.images.annotations.records import Records
from bench.images.files.tables import Table
from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json


class TableRecords(Records):
    """The facts in a table of images.

    Args:
        table: The table.
        image: Its column of images, whose paths are examples in messages; "" for none.
        classes: By column, the names of its classes where the schema has none.
    """

    def __init__(
        self, table: Table, image: str = "", classes: Mapping[str, Sequence[str]] = MappingProxyType({})
    ) -> None:
        self.where = table.where
        self.columns = list(table.schema.names)
        self.rows = table.rows
        self._table = table
        self._image = image
        self._classes = classes

    def values(self, column: str) -> Sequence[Any]:
        """One value per row; of the column of images, the paths."""
        return self._table.paths(column) if column == self._image else self._table.values(column)

    def class_names(self, column: str) -> Sequence[str] | None:
        """Names of the classes, as the `datasets` library notes them in the schema, or a card states them.

        Raises:
            InputError: The note is damaged.
        """
        metadata = (self._table.schema.metadata or {}).get(b"huggingface", b"{}")
        try:
            names = parse_json(metadata).get("info", {}).get("features", {}).get(column, {}).get("names")
        except (ValueError, AttributeError) as error:
            msg = f"{self.where} has a damaged note of the datasets library ({error}); write the table again"
            raise InputError(msg) from error
        return [str(name) for name in names] if isinstance(names, list) and names else self._stated_names(column)

    def _stated_names(self, column: str) -> Sequence[str] | None:
        """The names that a card states, of a column of numbers."""
        numbers = pa.types.is_integer(self._table.schema.field(column).type)
        return self._classes.get(column) if numbers else None

    def example(self, row: int) -> str:
        """The path of a row's image, or its number."""
        paths = self._table.paths(self._image) if self._image else []
        return PurePosixPath(paths[row] or "").name if paths and paths[row] else super().example(row)
