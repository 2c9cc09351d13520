"""A row for each detector: its averages as marks with their intervals, and numbers beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench.charts.chart import SMALL, TEXT, Chart
from bench.charts.markup import element, joined
from bench.charts.palette import DetectorHue
from bench.charts.plot_area import PlotArea, PlotAxis, marker
from bench.charts.typefaces import text_width

_ROW = 21.0
_GAP = 14.0


@dataclass(frozen=True, slots=True)
class IntervalMark:
    """A value with its intervals; NaN for what there is none of.

    Attributes:
        value: The value.
        low: The lower end of its narrow interval.
        high: The upper end.
        wide_low: The lower end of a wider interval, drawn thin.
        wide_high: The upper end.
        hollow: Whether the mark is small: a second value of the row.
        tip: What a pointer reads on it.
    """

    value: float
    low: float = math.nan
    high: float = math.nan
    wide_low: float = math.nan
    wide_high: float = math.nan
    hollow: bool = False
    tip: str = ""


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """One detector: its label, the text before it (its rank), and its values."""

    before: str
    label: str
    hue: DetectorHue
    spans: Sequence[IntervalMark]
    behind: str = ""


def interval_chart(
    title: str,
    description: str,
    rows: Sequence[IntervalRow],
    x: PlotAxis,
    *,
    level: float | None = None,
    note: str = "",
) -> Chart:
    """The rows below one another over one axis; `level` is a marked number, such as chance."""
    ranks = max(text_width(row.before, SMALL) for row in rows)
    labels = max(text_width(row.label, TEXT) for row in rows)
    left = ranks + labels + 2 * _GAP
    right = max(text_width(row.behind, SMALL) for row in rows) + _GAP
    area = PlotArea(x, PlotAxis(0, 1, ()), 1000.0 - left - right, _ROW * len(rows))
    grid = [_vertical(area, tick.at, "grid") for tick in x.ticks]
    if level is not None:
        grid.append(_vertical(area, level, "chance"))
    drawn = [
        element("g", *_row(row, area, left, ranks), transform=f"translate(0 {_ROW * place + _ROW / 2:.1f})")
        for place, row in enumerate(rows)
    ]
    body = element("g", *grid, *area.frame(), transform=f"translate({left:.1f} 0)")
    return Chart(title, description, 1000.0, area.height + 42.0, joined(body, *drawn), note)


def _vertical(area: PlotArea, at: float, css: str) -> Markup:
    across, _ = area.at(at, 0)
    return element("path", class_=css, d=f"M{across:.1f} 0V{area.height:.1f}")


def _row(row: IntervalRow, area: PlotArea, left: float, ranks: float) -> list[Markup]:
    found = [
        element("text", row.before, x=ranks, y=4, text_anchor="end", class_="small faint"),
        element("text", row.label, x=ranks + _GAP, y=4),
        element("text", row.behind, x=left + area.width + _GAP, y=4, class_="small faint") if row.behind else None,
    ]
    return [one for one in found if one is not None] + [
        element("g", *_span(span, row.hue, area), transform=f"translate({left:.1f} 0)")
        for span in row.spans
        if not math.isnan(span.value)
    ]


def _span(span: IntervalMark, hue: DetectorHue, area: PlotArea) -> list[Markup]:
    found = []
    for low, high, css in ((span.wide_low, span.wide_high, "wide"), (span.low, span.high, "bar")):
        if not math.isnan(low):
            start, end = (area.at(min(max(value, area.x.low), area.x.high), 0)[0] for value in (low, high))
            found.append(element("path", class_=f"{css} {hue.css}", d=f"M{start:.1f} 0H{end:.1f}"))
    across = area.at(min(max(span.value, area.x.low), area.x.high), 0)[0]
    if span.hollow:
        tip = element("title", span.tip) if span.tip else None
        found.append(element("circle", tip, cx=across, cy=0, r=3, class_=f"ground wide {hue.css}"))
    else:
        found.append(marker(hue, across, 0, span.tip))
    return found
