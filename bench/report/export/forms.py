"""The forms in which tables are written: for programs exactly as they are, for people so that nothing runs in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from io import BytesIO

import pandas as pd
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from bench.exchange.data_package.columns import arrow_table
from bench.platform.errors import InputError
from bench.platform.outside.spreadsheets import runs_as_formula, spreadsheet_csv
from bench.report.export.contents import ExportContent

SPREADSHEET = "spreadsheet"
ENDINGS: Mapping[str, str] = {
    "csv": ".csv",
    SPREADSHEET: ".csv",
    "parquet": ".parquet",
    "markdown": ".md",
    "latex": ".tex",
    "json": ".json",
}
TABLES = ("csv", SPREADSHEET, "parquet")  # forms of rows


def forms_of(content: ExportContent) -> tuple[str, ...]:
    """The forms that a content has."""
    return tuple(form for form in ENDINGS if (content.maker is not None if form in TABLES else form in content.texts))


def form_of_ending(ending: str) -> str:
    """The form of a file with one of these endings; of CSV that for programs."""
    return next(form for form, known in ENDINGS.items() if known == ending)


def written(content: ExportContent, form: str) -> bytes:
    """A content in one form.

    CSV and Parquet have every text as it is; a spreadsheet's CSV has an apostrophe before what it would run.

    Raises:
        InputError: The content has no such form.
    """
    if form not in forms_of(content):
        msg = f"{content.name} is written as {', '.join(forms_of(content))}, not as {form}"
        raise InputError(msg)
    rows = content.rows if form in TABLES else None
    if rows is None:
        return content.texts[form]().encode()
    makers: Mapping[str, Callable[[], bytes]] = {
        "csv": lambda: exact_csv(rows, content.table),
        SPREADSHEET: lambda: spreadsheet_csv(rows).encode(),
        "parquet": lambda: parquet(rows, content.table),
    }
    return makers[form]()


def exact_csv(rows: pd.DataFrame, table: str) -> bytes:
    """Rows as CSV for programs: UTF-8, decimal points, nothing at all for a missing value, every text in quotes.

    Numbers have the fewest digits that give the same number of their type again. Texts are as they are: one of no
    letters is `""`, and one that holds an end of a line ends no row.

    Args:
        rows: The rows.
        table: By which `bench.explanations` has their columns.
    """
    target = BytesIO()
    pacsv.write_csv(arrow_table(rows, table), target)
    return target.getvalue()


def formulas_in(rows: pd.DataFrame) -> int:
    """How many texts of a table, its headers included, a spreadsheet would run as formulas."""
    texts = [value for name in rows for value in (name, *pd.unique(rows[name].astype(object)))]
    return sum(isinstance(value, str) and runs_as_formula(value) for value in texts)


def parquet(rows: pd.DataFrame, table: str) -> bytes:
    """Rows as Parquet with typed columns, each with its meaning and unit in the metadata of its field.

    Args:
        rows: The rows.
        table: By which `bench.explanations` has their columns.
    """
    target = BytesIO()
    pq.write_table(arrow_table(rows, table), target, compression="zstd")
    return target.getvalue()
