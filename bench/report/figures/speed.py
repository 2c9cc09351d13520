"""What accuracy costs: accuracy against images per second."""

from __future__ import annotations

import math

from bench.charts.chart import Chart
from bench.charts.plot_area import decades_axis, percent_axis
from bench.charts.scatter import Point, scatter_chart
from bench.evaluation.leaderboard import Ranking
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings

_FEWEST = 2


def speed_content(findings: Findings) -> FigureContent:
    """A chart for each ranking of which two rows at least were timed."""
    charts = [_chart(findings, ranking) for ranking in findings.rankings if not ranking.rank_by]
    return FigureContent([chart for chart in charts if chart is not None])


def _chart(findings: Findings, ranking: Ranking) -> Chart | None:
    rows = [row for row in ranking.rows if row.rank is not None and not math.isnan(row.images_per_s)]
    if len(rows) < _FEWEST:
        return None
    by = ranking.ranked_by
    places = [(row.images_per_s, row.means[by].value) for row in rows]
    points = [
        Point(
            findings.title(row.detector),
            findings.hues[row.detector],
            row.images_per_s,
            row.means[by].value,
            row.means[by].low,
            row.means[by].high,
            front=not any(_beats(other, place) for other in places),
        )
        for row, place in zip(rows, places, strict=True)
    ]
    speeds = [speed for speed, _ in places]
    lowest = min(0.5, *(value for _, value in places))
    title = f"{by} {ranking.accuracy} in %"
    axes = (decades_axis(min(speeds), max(speeds), "images/s"), percent_axis(math.floor(10 * lowest) / 10, 1.0, title))
    front = ", ".join(point.name for point in points if point.front)
    note = f"{ranking.runtime}, from file to score. Vertical lines: 95% interval over the images."
    return scatter_chart("Accuracy against speed", f"Not beaten in both: {front}.", points, axes, note=note)


def _beats(one: tuple[float, float], other: tuple[float, float]) -> bool:
    """Whether one is at least as fast and as accurate, and better in either."""
    return one != other and one[0] >= other[0] and one[1] >= other[1]


FIGURE = Figure(
    "speed",
    "Speed",
    "What does accuracy cost in time?",
    speed_content,
    "Bold names are of the Pareto set: nothing else is both faster and more accurate.",
)
