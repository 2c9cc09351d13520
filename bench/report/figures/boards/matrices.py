"""Where a detector works and where it fails: its matrix of accuracies, best detector first."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from bench.charts.heat_map import HeatMapPanel, heat_map_chart
from bench.evaluation.cells import accuracy_name, folded_text, readable_table
from bench.evaluation.leaderboard import Ranking
from bench.evaluation.ranking_rows import RankingRow
from bench.records import columns
from bench.records.manifest import AxisRecord
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.matrix_layout import labelled_groups, matrix_panels
from bench.report.ranking_columns import average_text, percent, rank_text, span_text


def matrices_content(findings: Findings) -> FigureContent:
    """One chart with a panel per detector, or one panel of all where each has a single row."""
    manifest, table = findings.manifest, findings.measured.table
    protocol = manifest.protocol
    title, _, question = protocol.title.partition(": ")
    accuracy = accuracy_name(table).capitalize()
    note = f"{accuracy} in %: {question}. {findings.about()} {_images(table)}"
    if folded := folded_text(table, protocol):
        note += f" Each cell is a mean over {folded}."
    panels, drawn = _panels(findings), drawn_panels(findings)
    if left := [name for name in findings.matrices if name not in drawn and "" not in drawn]:
        note += f" No cell was scored of {', '.join(left)}."
    worst = min((value for panel in panels for value in panel.values.values() if not math.isnan(value)), default=0.0)
    said = f"{len(panels)} matrices of {accuracy.lower()}, best detector first; the lowest cell is {percent(worst)} %."
    chart = heat_map_chart(title, said, panels, note=note)
    return FigureContent([chart], rows=readable_table(table, protocol))


def _images(table: pd.DataFrame) -> str:
    counts = table.loc[table[columns.N] > 0, columns.N]
    if counts.empty:
        return "No cell was scored."
    return f"A cell has {span_text(int(counts.min()), int(counts.max()))} images."


def _panels(findings: Findings) -> list[HeatMapPanel]:
    by_detector = {row.detector: (ranking, row) for ranking, row in findings.rows}
    return [_panel(findings, frame, by_detector.get(title)) for title, frame in drawn_panels(findings).items()]


def drawn_panels(findings: Findings) -> dict[str, pd.DataFrame]:
    """The accuracies of each panel, best first: of detectors with a scored cell, and of all where there is none."""
    found = matrix_panels(findings.matrices)
    return {title: frame for title, frame in found.items() if frame.notna().any(axis=None)} or found


def _panel(findings: Findings, frame: pd.DataFrame, found: tuple[Ranking, RankingRow] | None) -> HeatMapPanel:
    """The panel of one detector, or of all where `found` is None."""
    protocol, families = findings.manifest.protocol, findings.manifest.families
    down = protocol.rows if found else AxisRecord(columns.DETECTOR, generators=False)
    rows, _ = labelled_groups(list(frame.index), down, families)
    across, column_names = labelled_groups(list(frame.columns), protocol.columns, families)
    accuracies = frame.to_dict()
    values = {
        (str(row), str(column)): float(accuracies[column][row]) for row in frame.index for column in frame.columns
    }
    title, lines = _heading(findings, *found) if found else ("", ())
    return HeatMapPanel(
        title, values, rows, across, lines, column_names, diagonal=protocol.rows.name != protocol.columns.name
    )


def matrix_labels(findings: Findings, title: str, frame: pd.DataFrame) -> tuple[list[str], list[str]]:
    """The labels of the rows and of the columns of a panel, in drawing order; a title of "" is a panel of all."""
    protocol, families = findings.manifest.protocol, findings.manifest.families
    down = protocol.rows if title else AxisRecord(columns.DETECTOR, generators=False)
    axes = ((list(frame.index), down), (list(frame.columns), protocol.columns))
    rows, across = (
        [name for group in labelled_groups(names, axis, families)[0] for name in group] for names, axis in axes
    )
    return rows, across


def _heading(findings: Findings, ranking: Ranking, row: RankingRow) -> tuple[str, Sequence[str]]:
    ranks = rank_text((row.rank, row.last_rank))
    means = [f"{name} {average_text(row.means[name], with_interval=True)}" for name in ranking.leading]
    ap = row.metrics.get("ap", math.nan)
    last = [] if math.isnan(ap) else [f"AP of all cells {percent(ap)}"]
    return f"{ranks}  {findings.title(row.detector)}", (means[0], ", ".join([*means[1:], *last]))


FIGURE = Figure(
    "matrix",
    "Matrices",
    "Where does each detector work, and where does it fail?",
    matrices_content,
    "The middle of the scale is guessing; blue is better, brown is worse than guessing, grey was not scored. 100 is "
    "said of a cell without an error and of no other. Bold: tested on what it was trained on.",
)
