"""A comparison with the golden record, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from bench.golden.regression import BETTER, SEEDS, SPREAD, WORSE, GateResult
from bench.records import columns
from bench.report.ranking_columns import TableColumn, p_text, percent, points
from bench.report.terminal import text_table

MAX_ROWS = 40  # rows shown of one kind


def _change_table(changes: pd.DataFrame, names: Sequence[str]) -> RenderableType:
    """The changes as a table: where, of how many seeds, before, now, by how much, the record's spread, corrected p."""
    shown = [TableColumn(name.replace("_", " "), tuple(map(str, changes[name])), left=True) for name in names]
    shown += [TableColumn(name, tuple(map(percent, changes[name]))) for name in ("golden", "now")]
    shown += [TableColumn("change", tuple(map(points, changes["change"])))]
    shown += [TableColumn("spread", tuple(map(percent, changes[SPREAD])))]
    shown += [TableColumn("p", tuple(map(p_text, changes["p"])))]
    return text_table(shown, len(names))


def _section(title: str, changes: pd.DataFrame, names: Sequence[str], style: str) -> list[RenderableType]:
    if changes.empty:
        return []
    deepest = changes.sort_values("change", key=abs, ascending=False, kind="stable")
    more = [Text(f"... and {len(changes) - MAX_ROWS} more")] if len(changes) > MAX_ROWS else []
    return [Text(f"{title}: {len(changes)}", style=style), _change_table(deepest[:MAX_ROWS], names), *more]


def comparison_report(result: GateResult) -> Group:
    """Falls, rises, obstacles and notes, and a line that sums them up; accuracies in %."""
    cell_names = (columns.DETECTOR, *result.axes, SEEDS)
    mean_names = (columns.DETECTOR, "average", "cells", SEEDS)
    parts: list[RenderableType] = []
    for verdict, style in ((WORSE, "bold red"), (BETTER, "green")):
        means, cells = (table[table["verdict"] == verdict] for table in (result.means, result.cells))
        parts += _section(f"Averages that {verdict}", means, mean_names, style)
        parts += _section(f"Cells that {verdict}", cells, cell_names, style)
    if result.obstacles:
        parts += [Text("Not comparable", style="bold yellow"), *(Text(f"- {line}") for line in result.obstacles)]
    parts += [Text(f"Note: {line}", style="dim") for line in result.notes]
    fell = int(result.cells["verdict"].eq(WORSE).sum() + result.means["verdict"].eq(WORSE).sum())
    ends = (
        f"{fell} fell" if fell else "none fell",
        *([f"{len(result.obstacles)} obstacles"] if result.obstacles else []),
    )
    compared = f"{len(result.cells)} cells and {len(result.means)} averages compared"
    return Group(*parts, Text(", ".join((compared, *ends)) + ".", style="bold"))
