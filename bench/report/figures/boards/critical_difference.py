"""Which detectors can be told apart: averages on one line, with bars over those that no test tells apart."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict

import pandas as pd

from bench.charts.critical_difference import critical_difference_chart
from bench.charts.plot_area import percent_axis
from bench.evaluation.leaderboard import Ranking
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings

_FEWEST, _MOST = 3, 40  # detectors: two are a sentence, and more are no drawing


def critical_difference_content(findings: Findings) -> FigureContent:
    """A diagram for each ranking whose pairs were tested."""
    shown = [ranking for ranking in findings.rankings if _applies(ranking)]
    charts = []
    for ranking in shown:
        rows = [row for row in ranking.rows if row.rank is not None]
        detectors = [(row.detector, findings.hues[row.detector], row.means[ranking.ranked_by].value) for row in rows]
        low = math.floor(20 * min(value for _, _, value in detectors)) / 20
        high = math.ceil(20 * max(value for _, _, value in detectors)) / 20
        axis = percent_axis(low, max(high, low + 0.05), step=0.05)
        over = "across generators" if ranking.generalises else "on these generators"
        alone = [row.detector for row in rows if not any(row.detector in group for group in ranking.groups)]
        said = f"Tests {over}. " + "; ".join(
            [f"not told apart: {', '.join(group)}" for group in ranking.groups if len(group) > 1]
            + [f"{name} is told apart from all others" for name in alone]
        )
        note = f"{ranking.ranked_by.capitalize()} {ranking.accuracy} in %. Dots on one bar: tests {over} "
        note += "cannot tell these detectors apart."
        charts.append(
            critical_difference_chart("Who can be told apart", f"{said}.", detectors, ranking.groups, axis, note=note)
        )
    return FigureContent(
        charts, rows=pd.DataFrame([row for ranking in shown for row in _pairs(ranking)]) if shown else None
    )


def _pairs(ranking: Ranking) -> Iterator[dict[str, str | float]]:
    """Every pair of a ranking, on these generators, and across generators where that is tested."""
    for pair in ranking.pairs:
        for scope, evidence in (("on these generators", pair.images), ("across generators", pair.generators)):
            if evidence is not None:
                names: dict[str, str | float] = {"first": pair.first, "second": pair.second, "tests": scope}
                yield names | {"difference": pair.difference} | asdict(evidence)


def _applies(ranking: Ranking) -> bool:
    ranked = [row for row in ranking.rows if row.rank is not None]
    return bool(ranking.pairs) and not ranking.rank_by and _FEWEST <= len(ranked) <= _MOST


FIGURE = Figure(
    "critical_difference",
    "Told apart",
    "Which of them can be told apart?",
    critical_difference_content,
    "A bar is of the detectors whose dots are on it: no two of them are told apart, at 5% for any false verdict. "
    "Detectors without a bar in common differ beyond chance.",
)
