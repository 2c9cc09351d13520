"""Published figures, shown beside a ranking and never in it.

The tables are tidy CSV files, one published number per row with its source: columns `benchmark`, `protocol`,
`detector`, `train_on`, `test_on`, `degradation`, `metric`, `value`, `source`, `source_table`, `seen_as`. Percentages
run from 0 to 100; `test_on` is "AVG", or `degradation` begins with it, where the source prints an average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from bench.evaluation.leaderboard import Ranking
from bench.platform.shipped_results import shipped_results
from protocols.api import PublishedAverage

PUBLISHED = shipped_results() / "published" / "genimage.csv"
AVERAGE = "AVG"
COLUMNS = ("detector", "train_on", "test_on", "degradation", "metric", "value", "source", "source_table")


@dataclass(frozen=True, slots=True)
class PublishedFigure:
    """One published average in [0, 1], and where it stands."""

    detector: str
    average: float
    source: str
    table: str


@dataclass(frozen=True, slots=True)
class PublishedRows:
    """Published averages that answer nearly the same question as a ranking."""

    title: str
    rows: tuple[PublishedFigure, ...]


def read_published(path: Path) -> pd.DataFrame:
    """Read a table of published figures. Raises `ValueError` where columns are missing."""
    table = pd.read_csv(path)
    if missing := set(COLUMNS) - set(table.columns):
        msg = f"{path} is not a table of published figures: it lacks the columns {', '.join(sorted(missing))}"
        raise ValueError(msg)
    return table


def published_rows(
    table: pd.DataFrame, generators: Sequence[str], trains: Sequence[str], average: PublishedAverage
) -> PublishedRows | None:
    """The published averages for data with these generators.

    Args:
        table: As `read_published` returns it.
        generators: The generators of the data under their canonical names.
        trains: The training subsets asked for: one of them, or all.
        average: Which averages of the table.

    Returns:
        Average accuracies, best first, or None where the table is about other generators or another training.
    """
    named = set(table["test_on"]) & set(table["train_on"])
    if set(generators) != named:
        return None
    train_on = trains[0] if len(trains) == 1 else f"mean of {len(trains)} trainings"
    training = f"trained on {train_on}" if len(trains) == 1 else train_on
    averages = _average_rows(table)[average.over]
    rows = table[averages & table["train_on"].eq(train_on) & table["metric"].eq("accuracy_%")]
    rows = rows.sort_values("value", ascending=False, kind="stable")
    if rows.empty:
        return None
    shown = rows[["detector", "value", "source", "source_table"]].itertuples(index=False, name=None)
    figures = tuple(PublishedFigure(detector, value / 100, source, where) for detector, value, source, where in shown)
    return PublishedRows(
        f"Published (not measured here): accuracy in %, {training}, beside {average.beside!r}", figures
    )


def _average_rows(table: pd.DataFrame) -> Mapping[str, pd.Series[bool]]:
    """Which rows are averages, by what they are averaged over."""
    over_steps = table["degradation"].str.startswith(AVERAGE)
    return {"test": table["test_on"].eq(AVERAGE) & ~over_steps, "degradation": over_steps}


def published_figures(ranked: Sequence[Ranking]) -> list[PublishedRows]:
    """The published figures beside rankings on GenImage's own generators; nothing for other data."""
    if not PUBLISHED.is_file():
        return []
    table = read_published(PUBLISHED)
    found = [published_rows(table, row.generators, row.trains, row.published) for row in ranked if row.published]
    return [rows for rows in found if rows is not None]
