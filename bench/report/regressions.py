"""The outcome of a comparison with the golden record, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from rich.console import Group, RenderableType
from rich.text import Text

from bench.evaluation.comparison import BETTER, WORSE, GateResult
from bench.records import columns
from bench.report.ranking_columns import TableColumn, percent, points
from bench.report.terminal import text_table

MOST = 40  # rows shown of one kind


def _chance(p: float) -> str:
    return "<0.0001" if p < 1e-4 else f"{p:.4f}"


def _table(changes: pd.DataFrame, names: Sequence[str]) -> RenderableType:
    """The changes as a table: where, before, now, by how much, what was tolerated, and the corrected p."""
    shown = [TableColumn(name.replace("_", " "), tuple(map(str, changes[name])), left=True) for name in names]
    shown += [TableColumn(name, tuple(map(percent, changes[name]))) for name in ("golden", "now")]
    shown += [TableColumn("change", tuple(map(points, changes["change"])))]
    shown += [TableColumn("tolerated", tuple(map(percent, changes["tolerance"])))]
    shown += [TableColumn("p", tuple(map(_chance, changes["p"])))]
    return text_table(shown)


def _section(title: str, changes: pd.DataFrame, names: Sequence[str], style: str) -> list[RenderableType]:
    if changes.empty:
        return []
    deepest = changes.sort_values("change", key=abs, ascending=False, kind="stable")
    more = [Text(f"... and {len(changes) - MOST} more")] if len(changes) > MOST else []
    return [Text(f"{title}: {len(changes)}", style=style), _table(deepest[:MOST], names), *more]


def outcome(found: GateResult) -> Group:
    """What fell, what rose, what could not be compared, and one line that sums it up; accuracies in %."""
    cell_names = (columns.DETECTOR, *found.axes, columns.SEED)
    mean_names = (columns.DETECTOR, "average", "cells")
    parts: list[RenderableType] = []
    for verdict, style in ((WORSE, "bold red"), (BETTER, "green")):
        means, cells = (table[table["verdict"] == verdict] for table in (found.means, found.cells))
        parts += _section(f"Averages that {verdict}", means, mean_names, style)
        parts += _section(f"Cells that {verdict}", cells, cell_names, style)
    if found.obstacles:
        parts += [Text("Not comparable", style="bold yellow"), *(Text(f"- {line}") for line in found.obstacles)]
    parts += [Text(f"Note: {line}", style="dim") for line in found.notes]
    fell = int(found.cells["verdict"].eq(WORSE).sum() + found.means["verdict"].eq(WORSE).sum())
    ends = (
        f"{fell} fell" if fell else "none fell",
        *([f"{len(found.obstacles)} obstacles"] if found.obstacles else []),
    )
    compared = f"{len(found.cells)} cells and {len(found.means)} averages compared"
    return Group(*parts, Text(", ".join((compared, *ends)) + ".", style="bold"))
