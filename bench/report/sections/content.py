"""What a section of the report holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from bench.report.ranking_columns import TitledTable


@dataclass(frozen=True, slots=True)
class SectionContent:
    """The tables of a section for one run.

    Attributes:
        tables: None where the section does not apply.
        rows: The numbers behind them, one row each; None for no such file.
    """

    tables: Sequence[TitledTable]
    rows: pd.DataFrame | None = None
