"""What a command answers as one JSON document: the one way of `--json`, which every command with a table has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from bench.platform.outside.json_text import json_document
from bench.platform.outside.terminal import say_json

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document; notes go to the error stream.")]


def print_document(value: object) -> None:
    """Print one JSON document on standard output, texts as they are but for what a terminal would obey.

    Args:
        value: As for `json_document`.
    """
    say_json(json_document(value))


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
