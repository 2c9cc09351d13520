"""Lines over steps or numbers, one for each detector, with their intervals and their names at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup

from bench.charts.chart import LINE, SMALL, TEXT, Chart
from bench.charts.markup import element, joined
from bench.charts.palette import DetectorHue
from bench.charts.plot_area import PlotArea, PlotAxis, apart, marker
from bench.charts.typefaces import text_width

_GAP = 26.0  # between panels
_LEFT, _NAME_GAP = 34.0, 10.0
_NAMED = 12  # lines of which all have names; of more, the first ones
_MARKED = 14  # points of a line of which each has a mark


@dataclass(frozen=True, slots=True)
class Series:
    """One line.

    Attributes:
        name: Of the detector.
        hue: Its colour and marker.
        points: In the numbers of the axes, in drawing order; NaN leaves a gap.
        bounds: The lower and the upper end of each point's interval, NaN where there is none; empty for none.
    """

    name: str
    hue: DetectorHue
    points: Sequence[tuple[float, float]]
    bounds: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True, slots=True)
class LinePanel:
    """One area with its lines.

    Attributes:
        title: What it is of; empty for none.
        series: The lines, best first.
        x: The axis across.
        y: The axis up.
        level: A number up that is marked, such as chance; None for none.
        diagonal: Whether the line from corner to corner is marked, which is chance, or perfect calibration.
        slanting: Whether the labels below slant, as long ones must.
        square: Whether the area is a square.
    """

    title: str
    series: Sequence[Series]
    x: PlotAxis
    y: PlotAxis
    level: float | None = None
    diagonal: bool = False
    slanting: bool = False
    square: bool = False


def line_chart(
    title: str, description: str, panels: Sequence[LinePanel], *, width: float = 1080.0, note: str = ""
) -> Chart:
    """Panels of lines side by side, as many as a width in pixels holds."""
    across = min(2 if not panels[0].square else 3, len(panels))
    names = max(text_width(one.name, SMALL) for panel in panels for one in panel.series) + _NAME_GAP + 6
    left = max(_left(panel) for panel in panels)
    wide = min((width - (across - 1) * _GAP) / across, 720.0) - left - names
    high = wide if panels[0].square else min(300.0, 0.62 * wide)
    lower = max(_lower(panel) for panel in panels)
    upper = 26.0 + (TEXT * LINE if any(panel.title for panel in panels) else 0.0)
    step = (left + wide + names + _GAP, upper + high + lower + _GAP / 2)
    drawn = []
    for place, panel in enumerate(panels):
        row, column = divmod(place, across)
        where = f"translate({column * step[0] + left:.1f} {row * step[1] + upper:.1f})"
        area = PlotArea(panel.x, panel.y, wide, high)
        drawn.append(element("g", *_panel(panel, area, upper), transform=where))
    down = math.ceil(len(panels) / across)
    return Chart(title, description, across * step[0] - _GAP, down * step[1] - _GAP / 2, joined(*drawn), note)


def _left(panel: LinePanel) -> float:
    """Pixels left of the area: the numbers of its axis, and what slants out below it."""
    first = text_width(panel.x.ticks[0].label, SMALL) if panel.slanting and panel.x.ticks else 0.0
    return max(_LEFT, 0.77 * first + 6)


def _lower(panel: LinePanel) -> float:
    """Pixels below the area: the labels, and the title of the axis."""
    labels = max((text_width(tick.label, SMALL) for tick in panel.x.ticks), default=0.0)
    return (0.66 * labels + 22.0 if panel.slanting else 22.0) + (SMALL * LINE + 2 if panel.x.title else 0.0)


def _panel(panel: LinePanel, area: PlotArea, upper: float) -> list[Markup]:
    found = area.frame(slanting=panel.slanting)
    if panel.title:
        found.append(element("text", panel.title, x=-7, y=-upper + TEXT, class_="bold"))
    if panel.level is not None:
        _, down = area.at(panel.x.low, panel.level)
        found.append(element("path", class_="chance", d=f"M0 {down:.1f}H{area.width:.1f}"))
    if panel.diagonal:
        found.append(element("path", class_="chance", d=f"M0 {area.height:.1f}L{area.width:.1f} 0"))
    for series in reversed(panel.series):
        found += _series(series, area)
    return [*found, *_names(panel.series[:_NAMED], area)]


def _series(series: Series, area: PlotArea) -> list[Markup]:
    found = []
    if band := _band(series, area):
        found.append(element("path", class_=f"band {series.hue.css}", d=band))
    tip = element("title", series.name)
    found.append(element("path", tip, class_=f"curve {series.hue.css}", d=area.line(series.points)))
    if len(series.points) <= _MARKED:
        for x, y in series.points:
            if not math.isnan(y):
                found.append(marker(series.hue, *area.at(x, y), f"{series.name}: {100 * y:.1f}"))
    return found


def _band(series: Series, area: PlotArea) -> str:
    """The path around the intervals; where there is none, the band has a gap as the line has."""
    ends = [(x, low, high) for (x, _), (low, high) in zip(series.points, series.bounds, strict=bool(series.bounds))]
    parts = []
    for there, group in groupby(ends, key=lambda end: not math.isnan(end[1])):
        part = list(group)
        around = [*((x, high) for x, _, high in part), *((x, low) for x, low, _ in reversed(part))]
        parts.append(f"{area.line(around)}Z" if there else "")
    return "".join(parts)


def _names(series: Sequence[Series], area: PlotArea) -> list[Markup]:
    """The name of each line at its right end, moved apart where they would meet, with a line to where it ends."""
    ends = [next(((x, y) for x, y in reversed(one.points) if not math.isnan(y)), None) for one in series]
    shown = [(one, area.at(*end)) for one, end in zip(series, ends, strict=True) if end is not None]
    places = apart([down for _, (_, down) in shown], SMALL + 2.5, area.height)
    found = []
    for (one, (across, down)), place in zip(shown, places, strict=True):
        found.append(element("path", class_="lead", d=f"M{across + 6:.1f} {down:.1f}L{area.width + 7:.1f} {place:.1f}"))
        found.append(element("text", one.name, x=area.width + _NAME_GAP, y=place + 3.6, class_=f"small {one.hue.css}"))
    return found
