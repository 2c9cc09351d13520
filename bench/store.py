"""The only module that touches result folders: per-image scores, the manifest, and the derived tables.

Layout of a run's folder:
    manifest.json            what the last command asked, of what, on what; its cells with key, status and reason
    scores/<digest>.parquet  per-image scores of a work group; the keys of its cells are in the file's metadata
    routes/<key>.parquet     of a cell whose detector has several routes: name, route, oracle score
    ... derived tables       written from the above, at any time
Scores of other commands into the same folder stay; the tables follow the last command.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.cache import digest, write_atomically
from bench.errors import InputError
from bench.images.imageset import ImageSet
from bench.records import CELL_COLUMNS, ROUTE_COLUMNS, SCORE_COLUMNS, THROUGHPUT_COLUMNS, Run
from detectors.api import Scores

KEYS = b"lineup.cells"


@dataclass(frozen=True)
class Store:
    """Results in one folder."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> Store:
        """Open or make a result folder. Raises `InputError` where it cannot be written."""
        try:
            (root / "scores").mkdir(parents=True, exist_ok=True)
            write_atomically(root / ".writable", lambda path: path.write_bytes(b""))
            (root / ".writable").unlink()
        except OSError as error:
            msg = f"OUT {root} cannot be written ({error.strerror or error}); choose another folder"
            raise InputError(msg) from error
        return cls(root)

    def recorded(self) -> set[str]:
        """Keys of the cells whose scores are here."""
        return {key for path in self._groups() for key in _keys(path)}

    def _groups(self) -> list[Path]:
        return sorted((self.root / "scores").glob("*.parquet"))

    def record(self, group: Sequence[tuple[str, ImageSet, Scores]]) -> None:
        """Write the scores of a work group: cell key, images, and one score per image, in order."""
        frames = [
            images.table[["name", "source", "label"]].assign(key=key, score=scores.astype(np.float32))
            for key, images, scores in group
        ]
        keys = sorted(key for key, _, _ in group)
        rows = pd.concat(frames)[list(SCORE_COLUMNS)].astype({"label": "int8"})
        table = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata({KEYS: json.dumps(keys)})
        path = self.root / "scores" / f"{digest(*keys)[:32]}.parquet"
        write_atomically(path, lambda temporary: pq.write_table(table, temporary, compression="zstd"))

    def record_routes(self, key: str, routes: pd.DataFrame) -> None:
        """Write the routes of one cell's images: columns `name`, `route`, `oracle`."""
        self.write_table(f"routes/{key}.parquet", routes)

    def traced(self) -> set[str]:
        """Keys of the cells whose routes are here."""
        return {path.stem for path in (self.root / "routes").glob("*.parquet")}

    def finish(self, manifest: Mapping[str, Any], cells: pd.DataFrame) -> None:
        """Write what the last command asked; from here on the folder reads as that run."""
        whole = {**manifest, "cells": cells[list(CELL_COLUMNS)].to_dict(orient="records")}
        self.write("manifest.json", json.dumps(whole, indent=1, sort_keys=True).encode() + b"\n")

    def write(self, name: str, data: bytes) -> None:
        """Write one derived file."""
        write_atomically(self.root / name, lambda path: path.write_bytes(data))

    def clear(self, pattern: str) -> None:
        """Take away derived files of an earlier command that the last one would not write again."""
        for path in self.root.glob(pattern):
            path.unlink()

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write one derived table as Parquet."""
        write_atomically(self.root / name, lambda path: table.to_parquet(path, index=False))

    def throughput(self) -> pd.DataFrame:
        """The throughput measured so far, columns `THROUGHPUT_COLUMNS`."""
        path = self.root / "throughput.csv"
        known = pd.read_csv(path) if path.is_file() else pd.DataFrame()
        return known.reindex(columns=list(THROUGHPUT_COLUMNS))

    def training(self) -> pd.DataFrame:
        """The epochs of the trainings told of so far, with the key of each `fit`."""
        path = self.root / "training.csv"
        return pd.read_csv(path, dtype={"fit": "str"}) if path.is_file() else pd.DataFrame({"fit": [], "epoch": []})

    def read(self) -> Run:
        """The run in this folder. Raises `InputError` where there is none, or where it is damaged."""
        manifest = _json(self.root / "manifest.json")
        cells = pd.DataFrame(manifest.pop("cells", None) or _no_cells(self.root), columns=list(CELL_COLUMNS))
        wanted = set(cells.loc[cells["status"] == "scored", "key"])
        groups = [path for path in self._groups() if wanted & set(_keys(path))]
        tables = [table[table["key"].isin(wanted)] for table in map(_read_scores, groups)]
        empty = pd.DataFrame(columns=list(SCORE_COLUMNS))
        scores = pd.concat(tables, ignore_index=True).drop_duplicates(["key", "name"]) if tables else empty
        if missing := wanted - set(scores["key"]):
            msg = f"{self.root}: the scores of {len(missing)} cells are gone; run the same command again"
            raise InputError(msg)
        return Run(manifest, cells, scores, self.throughput(), self._routes(wanted))

    def _routes(self, wanted: set[str]) -> pd.DataFrame:
        tables = [
            _read_scores(self.root / "routes" / f"{key}.parquet").assign(key=key)
            for key in sorted(wanted & self.traced())
        ]
        empty = pd.DataFrame(columns=list(ROUTE_COLUMNS))
        return pd.concat(tables, ignore_index=True)[list(ROUTE_COLUMNS)] if tables else empty


def _json(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    if not path.is_file():
        msg = f"{path.parent} holds no run ({path.name} is missing); give a folder that `lineup run` wrote"
        raise InputError(msg)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{path} is damaged ({error}); run the same command again"
        raise InputError(msg) from error


def _no_cells(root: Path) -> NoReturn:
    msg = f"{root / 'manifest.json'} lists no cells; run the same command again"
    raise InputError(msg)


def _keys(path: Path) -> Iterable[str]:
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid) as error:
        msg = f"{path} is damaged ({error}); delete it and run the same command again"
        raise InputError(msg) from error
    keys: list[str] = json.loads(metadata.get(KEYS, b"[]"))
    return keys


def _read_scores(path: Path) -> pd.DataFrame:
    try:
        table: pd.DataFrame = pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowInvalid) as error:
        msg = f"{path} is damaged ({error}); delete it and run the same command again"
        raise InputError(msg) from error
    return table
