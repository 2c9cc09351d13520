"""Where the time of each detector goes: reading, decoding, degrading, preparing, copying, the device, the head."""

from __future__ import annotations

import math

from bench.analyses.time.stage_limits import LIMIT, REACHED, STAGE_TIMES, TOTAL, stage_table
from bench.charts.bars import BarPart, BarRow, bar_chart
from bench.records import columns
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.ranking_columns import DISTURBED, percent
from bench.report.time_tables import STAGES_LEGEND, detector_stages

_PARTS = tuple(BarPart(stage, f"c{place}-0") for place, stage in enumerate(columns.STAGES))


def stages_content(findings: Findings) -> FigureContent:
    """A bar for each timed detector, the slowest first."""
    table = stage_table(findings.run)
    if not len(table):
        return FigureContent(reason="No detector was timed on the data and the device of this run.")
    rows = []
    for row in table.to_dict("records"):
        values = [0.0 if math.isnan(row[name]) else row[name] for name in STAGE_TIMES]
        name = findings.title(row[columns.DETECTOR])
        tips = [
            f"{name}, {part.name}: {value:,.2f} ms, {percent(value / row[TOTAL])} %"
            for part, value in zip(_PARTS, values, strict=True)
        ]
        mark = f" {DISTURBED}" if row[columns.DISTURBED] else ""
        rows.append(BarRow(name, values, tips, f"{row[TOTAL]:,.2f} ms an image{mark}"))
    slowest = table.iloc[0]
    said = f"{slowest[columns.DETECTOR]} takes longest, {slowest[TOTAL]:,.2f} ms an image; it is limited by "
    said += f"{slowest[LIMIT]}, of whose rate one thread reaches {percent(slowest[REACHED])} %."
    runtime = findings.manifest.runtime
    note = f"{runtime.conditions}, batches of {runtime.batch_size}. Share of the time in %."
    chart = bar_chart("Where the time goes", said, rows, _PARTS, note=note)
    return FigureContent([chart], [detector_stages(table)], table)


FIGURE = Figure(
    "stages",
    "Stages",
    "Where does the time of a detector go?",
    stages_content,
    f"Colours are of stages. {STAGES_LEGEND} {DISTURBED}: other work used the machine, and an idle one is faster.",
)
