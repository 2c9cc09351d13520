"""Tables that people open in a spreadsheet, which must not run what others wrote into them as a formula."""

from __future__ import annotations

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
    names = {name: _guarded(name) for name in table.columns}
    safe = table.rename(columns=names)
    texts = [name for name, kind in safe.dtypes.items() if kind == object or str(kind) in {"str", "string", "category"}]
    safe = safe.assign(**{name: safe[name].astype(object).map(_guarded) for name in texts})
    if index:
        safe.index = safe.index.map(_guarded)
    return safe.to_csv(index=index, lineterminator="\n")


def _guarded(value: Any) -> Any:  # noqa: ANN401 - whatever a table holds
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def unguarded(text: str) -> str:
    """A text as it was before `spreadsheet_csv` wrote it."""
    return text[1:] if text.startswith("'") and _FORMULA.match(text[1:]) else text
