"""Lines over steps or numbers, one for each detector, with their intervals and their names at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench.charts.chart import LINE, SMALL, TEXT, Chart
from bench.charts.grid import WIDTH, grid_chart
from bench.charts.markup import element
from bench.charts.palette import DetectorHue
from bench.charts.plot_area import PlotArea, PlotAxis, apart, marker
from bench.charts.typefaces import text_width

_GAP = 26.0  # between panels
_SQUARE = 520.0  # pixels that a square takes across with its names, at most
_LEFT, _NAME_GAP = 34.0, 24.0
_NAMED = 12  # lines of which all have names; of more, the first ones
_SHIFT = 2.4  # pixels between the marks of two lines at one place
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
        ends: Whether the last number of each line stands behind its name.
    """

    title: str
    series: Sequence[Series]
    x: PlotAxis
    y: PlotAxis
    level: float | None = None
    diagonal: bool = False
    slanting: bool = False
    square: bool = False
    ends: bool = False


def line_chart(
    title: str, description: str, panels: Sequence[LinePanel], *, note: str = "", width: float | None = None
) -> Chart:
    """Panels of lines side by side.

    Args:
        title: What all of them show.
        description: The same in words.
        panels: One at least.
        note: How to read them.
        width: Of a panel with the names beside it, in pixels; None for what their number leaves.
    """
    across = min(3 if panels[0].square else 2, len(panels))
    names = max(text_width(_name(panel, one), SMALL) for panel in panels for one in panel.series) + _NAME_GAP + 6
    left = max(map(_left, panels))
    whole = width or min((WIDTH - (across - 1) * _GAP) / across, _SQUARE if panels[0].square else 720.0)
    wide = whole - left - names
    high = wide if panels[0].square else min(300.0, 0.62 * wide)
    lower = max(_lower(panel) for panel in panels)
    upper = 26.0 + (TEXT * LINE if any(panel.title for panel in panels) else 0.0)
    drawn = []
    for panel in panels:
        area = PlotArea(panel.x, panel.y, wide, high)
        body = element("g", *_panel(panel, area, upper), transform=f"translate({left:.1f} {upper:.1f})")
        size = (left + wide + names, upper + high + lower)
        drawn.append(Chart(panel.title or title, _described(panel), *size, body))
    return grid_chart(title, description, drawn, gap=_GAP, note=note)


def _described(panel: LinePanel) -> str:
    """Where each of the named lines begins and ends."""
    said = []
    for series in panel.series[:_NAMED]:
        there = [y for _, y in series.points if not math.isnan(y)]
        if there:
            said.append(f"{series.name} from {panel.y.text(there[0])} to {panel.y.text(there[-1])}")
    return f"{'; '.join(said)}." if said else "No point has a value."


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
    middle = (len(panel.series) - 1) / 2
    for place, series in reversed(list(enumerate(panel.series))):
        found.append(_series(series, area, _SHIFT * (place - middle) if series.bounds else 0.0))
    return [*found, *_names(panel, area)]


def _series(series: Series, area: PlotArea, shift: float) -> Markup:
    """A line, its marks and the intervals at them, `shift` pixels aside so that those of several lines are seen."""
    found = []
    for (x, _), (low, high) in zip(series.points, series.bounds, strict=bool(series.bounds)):
        if not math.isnan(low):
            (across, lower), (_, upper) = area.at(x, low), area.at(x, high)
            path = f"M{across:.1f} {lower:.1f}V{upper:.1f}"
            found.append(element("path", class_=f"whisker {series.hue.css}", d=path))
    tip = element("title", series.name)
    found.append(element("path", tip, class_=f"curve {series.hue.css}", d=area.line(series.points)))
    if len(series.points) <= _MARKED:
        for x, y in series.points:
            if not math.isnan(y):
                found.append(marker(series.hue, *area.at(x, y), f"{series.name}: {area.y.text(y)}"))
    return element("g", *found, transform=f"translate({shift:.1f} 0)" if shift else None)


def _end(series: Series) -> tuple[float, float] | None:
    """The last point with a value."""
    return next(((x, y) for x, y in reversed(series.points) if not math.isnan(y)), None)


def _name(panel: LinePanel, series: Series) -> str:
    """What stands at the end of a line."""
    end = _end(series)
    return f"{series.name} {panel.y.text(end[1])}" if panel.ends and end else series.name


def _names(panel: LinePanel, area: PlotArea) -> list[Markup]:
    """Mark and name of each line at its right end, moved apart where they would meet, and a line to where it ends."""
    series = panel.series[:_NAMED]
    ends = map(_end, series)
    shown = [(one, area.at(*end)) for one, end in zip(series, ends, strict=True) if end is not None]
    places = apart([down for _, (_, down) in shown], SMALL + 2.5, area.height)
    found = []
    for (one, (across, down)), place in zip(shown, places, strict=True):
        found.append(element("path", class_="lead", d=f"M{across + 8:.1f} {down:.1f}L{area.width + 9:.1f} {place:.1f}"))
        found.append(marker(one.hue, area.width + 15, place))
        found.append(element("text", _name(panel, one), x=area.width + _NAME_GAP, y=place + 3.6, class_="small"))
    return found
