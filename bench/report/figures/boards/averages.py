"""Which detector is best, and how surely: every average with its intervals, in the order of the ranking."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from bench.charts.chart import Chart
from bench.charts.intervals import IntervalMark, IntervalRow, interval_chart
from bench.charts.plot_area import PlotAxis, percent_axis
from bench.evaluation.leaderboard import Ranking
from bench.evaluation.ranking_rows import RankingRow
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.ranking_columns import interval_text, percent, rank_text

_HEADER = "ap"


def averages_content(findings: Findings) -> FigureContent:
    """A chart for each ranking of shares."""
    shown = [ranking for ranking in findings.rankings if not ranking.rank_by and _with_cells(ranking)]
    rows = [_numbers(ranking, row) for ranking in shown for row in ranking.rows]
    charts = [_chart(findings, ranking) for ranking in shown]
    return FigureContent(charts, rows=pd.DataFrame(rows) if rows else None)


def _numbers(ranking: Ranking, row: RankingRow) -> dict[str, object]:
    """The numbers of one row of a chart; shares in [0, 1]."""
    mean = row.means[ranking.ranked_by]
    return {
        "detector": row.detector,
        "rank": row.rank,
        "last_rank": row.last_rank,
        "average": ranking.ranked_by,
        "value": mean.value,
        "low": mean.low,
        "high": mean.high,
        "low_across_generators": row.across[0],
        "high_across_generators": row.across[1],
        "cells": mean.cells,
        "planned": mean.planned,
    }


def _with_cells(ranking: Ranking) -> list[RankingRow]:
    return [row for row in ranking.rows if row.means[ranking.ranked_by].cells]


def _chart(findings: Findings, ranking: Ranking) -> Chart:
    rows = _with_cells(ranking)
    by, beside = ranking.ranked_by, ranking.home if ranking.home != ranking.ranked_by else None
    drawn = [_row(findings, ranking, row, beside) for row in rows]
    small = f"; small circle: {beside}" if beside else ""
    wide = "; thin line: 95% interval were other generators drawn" if ranking.generalises else ""
    note = f"Mark: {by} {ranking.accuracy} in %; thick line: 95% interval over the images{wide}{small}."
    best = rows[0]
    mean = best.means[by]
    said = f"{best.detector} has the highest {by} {ranking.accuracy}, {percent(mean.value)} %"
    said += f" {interval_text(mean.low, mean.high)}, of {len(rows)} detectors." if not math.isnan(mean.low) else "."
    return interval_chart(f"{by.capitalize()} {ranking.accuracy}", said, drawn, _axis(drawn), level=0.5, note=note)


def _axis(rows: Sequence[IntervalRow]) -> PlotAxis:
    """From the tenth below the lowest end to 100 %."""
    ends = [end for row in rows for span in row.spans for end in (span.value, span.low, span.wide_low)]
    lowest = min(end for end in [*ends, 0.5] if not math.isnan(end))
    return percent_axis(math.floor(10 * lowest) / 10, 1.0)


def _row(findings: Findings, ranking: Ranking, row: RankingRow, beside: str | None) -> IntervalRow:
    mean = row.means[ranking.ranked_by]
    tip = f"{row.detector}: {percent(mean.value)}"
    spans = [IntervalMark(mean.value, mean.low, mean.high, *row.across, tip=tip)]
    if beside:
        home = row.means[beside]
        spans.insert(0, IntervalMark(home.value, hollow=True, tip=f"{row.detector}, {beside}: {percent(home.value)}"))
    ap = row.metrics.get(_HEADER, math.nan)
    behind = f"{percent(mean.value)}" + ("" if math.isnan(ap) else f"   AP {percent(ap)}")
    missing = "" if mean.complete else f" ({mean.cells} of {mean.planned} cells)"
    label = f"{findings.title(row.detector)}{missing}"
    return IntervalRow(rank_text((row.rank, row.last_rank)), label, findings.hues[row.detector], spans, behind)


FIGURE = Figure(
    "averages",
    "Averages",
    "Which detector is best, and how surely?",
    averages_content,
    "One row per detector, best first, with the ranks that the tests leave it. Where thick lines overlap, or ranks do, "
    "the order may be chance. What lies left of the dashed line is worse than guessing.",
)
