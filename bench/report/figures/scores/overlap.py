"""Who is right where others fail: how the errors of detectors overlap."""

from __future__ import annotations

import math

from bench.analyses.scores.overlap import (
    ANSWERS,
    FIRST,
    FIRST_MENDED,
    SECOND,
    SECOND_MENDED,
    error_overlap,
    together_accuracy,
)
from bench.charts.heat_map import HeatMapPanel, heat_map_chart
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.ranking_columns import TableColumn, TitledTable, percent

_MOST, _FEWEST = 16, 2


def overlap_content(findings: Findings) -> FigureContent:
    """A map of the share of each detector's errors that another gets right, and what they would reach together."""
    names = findings.scored(findings.best())[:_MOST]
    pairs = error_overlap(findings.measured, findings.average, names)
    if len(names) < _FEWEST or not pairs[ANSWERS].any():
        return FigureContent(reason="No two detectors answered the same question of real or generated.")
    values = {}
    for pair in pairs.to_dict(orient="records"):
        values[str(pair[FIRST]), str(pair[SECOND])] = float(pair[FIRST_MENDED])
        values[str(pair[SECOND]), str(pair[FIRST])] = float(pair[SECOND_MENDED])
    panel = HeatMapPanel("", values, [names], [names], kind="s", diagonal=False)
    there = {key: value for key, value in values.items() if not math.isnan(value)}
    if not there:
        return FigureContent(reason="No detector has an error that another answered.")
    row, column = max(there, key=there.__getitem__)
    said = f"{column} is right on {percent(there[row, column])} % of the errors of {row}."
    left = f" The first {len(names)} of {len(findings.rows)} rows." if len(findings.rows) > len(names) else ""
    note = f"Of the errors of the row, the share in % that the column gets right; {findings.averaged}.{left}"
    chart = heat_map_chart("Who is right where another fails", said, [panel], note=note)
    return FigureContent([chart], [_together(findings, names)], pairs)


def _together(findings: Findings, names: list[str]) -> TitledTable:
    found = together_accuracy(findings.measured, names, findings.average)
    rows = {
        "any of them is right (no combination is better)": found.any_right,
        "most of them say so": found.majority,
        f"the best alone ({found.best_detector})": found.best,
        "all of them are right": found.all_right,
    }
    return TitledTable(
        f"These {len(names)} detectors together, {findings.average}, over {found.cells} cells that all answered",
        (
            TableColumn("together", tuple(rows), left=True),
            TableColumn("accuracy", tuple(percent(value) for value in rows.values())),
        ),
    )


FIGURE = Figure(
    "overlap",
    "Overlap",
    "Who is right where others fail?",
    overlap_content,
    "A high number: the column is right where the row fails. A low one: both err on the same images.",
)
