"""Result folders of runs that were made up."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from bench.records.run import Run
from bench.records.store import Store


def store_run(run: Run, folder: Path) -> Path:
    """The folder with a run in it, as the engine would have left it."""
    store = Store.at(folder)
    sizes = run.scores.groupby("key").size().to_dict()
    metadata = {b"lineup.cells": json.dumps(sizes), b"lineup.diagnosed": "[]"}
    table = pa.Table.from_pandas(run.scores, preserve_index=False)
    pq.write_table(table.replace_schema_metadata(metadata), store.root / "scores" / "all.parquet")
    store.finish(run.manifest, run.cells)
    return store.root
