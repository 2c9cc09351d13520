"""Stacked bars: one row for each detector, its parts as shares of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench.charts.chart import LINE, SMALL, TEXT, Chart
from bench.charts.markup import element, joined
from bench.charts.plot_area import PlotArea, PlotAxis, percent_axis
from bench.charts.typefaces import shortened, text_width

_ROW, _BAR = 23.0, 15.0
_GAP = 14.0
_WIDTH = 1000.0
_LONGEST = 320.0  # pixels of a label
_SQUARE = 10.0


@dataclass(frozen=True, slots=True)
class BarPart:
    """A kind of part: its name, and the class of its colour."""

    name: str
    css: str


@dataclass(frozen=True, slots=True)
class BarRow:
    """One bar.

    Attributes:
        label: What it is of.
        values: Of each kind of part, 0 or more; their sum is the whole.
        tips: What a pointer reads on each part.
        behind: The text behind the bar.
    """

    label: str
    values: Sequence[float]
    tips: Sequence[str]
    behind: str = ""


def bar_chart(
    title: str, description: str, rows: Sequence[BarRow], parts: Sequence[BarPart], *, note: str = ""
) -> Chart:
    """The bars below one another, all of one length, and above them what each colour is."""
    left = min(_LONGEST, max(text_width(row.label, TEXT) for row in rows)) + _GAP
    right = max(text_width(row.behind, SMALL) for row in rows) + _GAP
    area = PlotArea(percent_axis(step=0.25), PlotAxis(0, 1, ()), _WIDTH - left - right, _ROW * len(rows))
    named, above = _names(parts)
    grid = [
        element("path", class_="grid", d=f"M{area.width * tick.at:.1f} 0V{area.height:.1f}") for tick in area.x.ticks
    ]
    drawn = [
        element("g", *_row(row, parts, area, left), transform=f"translate(0 {_ROW * place + _ROW / 2:.1f})")
        for place, row in enumerate(rows)
    ]
    frame = element("g", *grid, *area.frame(), transform=f"translate({left:.1f} 0)")
    body = joined(*named, element("g", frame, *drawn, transform=f"translate(0 {above:.1f})"))
    return Chart(title, description, _WIDTH, above + area.height + 26.0, body, note)


def _names(parts: Sequence[BarPart]) -> tuple[list[Markup], float]:
    """A square of each colour with its name, and how high they are."""
    across, found = 0.0, []
    for part in parts:
        square = f"M{across:.1f} 0H{across + _SQUARE:.1f}V{_SQUARE:.1f}H{across:.1f}Z"
        found.append(element("path", class_=f"mark {part.css}", d=square))
        across += _SQUARE + 5
        found.append(element("text", part.name, x=across, y=_SQUARE - 1, class_="small"))
        across += text_width(part.name, SMALL) + _GAP
    return found, SMALL * LINE + _GAP


def _row(row: BarRow, parts: Sequence[BarPart], area: PlotArea, left: float) -> list[Markup]:
    whole, start, found = sum(row.values), left, []
    for part, value, tip in zip(parts, row.values, row.tips, strict=True):
        end = start + area.width * value / whole if whole > 0 else start
        if end > start:
            shape = f"M{start:.1f} {-_BAR / 2}H{end:.1f}V{_BAR / 2}H{start:.1f}Z"
            found.append(element("path", element("title", tip), class_=f"mark {part.css}", d=shape))
        start = end
    label = shortened(row.label, TEXT, _LONGEST)
    return [
        element("text", label, x=left - _GAP, y=4, text_anchor="end"),
        *found,
        element("text", row.behind, x=left + area.width + _GAP, y=4, class_="small faint"),
    ]
