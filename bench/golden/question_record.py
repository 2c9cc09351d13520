"""A golden record that anybody makes: one question, what their detectors answered, and on which images, as a folder.

    record.json       version of the form, name, facts of the data, and sha256 of `LISTED`
    question.toml     what was asked: a file for `lineup run --settings`
    contents.parquet  every image of the data with what it is and the sha256 of its file
    manifest.json, cells.parquet, images.parquet, scores.parquet    as `golden_record` has them
    fitted/           as `fitted_record` has it, where fitted detectors are kept

It is read with what it says of itself: no other file of the folder, and no path of the machine that made it.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from bench.golden.fitted_record import SUFFIX, fitted_files, read_fitted
from bench.golden.golden_record import CELLS, FILES, IMAGES, MANIFEST, SCORES, pack, read_golden
from bench.golden.recorded_images import RECORDED, RecordedImages
from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json
from bench.records import columns
from bench.records.run import Run
from bench.records.saved_detector import SavedDetector
from bench.records.store import Store
from detectors.api import State

SCHEMA = 1  # rises when an older file would be misread
RECORD, QUESTION, CONTENTS, FITTED = "record.json", "question.toml", "contents.parquet", "fitted"
FITS_LIST = f"{FITTED}/{MANIFEST}"
LISTED = (QUESTION, CONTENTS, MANIFEST, FITS_LIST)  # the last where fits are kept; the two manifests list all others
OWN_FILES = {RECORD, QUESTION, CONTENTS, MANIFEST, CELLS, IMAGES, SCORES, FITTED}
_CONTENTS_SCHEMA = pa.schema([(name, pa.int8() if name == columns.LABEL else pa.large_string()) for name in RECORDED])
REMEDY = "restore it, or make it anew with `lineup golden make --update`"


@dataclass(frozen=True)
class QuestionRecord:
    """A golden record of one question.

    Attributes:
        name: What reports call it.
        question: What was asked, as TOML.
        run: The answers.
        images: The images of the data.
        fits: Fitted detectors by name of the file; none where they are not kept.
    """

    name: str
    question: str
    run: Run
    images: RecordedImages
    fits: Mapping[str, tuple[SavedDetector, State]]

    @property
    def trained(self) -> bool:
        """Whether its detectors were trained for it, and not loaded from checkpoints."""
        return any(row.trained for row in self.run.manifest.detectors.values())


def holds_record(folder: Path) -> bool:
    """Whether there is a golden record in a folder, whole or damaged."""
    return (folder / RECORD).is_file()


def write_record(record: QuestionRecord, fits: Mapping[str, bytes], folder: Path) -> int:
    """Write a golden record as everything that a folder holds.

    Args:
        record: The record; its `fits` are not looked at.
        fits: Fitted detectors as files by name.
        folder: The folder.

    Returns:
        The number of bytes.
    """
    files = {QUESTION: record.question.encode(), CONTENTS: _parquet(record.images.table), **pack(record.run)}
    files |= {f"{FITTED}/{name}": data for name, data in (fitted_files(fits) if fits else {}).items()}
    header = {
        "schema": SCHEMA,
        "name": record.name,
        "pools": dict(record.images.pools),
        "drawn_splits": record.images.drawn_splits,
        FILES: {name: _digest(files[name]) for name in LISTED if name in files},
    }
    files[RECORD] = json.dumps(header, indent=1, ensure_ascii=False).encode() + b"\n"
    Store(folder).replace(files)
    return sum(map(len, files.values()))


def read_record(folder: Path) -> QuestionRecord:
    """Read a golden record.

    Raises:
        InputError: There is none, or it is damaged or of another schema.
    """
    header = _read_header(folder)
    try:
        needed = [*(name for name in LISTED if name in header.files), CELLS, IMAGES, SCORES]
        if lost := [name for name in needed if not (folder / name).is_file()]:
            raise _damaged(folder, f"{lost[0]} is missing")
        listed = {name: (folder / name).read_bytes() for name in LISTED if (folder / name).is_file()}
        if changed := [name for name, data in listed.items() if header.files.get(name) != _digest(data)]:
            raise _damaged(folder, f"{changed[0]} is not as it was written")
        images = RecordedImages(_read_contents(listed[CONTENTS]), header.pools, header.drawn_splits)
        question = listed[QUESTION].decode()
    except (OSError, ValueError, KeyError) as error:  # pyarrow's own errors are of these kinds
        raise _damaged(folder, str(error)) from error
    return QuestionRecord(header.name, question, read_golden(folder), images, read_fitted(folder / FITTED))


def foreign_files(folder: Path) -> list[str]:
    """What a folder holds beside a golden record, by name."""
    fitted = folder / FITTED
    found = [path.name for path in folder.iterdir() if path.name not in OWN_FILES]
    if fitted.is_dir():
        kept = [path for path in fitted.iterdir() if path.suffix != SUFFIX and path.name != MANIFEST]
        found += [f"{FITTED}/{path.name}" for path in kept]
    return sorted(found)


@dataclass(frozen=True)
class _Header:
    """What a record says of itself, as `QuestionRecord` and `RecordedImages` have it; sha256 of files by name."""

    name: str
    pools: Mapping[str, str]
    drawn_splits: bool
    files: Mapping[str, str]


def _read_header(folder: Path) -> _Header:
    """What a record says of itself. Raises `InputError`."""
    from pydantic import TypeAdapter, ValidationError

    try:
        header = parse_json((folder / RECORD).read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        msg = f"{folder} holds no golden record ({RECORD} is missing); make one with `lineup golden make {folder}`"
        raise InputError(msg) from error
    except (OSError, ValueError) as error:
        raise _damaged(folder, str(error)) from error
    if not isinstance(header, dict):
        raise _damaged(folder, f"{RECORD} is no JSON object")
    if (schema := header.pop("schema", None)) != SCHEMA:
        msg = f"the golden record in {folder} is of schema {schema!r:.20}, this version reads {SCHEMA}"
        raise InputError(f"{msg}; use the version of Lineup that made it, or make it anew")
    try:
        return TypeAdapter(_Header).validate_python(header)
    except ValidationError as error:
        first = error.errors()[0]
        raise _damaged(folder, f"{RECORD}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _read_contents(data: bytes) -> pd.DataFrame:
    """The table of images. Raises `ValueError` and `KeyError` for any other table."""
    table = pq.read_table(io.BytesIO(data)).select(list(RECORDED)).cast(_CONTENTS_SCHEMA)
    empty = [name for name in RECORDED if table[name].null_count]
    found: pd.DataFrame = table.to_pandas()
    if empty or not found[columns.LABEL].isin((0, 1)).all() or found[columns.NAME].duplicated().any():
        msg = f"{CONTENTS} lacks a value, names an image twice, or has a label that is neither 0 nor 1"
        raise ValueError(msg)
    return found


def _damaged(folder: Path, fault: str) -> InputError:
    return InputError(f"the golden record in {folder} is damaged ({fault}); {REMEDY}")


def _parquet(table: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    whole = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    pq.write_table(whole, file, compression="zstd", compression_level=19)
    return file.getvalue()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
