"""A critical-difference diagram: detectors along their averages, and bars over those that no test tells apart."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from bench.charts.chart import SMALL, Chart
from bench.charts.markup import element, joined
from bench.charts.numbers import one_decimal
from bench.charts.palette import DetectorHue
from bench.charts.plot_area import PlotArea, PlotAxis, marker
from bench.charts.typefaces import text_width

_WIDE, _STEP, _BAR = 620.0, 19.0, 9.0


def critical_difference_chart(
    title: str,
    description: str,
    detectors: Sequence[tuple[str, DetectorHue, float]],
    groups: Sequence[Sequence[str]],
    axis: PlotAxis,
    *,
    note: str = "",
) -> Chart:
    """Detectors with their averages on one axis; a bar with a dot for each joins those that are not told apart.

    Args:
        title: What it shows.
        description: The same in words.
        detectors: Name, colour and average of each, best first.
        groups: Of two or more detectors, of which no two are told apart.
        axis: Of the averages.
        note: How to read it.
    """
    left = right = max(text_width(name, SMALL) for name, _, _ in detectors) + 70
    area = PlotArea(axis, PlotAxis(0, 1, ()), _WIDE, 0.0)
    places = {name: area.at(value, 0)[0] for name, _, value in detectors}
    bars = [group for group in groups if len(group) > 1]
    labels = 26.0 + _BAR * len(bars) + 14
    half = (len(detectors) + 1) // 2
    found: list[Markup] = [*_scale(area)]
    for place, group in enumerate(bars):
        ends = sorted(places[name] for name in group)
        down = 26.0 + _BAR * place
        found.append(element("path", class_="axis", d=f"M{ends[0]:.1f} {down:.1f}H{ends[-1]:.1f}"))
        found += [element("circle", cx=across, cy=down, r=3.2, class_="member") for across in ends]
    for place, (name, hue, value) in enumerate(detectors):
        rightmost = place < half
        down = labels + _STEP * (place if rightmost else len(detectors) - 1 - place)
        found += _label(name, one_decimal(value), hue, (places[name], down), rightmost=rightmost)
    height = labels + _STEP * half + 24
    body = element("g", *found, transform=f"translate({left:.1f} 24)")
    return Chart(title, description, left + _WIDE + right, height, joined(body), note)


def _scale(area: PlotArea) -> list[Markup]:
    found = [element("path", class_="axis", d=f"M0 0H{area.width:.1f}")]
    for tick in area.x.ticks:
        across, _ = area.at(tick.at, 0)
        found.append(element("path", class_="axis", d=f"M{across:.1f} -4V4"))
        found.append(element("text", tick.label, x=across, y=-9.0, text_anchor="middle", class_="small"))
    return found


def _label(name: str, value: str, hue: DetectorHue, place: tuple[float, float], *, rightmost: bool) -> list[Markup]:
    """A line down from the average and to the side, where the name stands."""
    across, down = place
    end = _WIDE + 12 if rightmost else -12.0
    text = f"{value}  {name}" if rightmost else f"{name}  {value}"
    anchor = "start" if rightmost else "end"
    return [
        element("path", class_="lead", d=f"M{across:.1f} 0V{down:.1f}H{end:.1f}"),
        marker(hue, across, 0.0, f"{name}: {value}"),
        element("text", text, x=end + (6 if rightmost else -6), y=down + 3.6, text_anchor=anchor, class_="small"),
    ]
