"""The facts of image files that were inspected, so that a file is decoded once: read and written in columns.

They are kept by name, degradation, size and state on the disk, in files of `INSPECTIONS_PER_FILE`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bench.images.files.stamps import stamps_of
from bench.images.files.tree import Tree, read_local, stamp_local
from bench.images.image_set import ImageSet
from bench.images.quality.file_records import (
    HASH_BYTES,
    UNREAD_HASH,
    FileBatch,
    FileRecord,
    RecordColumns,
    inspect_files,
)
from bench.images.quality.inspection import InspectedImages
from bench.platform.files import TextColumn, digest
from bench.platform.processes.executors import map_in_order
from bench.platform.seals import EMPTY_SEAL, SEAL, read_cached, write_sealed
from protocols.degradations import parse_degradation

INSPECTIONS_PER_FILE = 10_000  # a killed run loses no more of them
DOING = "looking at files"
FILES_PER_BATCH = 128  # that are inspected together at most
BATCHES = 256  # there are at most so many where a batch is smaller, for progress to be seen
MIN_FILES_FOR_PROCESSES = 4_000  # fewer take no longer than processes take to start
MIN_STAMPS_FOR_PROCESSES = 100_000
MAX_PROCESSES = 32
_KEY_SCHEMA = pa.schema([
    *((name, pa.large_string()) for name in ("name", "degradation")),
    *((name, pa.int64()) for name in ("bytes", "time")),
])  # fmt: skip
_TYPES = {str: pa.large_string(), bool: pa.bool_(), int: pa.int64()}
_RECORD_SCHEMA = pa.schema([
    (name, pa.binary(len(value)) if isinstance(value, bytes) else _TYPES[type(value)])
    for name, value in FileRecord(UNREAD_HASH)._asdict().items()
])  # fmt: skip
_SCHEMA = pa.schema([*_KEY_SCHEMA, *_RECORD_SCHEMA])
APPEARANCE = ("colour", "luma_grid")  # fields that an audit alone reads
Table = Any  # pyarrow has no types


@dataclass(frozen=True)
class Inspections:
    """The facts of the files of one place.

    Attributes:
        folder: Where they are kept.
        workers: How many files to read at a time.
        appearance: Whether the fields `APPEARANCE` are read too.
    """

    folder: Path
    workers: int
    appearance: bool = False

    def inspect(self, images: ImageSet, advance: Callable[[int], object]) -> InspectedImages:
        """The facts of every image file, reading only files whose size or state is new.

        Args:
            images: The image set.
            advance: Called with the number of further files that are done.
        """
        keys, known, rows = self._known(images)
        missing = np.flatnonzero(rows < 0)
        advance(len(images) - len(missing))
        found, done = [known], 0
        for facts in _in_parts(_inspected_now(images, missing, self.workers), advance):
            _write(_beside(keys.take(missing[done : done + len(facts)]), facts), self.folder)
            found.append(facts.select(known.column_names))
            done += len(facts)
        return _inspected(images, rows, pa.concat_tables(found))

    def recall(self, images: ImageSet) -> tuple[InspectedImages, int]:
        """The facts of the image files that were inspected before; nothing is decoded, and nothing written.

        Returns:
            The facts, and how many files have none: their hashes are of their names.
        """
        _, known, rows = self._known(images)
        missing = np.flatnonzero(rows < 0)
        names = pa.array(images.table["name"]).take(missing).to_pylist()
        hashes = [bytes.fromhex(digest(images.files.identity, name)) for name in names]
        empty: RecordColumns = {name: [value] * len(names) for name, value in FileRecord(UNREAD_HASH)._asdict().items()}
        facts = _to_table(empty | {"hash": hashes})
        found = pa.concat_tables([known, facts.select(known.column_names)])
        return _inspected(images, rows, found), int(images.image_counts[missing].sum())

    def _known(self, images: ImageSet) -> tuple[Table, Table, NDArray[np.int64]]:
        """What the facts of each file are kept under, all known facts, and the row of each file's; -1 for none."""
        keys = _keys(images, self.workers)
        facts = [name for name in _RECORD_SCHEMA.names if self.appearance or name not in APPEARANCE]
        schema = pa.schema([_SCHEMA.field(name) for name in (*_KEY_SCHEMA.names, *facts)])
        parts = [_read(path, schema) for path in sorted(self.folder.glob("*.parquet"))]
        known = pa.concat_tables([schema.empty_table(), *parts])
        return keys, known.select(facts), _positions(keys, known)


def _inspected(images: ImageSet, rows: NDArray[np.int64], found: Table) -> InspectedImages:
    """The images with their facts.

    Args:
        images: The images.
        rows: The row of each among the facts; -1 for one whose facts were found last.
        found: All facts: those of the images without a row stand at the end, in their order.
    """
    missing = np.flatnonzero(rows < 0)
    whole = rows.copy()
    whole[missing] = np.arange(len(found) - len(missing), len(found))
    in_order = np.array_equal(whole, np.arange(len(found)))
    return InspectedImages(images, _to_pandas(found if in_order else found.take(whole)))


def _inspected_now(images: ImageSet, rows: NDArray[np.int64], workers: int) -> Iterator[Table]:
    """The facts of the files at some positions, in batches."""
    local = _local_tree(images, len(rows), MIN_FILES_FOR_PROCESSES, workers)
    columns = [pa.array(images.table[name]).take(rows) for name in ("name", "degradation")]
    size = min(FILES_PER_BATCH, 1 + len(rows) // BATCHES)

    def batches() -> Iterator[FileBatch]:
        for start in range(0, len(rows), size):
            names, chains = (column.slice(start, size).to_pylist() for column in columns)
            if local:
                yield FileBatch(read_local, [str(local.local_path(name)) for name in names], chains, images.max_pixels)
            else:
                yield FileBatch(images.files.read, names, chains, images.max_pixels)

    done = map_in_order(inspect_files, batches(), min(workers, MAX_PROCESSES), processes=local is not None, doing=DOING)
    yield from map(_to_table, done)


def _local_tree(images: ImageSet, count: int, least: int, workers: int) -> Tree | None:
    """The files of an image set where other processes are to look at some of them, by their paths.

    What is in an archive or a store is read here, by threads; so are few files.
    """
    files = images.files
    return files if isinstance(files, Tree) and files.is_local and count >= least and workers > 1 else None


def _to_table(columns: RecordColumns) -> Table:
    """Columns of records as a table of `_RECORD_SCHEMA`."""
    return pa.table([_to_array(columns[field.name], field.type) for field in _RECORD_SCHEMA], schema=_RECORD_SCHEMA)


def _to_array(values: Sequence[Any] | NDArray[Any], kind: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """A column; of uint8 (N, bytes) its buffer."""
    if isinstance(values, np.ndarray):
        return pa.FixedSizeBinaryArray.from_buffers(
            kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values))]
        )
    return pa.array(values, kind)


def _in_parts(batches: Iterator[Table], advance: Callable[[int], object]) -> Iterator[Table]:
    """Batches as tables of `INSPECTIONS_PER_FILE` rows or some more; the last one has the rest."""
    waiting: list[Table] = []
    for batch in batches:
        waiting.append(batch)
        advance(len(batch))
        if sum(map(len, waiting)) >= INSPECTIONS_PER_FILE:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _keys(images: ImageSet, workers: int) -> Table:
    """What the facts of each file are kept under, columns of `_KEY_SCHEMA`."""
    names, files, size = pa.array(images.table["name"]), images.files, INSPECTIONS_PER_FILE
    local = _local_tree(images, len(names), MIN_STAMPS_FOR_PROCESSES, workers)
    stamp = stamp_local if local else files.stamp
    parts = (names.slice(start, size).to_pylist() for start in range(0, len(names), size))
    called = ([str(local.local_path(name)) for name in part] for part in parts) if local else parts
    stamps = map_in_order(
        partial(stamps_of, stamp), called, min(workers, MAX_PROCESSES), processes=local is not None, doing=DOING
    )
    marks = np.concatenate([np.empty((0, 2), np.int64), *stamps])
    known = {text: parse_degradation(text).key if text else "" for text in images.table["degradation"].unique()}
    degradations = images.table["degradation"].map(known)
    return pa.table([names, pa.array(degradations), *marks.T], schema=_KEY_SCHEMA)


def _positions(keys: Table, known: Table) -> NDArray[np.int64]:
    """The row of the first of some facts that are kept under each key; -1 for none.

    Args:
        keys: Columns of `_KEY_SCHEMA`, every name once.
        known: Facts, each beside its key.
    """
    named = pc.index_in(known["name"], value_set=keys["name"])
    rows = np.flatnonzero(named.is_valid())  # of the known facts, those of files that are asked for
    files = np.asarray(named.drop_null(), np.int64)
    same = np.ones(len(rows), bool)
    for name in _KEY_SCHEMA.names[1:]:
        same &= np.asarray(pc.equal(known[name].take(rows), keys[name].take(files)))
    positions = np.full(len(keys), -1)
    positions[files[same][::-1]] = rows[same][::-1]  # the first is written last
    return positions


def _beside(keys: Table, facts: Table) -> Table:
    """Facts beside what they are kept under."""
    return pa.table([*keys.columns, *facts.columns], schema=_SCHEMA)


def _read(path: Path, schema: Any) -> Table:  # noqa: ANN401 - pyarrow has no types
    """Some columns of the facts in one file; none where it is damaged."""
    found = read_cached(path, lambda whole: pq.read_table(whole, columns=schema.names).cast(schema))
    return schema.empty_table() if found is None else found


def _write(facts: Table, folder: Path) -> None:
    """Write facts of files, but for those that could not be read, over a network perhaps: they are tried again."""
    lasting = facts.filter(pc.not_equal(facts["hash"], pa.scalar(UNREAD_HASH, pa.binary(HASH_BYTES))))
    identity = [TextColumn(lasting[name].cast(pa.large_string())) for name in _KEY_SCHEMA.names]
    path = folder / f"{digest(*identity)[:32]}.parquet"
    write_sealed(path, partial(pq.write_table, lasting.replace_schema_metadata({SEAL: EMPTY_SEAL})))


def _to_pandas(facts: Table) -> pd.DataFrame:
    """Facts as a frame, with texts and bytes in the buffers that they are in."""
    types = {kind: pd.ArrowDtype(kind) for kind in facts.schema.types if pa.types.is_fixed_size_binary(kind)}
    frame: pd.DataFrame = facts.combine_chunks().to_pandas(types_mapper=types.get)
    return frame
