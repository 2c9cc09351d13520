"""Parquet and Arrow tables as records, class names of the `datasets` library included."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from bench.images.annotations.records import Records
from bench.images.files.json_text import parse_json
from bench.images.files.tables import Table
from bench.platform.errors import InputError


class TableRecords(Records):
    """The facts in a table of images.

    Args:
        table: The table.
        image: Its column of images, whose paths are examples in messages; "" for none.
    """

    def __init__(self, table: Table, image: str = "") -> None:
        self.where = table.where
        self.columns = list(table.schema.names)
        self.rows = table.rows
        self._table = table
        self._image = image

    def values(self, column: str) -> Sequence[Any]:
        """One value per row; of the column of images, the paths."""
        return self._table.paths(column) if column == self._image else self._table.values(column)

    def class_names(self, column: str) -> Sequence[str] | None:
        """Names of the classes, as the `datasets` library notes them in the schema. Raises `InputError`."""
        metadata = (self._table.schema.metadata or {}).get(b"huggingface", b"{}")
        try:
            names = parse_json(metadata).get("info", {}).get("features", {}).get(column, {}).get("names")
        except (ValueError, AttributeError) as error:
            msg = f"{self.where} has a damaged note of the datasets library ({error}); write the table again"
            raise InputError(msg) from error
        return [str(name) for name in names] if isinstance(names, list) and names else None

    def example(self, row: int) -> str:
        """The path of a row's image, or its number."""
        paths = self._table.paths(self._image) if self._image else []
        return PurePosixPath(paths[row] or "").name if paths and paths[row] else super().example(row)
