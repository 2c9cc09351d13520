"""What accuracy costs: accuracy against images per second."""

from __future__ import annotations

import math

import pandas as pd

from bench.analyses.scores.speed import PARETO, VALUE, speed_table
from bench.charts.chart import Chart
from bench.charts.plot_area import decades_axis, percent_axis
from bench.charts.scatter import Point, scatter_chart
from bench.evaluation.leaderboard import Ranking
from bench.records import columns
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.ranking_columns import TableColumn, TitledTable, percent, speed_text

_FEWEST = 2


def speed_content(findings: Findings) -> FigureContent:
    """A chart for each ranking of which two rows at least were timed."""
    tables = {place: speed_table(ranking) for place, ranking in enumerate(findings.rankings) if not ranking.rank_by}
    shown = {place: rows[rows[columns.REASON].eq("")] for place, rows in tables.items()}
    shown = {place: rows for place, rows in shown.items() if len(rows) >= _FEWEST}
    if not shown:
        return FigureContent(reason="Fewer than two detectors were timed.")
    charts = [_chart(findings, findings.rankings[place], rows) for place, rows in shown.items()]
    whole = pd.concat([tables[place] for place in shown], ignore_index=True)
    return FigureContent(charts, [_table(findings.rankings[place], tables[place]) for place in shown], whole)


def _chart(findings: Findings, ranking: Ranking, rows: pd.DataFrame) -> Chart:
    means = {row.detector: row.means[ranking.ranked_by] for row in ranking.rows}
    places = zip(rows[columns.DETECTOR], rows[columns.IMAGES_PER_S], rows[PARETO], strict=True)
    points = [
        Point(
            findings.title(name),
            findings.hues[name],
            float(speed),
            means[name].value,
            means[name].low,
            means[name].high,
            front=bool(front),
        )
        for name, speed, front in places
    ]
    speeds, lowest = [point.x for point in points], min(0.5, *(point.y for point in points))
    title = f"{ranking.ranked_by} {ranking.accuracy} in %"
    axes = (decades_axis(min(speeds), max(speeds), "images/s"), percent_axis(math.floor(10 * lowest) / 10, 1.0, title))
    front = ", ".join(point.name for point in points if point.front)
    note = f"{ranking.runtime}, from file to score. Vertical lines: 95% interval over the images."
    return scatter_chart("Accuracy against speed", f"Not beaten in both: {front}.", points, axes, note=note)


def _table(ranking: Ranking, rows: pd.DataFrame) -> TitledTable:
    front = zip(rows[PARETO], rows[columns.REASON], strict=True)
    return TitledTable(
        f"Speed, and {ranking.ranked_by} {ranking.accuracy} in %",
        (
            TableColumn("detector", tuple(map(str, rows[columns.DETECTOR])), left=True),
            TableColumn("images/s", tuple(speed_text(row) for row in ranking.rows)),
            TableColumn("accuracy", tuple(percent(float(one)) for one in rows[VALUE])),
            TableColumn(
                "not beaten in both", tuple(reason or ("yes" if best else "") for best, reason in front), left=True
            ),
        ),
    )


FIGURE = Figure(
    "speed",
    "Speed",
    "What does accuracy cost in time?",
    speed_content,
    "Bold names are of the Pareto set: nothing else is both faster and more accurate. Of images/s in brackets: the "
    "slowest and the fastest repeat; ~: other work used the machine, and an idle one is faster.",
)
