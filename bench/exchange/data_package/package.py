"""A folder of tables as a Data Package of the Frictionless standard: `datapackage.json`, version 2.

It lies beside the tables of every result folder and every exported one: what each column holds, its type and unit,
what stands for a missing value, which columns identify a row, and by which version of Lineup's records it was written.
It has readers for Python (`frictionless`) and R (`frictionless` of rOpenSci) that are kept up; CSV on the Web has none
for R that is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.exchange.data_package.columns import MATRIX, described_column, type_of_arrow, type_of_texts
from bench.explanations.registry import table_titles
from bench.platform.checksums import ChecksumList
from bench.records import columns
from bench.records.manifest import SCHEMA
from bench.records.store import DIAGNOSTICS, SCORES

PACKAGE = "datapackage.json"
PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
MISSING = ("",)  # texts in place of a value
IN_FOLDERS = (SCORES, DIAGNOSTICS)  # with a file for each part of one table
_CSV, _PARQUET = ".csv", ".parquet"
_OTHER_NAMES = {"leaderboard": "leaderboard.csv", "cells": "cells.parquet", "degradations": "degradations"}
_BOARD = ("protocol", "data", "base_degradation", "setting", "runtime")
_KEYS: Mapping[str, tuple[str, ...]] = {
    "leaderboard.csv": (*_BOARD, columns.DETECTOR),
    SCORES: (columns.KEY, columns.NAME),
    DIAGNOSTICS: (columns.NAME,),
    "validation.csv": (columns.KEY,),
    "throughput.csv": (columns.DETECTOR, *columns.TIMING_CONDITIONS),
    "training.csv": (columns.FIT, columns.EPOCH),
    "excluded.csv": (columns.NAME,),
}


@dataclass(frozen=True)
class DescribedTable:
    """A table in a folder.

    Attributes:
        path: From the folder, with forward slashes.
        name: By which `bench.explanations` has its columns.
        types: The type of each column in their order, as the standard calls it.
        key: Columns that identify a row, none of them ever missing; none where none do.
    """

    path: str
    name: str
    types: Mapping[str, str]
    key: tuple[str, ...] = ()

    @classmethod
    def of_rows(cls, path: str, name: str, rows: pd.DataFrame, schema: pa.Schema) -> DescribedTable:
        """The table of some rows, written under a path with these types."""
        return cls(path, name, _arrow_types(schema), _key_of(name, rows))

    def resource(self) -> dict[str, Any]:
        """The entry of the package."""
        fields = [
            {"name": column, "type": kind, **described_column(self.name, column, first=place == 0)}
            for place, (column, kind) in enumerate(self.types.items())
        ]
        schema = {"fields": fields, "missingValues": list(MISSING)}
        return {
            "name": re.sub(r"[^a-z0-9._-]+", "-", self.path.lower()),
            "path": self.path,
            "title": table_titles().get(self.name, self.path),
            "type": "table",
            "format": PurePosixPath(self.path).suffix[1:],
            "encoding": "utf-8",
            "schema": schema | ({"primaryKey": list(self.key)} if self.key else {}),
        }


def write_package(root: Path, tables: Iterable[DescribedTable], about: str) -> None:
    """Write the package of a folder, with its checksum.

    Args:
        root: The folder.
        tables: Its tables.
        about: What a reader of all of them should know.
    """
    resources = [table.resource() for table in sorted(tables, key=lambda table: table.path)]
    for place, resource in enumerate(resources):  # names differ where paths differ in their case alone
        if resource["name"] in {other["name"] for other in resources[:place]}:
            resource["name"] = f"{resource['name']}-{place}"
    package = {
        "$schema": PROFILE,
        "name": "lineup",
        "description": about,
        "lineup": {"schema": SCHEMA, "version": version("lineup-bench")},
        "resources": resources,
    }
    data = json.dumps(package, indent=1, ensure_ascii=False).encode() + b"\n"
    if resources:
        ChecksumList.of(root).write(PACKAGE, lambda path: path.write_bytes(data))


def tables_in(root: Path) -> Iterator[DescribedTable]:
    """The tables of a result folder that Lineup wrote, as they are now."""
    for file in sorted(ChecksumList.of(root).present()):
        path, folder = root / file, PurePosixPath(file).parent.name
        if not path.is_file() or folder not in {"", *IN_FOLDERS}:
            continue
        if path.suffix == _PARQUET and folder:
            yield DescribedTable(file, folder, _arrow_types(pq.read_schema(path)), _KEYS[folder])
        elif path.suffix == _PARQUET:
            yield DescribedTable.of_rows(file, table_of(file), pd.read_parquet(path), pq.read_schema(path))
        elif path.suffix == _CSV and (texts := _texts_in(path)) is not None:
            types = {str(column): type_of_texts(str(column), list(texts[column])) for column in texts}
            yield DescribedTable(file, table_of(file), types, _key_of(table_of(file), texts))


def _arrow_types(schema: pa.Schema) -> Mapping[str, str]:
    return {field.name: type_of_arrow(field.type) for field in schema}


def _texts_in(path: Path) -> pd.DataFrame | None:
    """A table of CSV as texts; None for one without columns."""
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False)
    except pd.errors.EmptyDataError:
        return None


def table_of(file: str) -> str:
    """The table that a file in a folder holds, by its name in `bench.explanations` or else in other packages."""
    stem = PurePosixPath(file).stem
    return MATRIX if stem.startswith(f"{MATRIX}-") else _OTHER_NAMES.get(stem, f"{stem}{_CSV}")


def _key_of(name: str, rows: pd.DataFrame) -> tuple[str, ...]:
    """The columns that identify the rows of a table, where those that are to do so do: none is ever missing."""
    names = [str(column) for column in rows]
    before_measures = names[: names.index(columns.N)] if columns.N in names else []
    asked = {"cells.parquet": (*_BOARD, *before_measures), MATRIX: tuple(names[:1])}.get(name, _KEYS.get(name, ()))
    there = [column for column in dict.fromkeys(asked) if column in names]
    missing = rows[there].isna() | rows[there].isin([""])
    return () if not there or missing.any(axis=None) or rows.duplicated(there).any() else tuple(there)
