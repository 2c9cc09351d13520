"""The only module that writes result folders: per-image scores, the manifest, and the derived tables.

Layout of a run's folder:
    manifest.json              protocol, detectors and data of the last command; its cells with key, status and reason;
                               when it finished
    scores/<digest>.parquet    per-image scores of a work group; the keys of its cells are in the file's metadata
    diagnostics/<key>.parquet  of a cell whose detector gives more than a score
    timings.json               how long the last command took that answered anything (`timings`)
    labels.json                the name and the tags that a user gave the run (`bench.request.run_folders.labels`)
    live/                      how far the command is that goes on (`live_record`); gone once it has finished
    ... derived tables         written from the above, at any time
    checksums.jsonl            of every file but those in live/ (`bench.platform.checksums`); verified when one is read
Scores of other commands into the same folder stay; the tables follow the last command.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from shutil import rmtree
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.platform.checksums import ChecksumList
from bench.platform.errors import InputError
from bench.platform.files import digest, write_atomically
from bench.platform.outside.json_text import parse_json
from bench.records import columns
from bench.records.live_record import LIVE
from bench.records.manifest import Manifest, read_manifest
from bench.records.outcomes import Outcome, Scored
from bench.records.run import Run
from bench.records.score_table import ScoreTable
from bench.records.timings import TIMINGS, read_timings
from bench.records.validation import read_validation
from bench.records.whole_files import damaged, read_table, remedy, require_whole
from detectors.types import Answer, Array

if TYPE_CHECKING:
    from bench.images.image_set import ImageSet  # which brings all that decodes

MANIFEST, SCORES, DIAGNOSTICS = "manifest.json", "scores", "diagnostics"
LOCK = ".lock"  # of the run that writes into the folder
THROUGHPUT, TRAINING = "throughput.csv", "training.csv"
ROWS_AT_ONCE = 1 << 18  # of scores, that are held beside the answers while they are written
DAMAGED = ".damaged"  # behind the name of a file that was set aside


def _scores_schema(text: pa.DataType) -> pa.Schema:
    """Types of the columns `columns.SCORES`, whose texts are of this one."""
    texts = [(name, text) for name in (columns.KEY, columns.NAME, columns.SOURCE)]
    return pa.schema(
        [*texts, (columns.LABEL, pa.int8()), (columns.SCORE, pa.float32()), (columns.LOG_ODDS, pa.float32())]
    )


_WRITTEN_SCORES, _READ_SCORES = _scores_schema(pa.string()), _scores_schema(pa.dictionary(pa.int32(), pa.string()))
_STATUSES = {outcome.status for outcome in get_args(Outcome)}
_CELLS = "cells"  # beside the manifest's own entries
FINISHED = "finished"  # the same: when the last command finished, UTC as ISO 8601 has it; none in earlier files
_VALUES = str | int | float | bool | None  # that a cell may have beside its groups
_KEYS, _DIAGNOSED = b"lineup.cells", b"lineup.diagnosed"  # keys in the metadata of a file of scores
_HEADER = {_KEYS: b"{}", _DIAGNOSED: b"[]"}


class _Header(NamedTuple):
    """The cells of a file of scores: how many scores each was written with, and which have diagnostics."""

    sizes: dict[str, int]
    diagnosed: list[str]


@dataclass(frozen=True)
class Store:
    """Results in one folder."""

    root: Path

    @classmethod
    def at(cls, root: Path) -> Store:
        """Open or make a result folder. Raises `InputError` where it cannot be written."""
        try:
            (root / SCORES).mkdir(parents=True, exist_ok=True)
            for probe in (root / ".writable", root / SCORES / ".writable"):
                write_atomically(probe, lambda path: path.write_bytes(b""))
                probe.unlink(missing_ok=True)
        except OSError as error:
            msg = f"OUT {root} cannot be written ({error.strerror or error}); choose another folder"
            raise InputError(msg) from error
        return cls(root)

    def recorded(self) -> set[str]:
        """Keys of the cells whose scores are written, with their diagnostics where they have any."""
        headers = [self._header(path) for path in self._score_files()]
        scored = {key for header in headers for key in header.sizes}
        diagnosed = {key for header in headers for key in header.diagnosed}
        return scored - {key for key in diagnosed if not self._diagnostics_path(key).is_file()}

    def _score_files(self) -> list[Path]:
        return sorted((self.root / SCORES).glob("*.parquet"))

    def record(self, group: Sequence[tuple[str, ImageSet, Answer]]) -> None:
        """Write the answers of a work group: cell key, images, and the answer about them, in order.

        Scores are written last: a cell that is recorded has its diagnostics.
        """
        for key, images, answer in group:
            if answer.diagnostics:
                table = _diagnostics(images, answer.diagnostics)
                self._write(self._diagnostics_path(key), partial(pq.write_table, table, compression="zstd"))
        tables = (_scores(key, images, answer) for key, images, answer in group)
        sizes = {key: len(answer.scores) for key, _, answer in group}
        diagnosed = sorted(key for key, _, answer in group if answer.diagnostics)
        self._write_scores(tables, sizes, diagnosed)

    def record_scores(self, scores: pd.DataFrame) -> None:
        """Write scores that were not computed here, one row per image and cell, columns `columns.SCORES`."""
        sizes = {str(key): int(size) for key, size in scores.groupby(columns.KEY).size().items()}
        rows = pa.Table.from_pandas(scores[list(columns.SCORES)], preserve_index=False)
        self._write_scores([rows.cast(_WRITTEN_SCORES)], sizes, [])

    def _write_scores(self, tables: Iterable[pa.Table], sizes: Mapping[str, int], diagnosed: Sequence[str]) -> None:
        """Write one file of scores: those of some cells, whose keys are those of `sizes`; few of them are held."""
        schema = _WRITTEN_SCORES.with_metadata({_KEYS: json.dumps(sizes), _DIAGNOSED: json.dumps(diagnosed)})

        def write(path: Path) -> None:
            with pq.ParquetWriter(path, schema, compression="zstd") as writer:
                for table in _joined(tables, ROWS_AT_ONCE):
                    writer.write_table(table)

        self._write(self.root / SCORES / f"{digest(*sorted(sizes))[:32]}.parquet", write)

    def _diagnostics_path(self, key: str) -> Path:
        return self.root / DIAGNOSTICS / f"{key}.parquet"

    def finish(self, manifest: Manifest, cells: pd.DataFrame) -> None:
        """Write the manifest of the last command; the folder reads as that run from then on.

        Args:
            manifest: The manifest.
            cells: One row per planned cell, columns `columns.CELLS` and the axes of the protocol's own.
        """
        rows = cells[list(columns.of_cells(manifest.protocol.axes))].to_dict(orient="records")
        now = datetime.now(UTC).isoformat(timespec="seconds")
        self.write(MANIFEST, manifest.to_json(**{_CELLS: rows, FINISHED: now}))

    def write(self, name: str, data: bytes) -> None:
        """Write one derived file."""
        self._write(self.root / name, lambda path: path.write_bytes(data))

    def _write(self, path: Path, write: Callable[[Path], object]) -> None:
        """Write one file, with its checksum but where it is only there while a run goes on."""
        name = path.relative_to(self.root)
        if name.parts[0] == LIVE:
            write_atomically(path, write)
        else:
            ChecksumList.of(self.root).write(name.as_posix(), write)

    def replace(self, files: Mapping[str, bytes]) -> None:
        """Put files by name in the place of everything in this folder, all together.

        Between two renames neither is there: a kill at that moment leaves what was there as `.<name>.<mark>.old`.
        """
        mark = token_hex(4)
        new, old = (self.root.with_name(f".{self.root.name}.{mark}.{what}") for what in ("new", "old"))
        for name, data in files.items():
            write_atomically(new / name, lambda path, data=data: path.write_bytes(data))  # type: ignore[misc]
        if self.root.exists():
            self.root.rename(old)
        new.rename(self.root)
        rmtree(old, ignore_errors=True)

    def clear(self, pattern: str) -> None:
        """Delete derived files of an earlier command that the last one would not write again."""
        for path in self.root.glob(pattern):
            ChecksumList.of(self.root).remove(path.name)

    def clear_live(self) -> None:
        """Delete what is there for those who look at a run while it goes on."""
        rmtree(self.root / LIVE, ignore_errors=True)

    def write_frame(self, name: str, table: pd.DataFrame) -> None:
        """Write one derived table as Parquet. A column of several types, such as 10 and "all", becomes one of texts."""
        mixed = [column for column in table.columns if table[column].map(type).nunique() > 1]
        texts = table.astype(dict.fromkeys(mixed, "str"))
        self._write(self.root / name, partial(texts.to_parquet, index=False))

    def throughput(self) -> pd.DataFrame:
        """The throughput that is written, columns `columns.THROUGHPUT`."""
        path = self.root / THROUGHPUT
        texts = {columns.DETECTOR, *columns.TIMING_CONDITIONS} - {columns.BATCH_SIZE}
        required = (columns.DETECTOR, columns.RECIPE, columns.IMAGES_PER_S)  # others came later
        known = read_table(path, texts, required) if path.is_file() else pd.DataFrame()
        table = known.reindex(columns=list(columns.THROUGHPUT))
        libraries = [name if isinstance(name, str) else "" for name in table[columns.LIBRARY]]  # none in earlier files
        return table.assign(**{columns.LIBRARY: libraries})

    def training(self) -> pd.DataFrame:
        """The epochs of trainings that are written, with the key of each `columns.FIT`."""
        path = self.root / TRAINING
        if not path.is_file():
            return pd.DataFrame({columns.FIT: [], columns.EPOCH: []})
        texts = (columns.FIT, columns.DETECTOR, columns.TRAIN)
        return read_table(path, texts, (*texts, columns.SEED, columns.EPOCH))

    def read(self) -> Run:
        """The run in this folder.

        Raises:
            InputError: There is none, it is damaged, or another version of Lineup wrote it.
        """
        manifest, cells = self.outline()
        scored = set(cells.loc[cells[columns.STATUS] == Scored.status, columns.KEY])
        headers = {require_whole(self.root, path): self._header(path) for path in self._score_files()}
        needed = {path: header for path, header in headers.items() if scored & header.sizes.keys()}
        scores = self._scores(scored, needed)
        diagnosed = scored & {key for header in needed.values() for key in header.diagnosed}
        diagnostics = self._diagnostics(diagnosed)
        validation = read_validation(self.root, self.root / SCORES)
        return Run(manifest, cells, scores, self.throughput(), diagnostics, validation)

    def last_manifest(self) -> Manifest | None:
        """The manifest of the last command; None where there is none, or it cannot be read."""
        try:
            return self.outline()[0]
        except InputError:
            return None

    def outline(self) -> tuple[Manifest, pd.DataFrame]:
        """The manifest of the run in this folder, and its cells as `Run.cells`, without any scores.

        Raises:
            InputError: There is no run, its manifest is damaged, or another version of Lineup wrote it.
        """
        path = self.root / MANIFEST
        if not path.is_file():
            msg = f"{self.root} holds no run ({MANIFEST} is missing); give a folder that `lineup run` wrote"
            raise InputError(msg)
        require_whole(self.root, path)
        manifest, further = read_manifest(path.read_bytes(), str(path), remedy(self.root))
        return manifest, _cells(further.get(_CELLS), manifest, path)

    def set_aside_damaged(self) -> Iterator[str]:
        """Rename the damaged files that a run would go on with, so that they are made anew; yields a line for each.

        Files that are gone are not listed any more.
        """
        checksums = ChecksumList.of(self.root)
        for name in checksums.present():
            if not (self.root / name).is_file():
                checksums.remove(name)
        reads: dict[Path, Callable[[], object]] = {
            self.root / THROUGHPUT: self.throughput,
            self.root / TRAINING: self.training,
            self.root / TIMINGS: partial(read_timings, self.root),
        }
        reads |= {path: partial(self._read_scores, path) for path in self._score_files()}
        reads |= {path: partial(self._read, path) for path in (self.root / DIAGNOSTICS).rglob("*.parquet")}
        for path, read in reads.items():
            try:
                read()
            except InputError:
                aside = path.with_name(path.name + DAMAGED)
                path.rename(aside)
                checksums.remove(path.relative_to(self.root).as_posix())
                yield f"{path} is damaged: it is kept as {aside.name} and made anew"

    def _scores(self, keys: set[str], headers: Mapping[Path, _Header]) -> ScoreTable:
        """The scores of these cells. Raises `InputError` where some are gone."""
        table = ScoreTable.from_arrow(map(self._read_scores, headers)).only(sorted(keys))
        written = {key: size for header in headers.values() for key, size in header.sizes.items()}
        if missing := [key for key in keys if key not in table]:
            msg = f"{self.root}: the scores of {len(missing)} cells are gone; run the same command again"
            raise InputError(msg)
        if incomplete := [key for key, cell in table.items() if len(cell.images) != written.get(key)]:
            msg = (
                f"{self.root}: {len(incomplete)} cells lack scores; delete its {SCORES}/ and run the same command again"
            )
            raise InputError(msg)
        return table

    def _diagnostics(self, diagnosed: set[str]) -> pd.DataFrame:
        paths = {key: self._diagnostics_path(key) for key in sorted(diagnosed)}
        if missing := [path for path in paths.values() if not path.is_file()]:
            msg = f"{self.root}: the diagnostics of {len(missing)} cells are gone; run the same command again"
            raise InputError(msg)
        tables = [self._read(path).to_pandas().assign(**{columns.KEY: key}) for key, path in paths.items()]
        if not tables:
            return pd.DataFrame(columns=[columns.KEY, columns.NAME])
        whole: pd.DataFrame = pd.concat(tables, ignore_index=True)
        return whole[[columns.KEY, columns.NAME, *whole.columns.drop([columns.KEY, columns.NAME])]]

    def _header(self, path: Path) -> _Header:
        """What the metadata of a file of scores say."""
        try:
            metadata = pq.read_schema(path).metadata or {}
            sizes, diagnosed = (parse_json(metadata.get(name, empty)) for name, empty in _HEADER.items())
        except (OSError, ValueError) as error:  # pyarrow's own errors are of these kinds
            raise damaged(self.root, path, error) from error
        lists = (sizes, dict), (diagnosed, list)
        if not all(isinstance(one, kind) and all(isinstance(key, str) for key in one) for one, kind in lists):
            raise damaged(self.root, path, "what it says of its cells is no table of them")
        return _Header(sizes, diagnosed)

    def _read(self, path: Path, texts: Sequence[str] = ()) -> pa.Table:
        """A file of Parquet, some texts as numbers that a dictionary explains. Raises `InputError` where damaged."""
        require_whole(self.root, path)
        try:
            with pq.ParquetFile(path, read_dictionary=list(texts)) as file:
                return file.read()
        except (OSError, ValueError) as error:
            raise damaged(self.root, path, error) from error

    def _read_scores(self, path: Path) -> pa.Table:
        """The rows of a file of scores, columns `columns.SCORES`. Raises `InputError` for a damaged one."""
        table = self._read(path, [columns.KEY, columns.NAME, columns.SOURCE])
        if columns.LOG_ODDS not in table.column_names:  # files of earlier versions have none
            table = table.append_column(columns.LOG_ODDS, pa.nulls(len(table), pa.float32()))
        try:
            scores = table.select(list(columns.SCORES)).cast(_READ_SCORES)
        except (KeyError, pa.ArrowException) as error:
            raise damaged(self.root, path, error) from error
        empty = [name for name in columns.SCORES if name != columns.LOG_ODDS and scores[name].null_count]
        if empty or not set(scores[columns.LABEL].unique().to_pylist()) <= {0, 1}:
            raise damaged(self.root, path, f"a row has no {empty[0]}" if empty else "a label is neither 0 nor 1")
        return scores


def _joined(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """Consecutive tables as one, of so many rows or some more; the last has the rest."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= rows:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)


def _scores(key: str, images: ImageSet, answer: Answer) -> pa.Table:
    """One row per image, columns `columns.SCORES`."""
    table, odds = images.table, answer.log_odds
    arrays = [
        pa.repeat(key, len(table)),
        *(pa.array(table[name]).cast(pa.string()) for name in (columns.NAME, columns.SOURCE)),
        pa.array(table[columns.LABEL], pa.int8()),
        pa.array(
            answer.scores.astype(np.float32), from_pandas=True
        ),  # what is no number is null, and damage to a reader
        pa.nulls(len(table), pa.float32()) if odds is None else pa.array(odds.astype(np.float32), from_pandas=True),
    ]
    return pa.Table.from_arrays(arrays, schema=_WRITTEN_SCORES)


def _diagnostics(images: ImageSet, diagnostics: Mapping[str, Array]) -> pa.Table:
    """One row per image: its name, and its diagnostics."""
    frame = pd.DataFrame({columns.NAME: images.names, **{name: list(values) for name, values in diagnostics.items()}})
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)


def _cell_fault(row: Mapping[str, Any], manifest: Manifest, known: frozenset[str]) -> str:
    """The fault of a cell of a manifest whose averages have these names; "" for none."""
    if odd := next((name for name in row.keys() - {columns.GROUPS} if not isinstance(row[name], _VALUES)), ""):
        return f"{odd} of a cell is {row[odd]!r}"
    groups = row[columns.GROUPS]
    if not isinstance(groups, list) or not known.issuperset(map(str, groups)):
        return f"a cell is part of averages that there are not: {groups}"
    if row[columns.STATUS] not in _STATUSES:
        return f"the status of a cell is {row[columns.STATUS]!r}"
    if row[columns.DETECTOR] not in manifest.detectors:
        return f"a cell is of the detector {row[columns.DETECTOR]!r}, which the run does not have"
    seed, key = row[columns.SEED], row[columns.KEY]
    if not isinstance(seed, int) or not isinstance(key, str) or ".." in key or key.startswith("/"):  # it names a file
        return f"a cell has the seed {seed!r} and the key {key!r}"
    return ""


def _cells(rows: Any, manifest: Manifest, path: Path) -> pd.DataFrame:  # noqa: ANN401 - whatever the file holds
    """The table of cells in a manifest. Raises `InputError` where it is not whole."""
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        msg = f"{path} lists no cells; run the same command again"
        raise InputError(msg)
    names = list(columns.of_cells(manifest.protocol.axes))
    needed = set(names)
    if incomplete := next((row for row in rows if not row.keys() >= needed), None):
        missing = next(name for name in names if name not in incomplete)
        msg = f"{path} is damaged (a cell has no {missing}); run the same command again"
        raise InputError(msg)
    known = frozenset(group.name for group in manifest.protocol.groups)
    if fault := next((fault for row in rows if (fault := _cell_fault(row, manifest, known))), ""):
        msg = f"{path} is damaged ({fault}); run the same command again"
        raise InputError(msg)
    cells = pd.DataFrame(rows, columns=names)
    cells[columns.GROUPS] = list(map(tuple, cells[columns.GROUPS]))
    return cells
