"""What a command answers as one JSON document: the one way of `--json`, which every command with a table has."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import PurePath
from typing import Annotated, Any

import typer

from bench.platform.outside.terminal import say_json

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document; notes go to the error stream.")]


def print_document(value: object) -> None:
    """Print one JSON document on standard output, texts as they are but for what a terminal would obey.

    Args:
        value: Texts, numbers, None, paths, dataclasses, arrays, tables, and mappings and sequences of these. A table
            becomes a list of its rows; a number that is none, or has no end, becomes null.
    """
    say_json(json.dumps(json_parts(value), indent=1, ensure_ascii=False, allow_nan=False))


def json_parts(value: Any) -> Any:  # noqa: ANN401 - whatever a command answers
    """A value as JSON can hold it."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if hasattr(value, "to_dict"):  # a table
        value = value.to_dict(orient="records")
    if hasattr(value, "tolist"):  # an array, or a number of one
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): json_parts(part) for name, part in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [json_parts(part) for part in value]
    if isinstance(value, PurePath):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(headers: Sequence[str], rows: Sequence[Sequence[object]], fixed: int = 1) -> None:
    """Print a table that fits the terminal, its texts without what a terminal would obey.

    Args:
        headers: Of the columns.
        rows: A value for each column.
        fixed: Number of the first columns, which name a row.
    """
    from bench.platform.outside.console import PlainConsole
    from bench.report.ranking_columns import TableColumn
    from bench.report.terminal import WIDTH, text_table

    texts = [[str(row[place]) for row in rows] for place in range(len(headers))]
    shown = [TableColumn(header, tuple(column), left=True) for header, column in zip(headers, texts, strict=True)]
    needed = sum(column.width + 2 for column in shown)  # in a pipe a row is a line
    PlainConsole(least_width=max(WIDTH, needed)).print(text_table(shown, fixed))
