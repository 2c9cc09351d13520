"""Delimited tables of a data set, read row by row with the number of each row's line."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import NoReturn

from bench.images.files.tree import Tree
from bench.platform.errors import InputError

DELIMITERS = ",;\t|"


def delimiter_of(header: str) -> str:
    """The character that separates the fields of a table, by its first line; the comma where there is none."""
    return max(DELIMITERS, key=lambda character: (header.count(character), -DELIMITERS.index(character)))


def header(tree: Tree, name: str) -> list[str]:
    """The column names in the first line of a table; nothing else is read. Raises `InputError` where it is no such."""
    try:
        with tree.open(name) as opened:
            line = opened.readline().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{tree.where}/{name} cannot be read as UTF-8 text ({error}); mend it or take it away"
        raise InputError(msg) from error
    reader = csv.reader(io.StringIO(line, newline=""), delimiter=delimiter_of(line))  # a line may end in CR alone
    try:
        return [column.strip() for column in next(reader, [])]
    except csv.Error as error:
        refuse(tree, name, 1, f"it is not comma-separated text ({error}); mend the line")


def rows(tree: Tree, name: str, required: Sequence[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Line number from 1, and values by column, of every row of a table, without spaces around them.

    Empty lines are skipped.

    Raises:
        InputError: A required column is missing, a column comes twice, or a row has more or fewer fields than columns.
    """
    text = tree.read_text(name)
    delimiter = delimiter_of(text.partition("\n")[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [column.strip() for column in next(reader, [])]
        for column in required:
            if column not in columns:
                refuse(tree, name, 1, f"column {column} is missing among {', '.join(columns) or 'no columns'}; add it")
        if len(set(columns)) < len(columns):
            refuse(tree, name, 1, "a column comes twice; keep one of the two")
        for row in reader:
            if row and len(row) != len(columns):
                refuse(tree, name, reader.line_num, f"{len(row)} fields for {len(columns)} columns; mend the line")
            if row:
                yield reader.line_num, dict(zip(columns, map(str.strip, row), strict=True))
    except csv.Error as error:
        refuse(tree, name, reader.line_num, f"it is not comma-separated text ({error}); mend the line")


def refuse(tree: Tree, name: str, line: int, what: str) -> NoReturn:
    """Raise the `InputError` of one line of a file."""
    msg = f"{tree.where}/{name} line {line}: {what}"
    raise InputError(msg)
