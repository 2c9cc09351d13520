"""Points with names: what is gained in one number for what is given in another."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from bench.charts.chart import SMALL, Chart
from bench.charts.markup import element
from bench.charts.numbers import one_decimal
from bench.charts.palette import DetectorHue
from bench.charts.plot_area import PlotArea, PlotAxis, marker
from bench.charts.typefaces import BOLD, REGULAR, text_width

_LEFT, _TOP, _RIGHT, _BELOW = 40.0, 26.0, 90.0, 44.0
_HEIGHT = 400.0
_TRIED = ((9, 3.5, "start"), (-9, 3.5, "end"), (0, -9, "middle"), (0, 16, "middle"), (9, 14, "start"), (9, -7, "start"))


@dataclass(frozen=True, slots=True)
class Point:
    """One detector: its place in the numbers of the axes, the interval of its height, whether it is on the front."""

    name: str
    hue: DetectorHue
    x: float
    y: float
    low: float = math.nan
    high: float = math.nan
    front: bool = False


def scatter_chart(
    title: str, description: str, points: Sequence[Point], axes: tuple[PlotAxis, PlotAxis], *, note: str = ""
) -> Chart:
    """The points over the axes across and up; those of the front are joined by steps and named first.

    A name that would cover another is left out of the drawing; a pointer reads it.
    """
    area = PlotArea(*axes, 880.0, _HEIGHT)
    found = area.frame()
    front = sorted((point.x, point.y) for point in points if point.front)
    found.append(element("path", class_="chance", d=_steps(front, area)))
    named = [_around(*area.at(point.x, point.y)) for point in points]
    named.append((-_LEFT, -_TOP, text_width(area.y.title, SMALL), -6.0))
    for point in sorted(points, key=lambda one: (not one.front, -one.y)):
        found += _point(point, area, named)
    body = element("g", *found, transform=f"translate({_LEFT:.0f} {_TOP:.0f})")
    return Chart(title, description, _LEFT + area.width + _RIGHT, _TOP + _HEIGHT + _BELOW, body, note)


def _steps(front: Sequence[tuple[float, float]], area: PlotArea) -> str:
    """The path below which every detector is both slower and worse than one of the front."""
    places = [area.at(x, y) for x, y in front]
    written = []
    for place, (across, down) in enumerate(places):
        written.append(f"M{across:.1f} {down:.1f}" if not place else f"V{down:.1f}")
        if place + 1 < len(places):
            written.append(f"H{places[place][0]:.1f}V{places[place + 1][1]:.1f}H{places[place + 1][0]:.1f}")
    return "".join(written)


def _around(across: float, down: float) -> tuple[float, float, float, float]:
    return across - 5, down - 5, across + 5, down + 5


def _point(point: Point, area: PlotArea, named: list[tuple[float, float, float, float]]) -> list[Markup]:
    across, down = area.at(point.x, point.y)
    found = []
    if not math.isnan(point.low):
        low, high = (area.at(point.x, min(max(end, area.y.low), area.y.high))[1] for end in (point.low, point.high))
        found.append(element("path", class_=f"wide {point.hue.css}", d=f"M{across:.1f} {low:.1f}V{high:.1f}"))
    found.append(marker(point.hue, across, down, f"{point.name}: {one_decimal(point.y)} %, {point.x:,.0f} images/s"))
    width = text_width(point.name, SMALL, BOLD if point.front else REGULAR)
    for right, lower, anchor in _TRIED:
        start = across + right - {"start": 0.0, "middle": width / 2, "end": width}[anchor]
        box = (start, down + lower - SMALL, start + width, down + lower + 2)
        if _inside(box, area) and not any(_meet(box, other) for other in named):
            named.append(box)
            css = f"small {'bold' if point.front else 'faint'}"
            found.append(element("text", point.name, x=across + right, y=down + lower, text_anchor=anchor, class_=css))
            break
    return found


def _inside(box: tuple[float, float, float, float], area: PlotArea) -> bool:
    """Whether a name covers no number of an axis and stays in the drawing."""
    return box[0] > 0 and box[1] > -_TOP and box[2] < area.width + _RIGHT and box[3] < area.height + 4


def _meet(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
