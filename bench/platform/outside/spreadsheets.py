"""Tables that people open in a spreadsheet, which must not run what others wrote into them as a formula."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

# what a spreadsheet takes for a formula: a sign before anything but a plain number, or before nothing
_FORMULA = re.compile(r"'*(?:[=@\t\r]|[+-](?!\d*\.?\d+\Z|\Z))", re.DOTALL)


def spreadsheet_csv(table: pd.DataFrame, *, index: bool = False) -> str:
    """A table as CSV whose texts no spreadsheet runs: one that would be a formula has an apostrophe before it.

    Numbers stay as they are. `unguarded` gives back what a text was.

    Args:
        table: Of any types.
        index: Whether the index is written before the columns.
    """
    import pandas as pd
    from pandas.api.types import is_numeric_dtype

    columns = {
        _guarded(name): column
        if is_numeric_dtype(column)
        else pd.Series(map(_guarded, column), table.index, dtype=object)
        for name, column in table.items()
    }
    safe = pd.DataFrame(columns, index=table.index)
    if index:
        safe.index = table.index.map(_guarded)
    written = str(safe.to_csv(index=index, lineterminator="\n"))
    if "\r" in written:  # which ends a line of what is not quoted
        written = str(safe.to_csv(index=index, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC))
    return written


def runs_as_formula(text: str) -> bool:
    """Whether a spreadsheet would run a text that stands in a table as it is."""
    return not text.startswith("'") and _FORMULA.match(text) is not None


def _guarded(value: Any) -> Any:  # noqa: ANN401 - whatever a table holds
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def unguarded(text: str) -> str:
    """A text as it was before `spreadsheet_csv` wrote it."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
