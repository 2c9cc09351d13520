"""The rows of tables that are texts, damaged ones as far as they can be understood."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from bench.images.files.csv_lines import delimiter_of
from bench.images.files.tree import IMAGE_SUFFIXES
from bench.images.vocabulary.class_words import label_of_name, split_word
from bench.platform.outside.json_text import parse_json

SUFFIXES = "|".join(sorted(suffix.removeprefix(".") for suffix in IMAGE_SUFFIXES))
PATH_FIRST = re.compile(rf"(.+?\.(?:{SUFFIXES}))(?:\s*[,;\t ]\s*(.*))?", re.IGNORECASE)  # spaces in it or not


class ReadRows(NamedTuple):
    """Rows of a file, and where it is damaged.

    Attributes:
        rows: As many as could be understood, some of them perhaps in part.
        damage: The first fault, and what to do; "" for none.
    """

    rows: list[dict[str, Any]]
    damage: str = ""


def rows_of(name: str, text: str) -> ReadRows:
    """The rows of a table by its suffix: `.csv`, `.tsv`, `.json`, `.jsonl` or `.txt`; none of what is no table.

    Args:
        name: Of the file.
        text: What it holds.
    """
    read = {".csv": _from_csv, ".tsv": _from_csv, ".json": _from_json, ".jsonl": _from_json_lines, ".txt": _from_list}
    return read[PurePosixPath(name).suffix.lower()](text)


def _from_csv(text: str) -> ReadRows:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text.partition("\n")[0]))
    lines: list[tuple[int, list[str]]] = []  # with the number of the line that each begins on
    start, faults = 1, []
    try:
        for line in reader:
            lines += [(start, line)] if line else []
            start = reader.line_num + 1
    except csv.Error as error:
        faults.append(f"line {start}: it is no row ({error}); mend the line")
    names = [column.strip() for column in lines[0][1]] if lines else []
    if twice := [name for name in names if names.count(name) > 1]:
        faults.append(f"line 1: the column {twice[0]!r} comes twice; keep one of the two")
    for number, line in lines[1:]:
        while len(line) > len(names) and not line[-1].strip():
            del line[-1]
        if len(line) != len(names):
            faults.append(f"line {number}: {len(line)} fields for {len(names)} columns; mend the line")
    if lines and "\n" in lines[-1][1][-1] and not text.rstrip().endswith('"'):
        faults.append(f"line {lines[-1][0]}: a quotation mark is opened and not closed; mend the line")
    rows = [dict(zip(names, map(str.strip, line), strict=False)) for _, line in lines[1:]]
    return ReadRows(rows, next(iter(faults), ""))


def _from_json(text: str) -> ReadRows:
    """A list of objects, or an object of them or of values by path, or of lists of paths by split or by class."""
    try:
        found: Any = parse_json(text)
    except ValueError as error:
        paths = dict.fromkeys(re.findall(rf'"([^"\n]+\.(?:{SUFFIXES}))"', text, re.IGNORECASE))
        rows = [{"path": path} for path in paths] if len(paths) > 1 else []
        return ReadRows(rows, f"it is not JSON ({error}); mend it or take it away")
    if isinstance(found, dict):
        lists = [value for value in found.values() if _holds_objects(value)]
        named = _rows_by_key(found)
        if named or not lists:
            found = named or [_named_row(path, value) for path, value in found.items()]
        elif len(lists) == 1:
            found = lists[0]
    return ReadRows(found if _holds_objects(found) else [])


def _rows_by_key(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of an object that holds lists of paths or of rows by split or by class; none for another one."""
    listed = {key: value for key, value in found.items() if isinstance(value, list) and value}
    roles = {"split": map(split_word, listed), "label": (label_of_name(key) is not None for key in listed)}
    role = next((role for role, known in roles.items() if listed and all(known)), "")
    entries = [(key, entry) for key, value in listed.items() for entry in value] if role else []
    if not all(isinstance(entry, str | dict) for _, entry in entries):
        return []
    return [{role: key} | ({"path": entry} if isinstance(entry, str) else entry) for key, entry in entries]


def _holds_objects(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _named_row(path: str, value: object) -> dict[str, Any]:
    return {"path": path} | (value if isinstance(value, dict) else {"value": value})


def _from_json_lines(text: str) -> ReadRows:
    rows, faults = [], []
    for number, line in enumerate(text.split("\n"), start=1):
        try:
            found = parse_json(line) if line.strip() else None
        except ValueError as error:
            faults.append(f"line {number}: it is not JSON ({error}); mend the line")
            continue
        if isinstance(found, dict):
            rows.append(found)
        elif line.strip():
            faults.append(f"line {number}: it is no JSON object; mend the line")
    return ReadRows(rows, next(iter(faults), ""))


def _from_list(text: str) -> ReadRows:
    """Lines of a path and, where they have more, of fields that are called by their number from 1."""
    lines = {number: line.strip() for number, line in enumerate(text.split("\n"), start=1) if line.strip()}
    paths = [PATH_FIRST.fullmatch(line) for line in lines.values()]
    begin_with_paths = all(paths)
    parts = [(path[1], path[2] or "") for path in paths if path] if begin_with_paths else []
    rests = [rest for _, rest in parts] if begin_with_paths else list(lines.values())
    marks = (mark for mark in (",", ";", "\t", " ") if any(rests) and all(mark in rest for rest in rests if rest))
    delimiter = next(marks, None)
    fields = [_split(rest, delimiter) for rest in rests]
    if begin_with_paths:
        fields = [[path, *rest] for (path, _), rest in zip(parts, fields, strict=True)]
    expected = len(fields[0]) if fields else 0
    ragged = [number for number, line in zip(lines, fields, strict=True) if len(line) != expected]
    if ragged and not begin_with_paths:
        return ReadRows([])
    rows = [{str(position): value for position, value in enumerate(line, start=1)} for line in fields]
    damage = f"line {ragged[0]}: it has another number of fields than the first line; mend it" if ragged else ""
    return ReadRows(rows, damage)


def _split(text: str, delimiter: str | None) -> list[str]:
    if not text:
        return []
    return [part.strip() for part in text.split(delimiter)] if delimiter else [text]
