"""Tables of scores as files: CSV, TSV, JSON, JSON Lines and Parquet, read as plain values and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from bench.images.annotations.records import TextRecords, as_columns
from bench.images.annotations.text_rows import rows_of
from bench.platform.errors import InputError
from bench.platform.outside.spreadsheets import unguarded
from bench.platform.printable import printable

TEXT_SUFFIXES = {".csv": ".csv", ".tsv": ".tsv", ".json": ".json", ".jsonl": ".jsonl", ".ndjson": ".jsonl"}
PARQUET = ".parquet"
MAX_TEXT_BYTES = 2**28
MAX_ROWS = 10_000_000
ANSWERS = "answers"  # of an image, in the JSON of `lineup score`
FORMS = f"{', '.join(TEXT_SUFFIXES)} or {PARQUET}"


def read_score_table(path: Path) -> TextRecords:
    """The columns of a table, values as texts, numbers or None; those of Parquet that hold no such values are left out.

    Args:
        path: The file, its form told by its suffix.

    Raises:
        InputError: It is of no such form, damaged, empty or too large.
    """
    if not path.is_file():
        _refuse(path, "is no file; give a table of images and their scores")
    suffix = path.suffix.lower()
    if suffix == PARQUET:
        columns = _from_parquet(path)
    elif suffix in TEXT_SUFFIXES:
        columns = _from_text(path, TEXT_SUFFIXES[suffix])
    else:
        _refuse(path, f"is of none of the forms that can be read; call it {FORMS}")
    records = TextRecords(printable(str(path)), columns)
    if not records.rows:
        _refuse(path, "holds no rows of a table; give one row per image, with names of columns in the first line")
    if records.rows > MAX_ROWS:
        _refuse(path, f"has {records.rows:,} rows, at most {MAX_ROWS:,} are read; split it")
    return records


def _from_text(path: Path, form: str) -> Mapping[str, Sequence[Any]]:
    size = path.stat().st_size
    if size > MAX_TEXT_BYTES:
        _refuse(path, f"has {size:,} bytes, at most {MAX_TEXT_BYTES:,} of text are read; write it as Parquet")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        _refuse(path, f"cannot be read as UTF-8 text ({getattr(error, 'strerror', None) or error}); write it anew")
    rows, damage = rows_of(f"table{form}", text)
    if damage:
        _refuse(path, f"is damaged: {damage}")
    if form in {".csv", ".tsv"}:  # of `lineup score`, which writes them so that no spreadsheet runs them
        rows = [{unguarded(name): unguarded(text) for name, text in row.items()} for row in rows]
    return as_columns([row for one in rows for row in _answers(one)])


def _answers(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row of each answer about an image, as `lineup score` nests them in JSON; else the row itself."""
    answers = row.get(ANSWERS)
    if not isinstance(answers, list) or not all(isinstance(one, dict) for one in answers):
        return [dict(row)]
    image = {name: value for name, value in row.items() if name not in {ANSWERS, "overall"}}
    return [image | one for one in answers]


def _from_parquet(path: Path) -> Mapping[str, Sequence[Any]]:
    """Numbers, texts and truth values alone: neither extension types nor what pandas writes beside are interpreted."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            if file.metadata.num_rows > MAX_ROWS:
                _refuse(path, f"has {file.metadata.num_rows:,} rows, at most {MAX_ROWS:,} are read; split it")
            wanted = [field.name for field in file.schema_arrow if _is_plain(field.type)]
            table = file.read(columns=wanted)
            found: dict[str, list[Any]] = {name: table[name].to_pylist() for name in table.column_names}
    except (OSError, pa.ArrowException) as error:
        _refuse(path, f"cannot be read as Parquet ({' '.join(str(error).split())[:200]}); write it anew")
    return found


def _is_plain(kind: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    known = (
        pa.types.is_integer,
        pa.types.is_floating,
        pa.types.is_boolean,
        pa.types.is_string,
        pa.types.is_large_string,
    )
    return any(test(kind) for test in (*known, pa.types.is_null))


def _refuse(path: Path, what: str) -> NoReturn:
    raise InputError(printable(f"{path} {what}"))
