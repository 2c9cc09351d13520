"""The area of a plot: its axes, grid and labels, and the marks of detectors in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from markupsafe import Markup

from bench.charts.chart import LINE, SMALL
from bench.charts.markup import element
from bench.charts.numbers import share_text
from bench.charts.palette import DetectorHue

_MARKERS = (  # around 0, 0
    "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0Z",
    "M-3.6-3.6h7.2v7.2h-7.2Z",
    "M0-4.8L4.6 3.4H-4.6Z",
    "M0-5L5 0L0 5L-5 0Z",
    "M0 4.8L-4.6-3.4H4.6Z",
    "M-1.6-4.6h3.2v3h3v3.2h-3v3h-3.2v-3h-3v-3.2h3Z",
)


class Tick(NamedTuple):
    """A marked place of an axis, in the numbers of the axis, and its label."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class PlotAxis:
    """One axis.

    Attributes:
        low: The number at its beginning.
        high: The number at its end.
        ticks: Its marked places.
        title: What it shows, with its unit.
        logarithmic: Whether equal distances are equal ratios.
        shares: Whether its numbers are shares in [0, 1], which are read in percent.
    """

    low: float
    high: float
    ticks: Sequence[Tick]
    title: str = ""
    logarithmic: bool = False
    shares: bool = False

    def text(self, value: float) -> str:
        """A number of the axis as it is read."""
        return share_text(value) if self.shares else f"{value:.3g}"

    def place(self, value: float) -> float:
        """Where a value stands, from 0 at the beginning to 1 at the end."""
        if self.logarithmic:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)


def percent_axis(low: float = 0.0, high: float = 1.0, title: str = "", step: float = 0.1) -> PlotAxis:
    """An axis of shares, marked in percent."""
    count = round((high - low) / step)
    ticks = [Tick(low + step * place, f"{100 * (low + step * place):.0f}") for place in range(count + 1)]
    return PlotAxis(low, high, ticks, title, shares=True)


def accuracy_axis(least: float) -> PlotAxis:
    """An axis of accuracies up to 1, from below chance or from the ten percent below the least of them."""
    return percent_axis(min(0.4, math.floor(10 * least) / 10), 1.0)


def numbers_axis(least: float, most: float, title: str = "") -> PlotAxis:
    """An axis over two finite numbers, marked at 1, 2 or 5 times a power of ten, at most eight times."""
    largest = max(abs(least), abs(most))
    span = max(most - least, 1e-9 * largest, 1e-300) if most > least else largest or 1.0  # as doubles can tell
    power = 10.0 ** math.floor(math.log10(span / 6))
    step = next(power * size for size in (1, 2, 5, 10) if span / (power * size) <= 6)
    low, high = math.floor(least / step), math.ceil(most / step)
    high = max(high, low + 1)
    ticks = [Tick(step * place, f"{step * place:.6g}") for place in range(low, high + 1)]
    return PlotAxis(step * low, step * high, ticks, title)


def epochs_axis(first: int, last: int) -> PlotAxis:
    """An axis of the epochs of a training, counted from 1."""
    step = max(1, math.ceil((last - first + 1) / 8))
    ticks = [Tick(at, str(at)) for at in range(first, last + 1, step)]
    return PlotAxis(first, max(last, first + 1), ticks, "epoch")


def decades_axis(least: float, most: float, title: str) -> PlotAxis:
    """A logarithmic axis over positive numbers, marked at 1, 2 and 5 times the powers of ten."""
    low, high = least / 1.25, most * 1.25
    found = [
        Tick(step * 10.0**power, f"{step * 10.0**power:,.10g}")
        for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        for step in ((1, 2, 5) if high / low < 1000 else (1,))
    ]
    return PlotAxis(low, high, [tick for tick in found if low <= tick.at <= high], title, logarithmic=True)


def names_axis(names: Sequence[str], title: str = "") -> PlotAxis:
    """An axis of steps at equal distances, in their order."""
    return PlotAxis(
        -0.15, max(len(names) - 1, 1) + 0.15, [Tick(place, name) for place, name in enumerate(names)], title
    )


@dataclass(frozen=True, slots=True)
class PlotArea:
    """A rectangle with an axis across and one up, in pixels.

    Attributes:
        x: The axis across.
        y: The axis up.
        width: Pixels across.
        height: Pixels up.
    """

    x: PlotAxis
    y: PlotAxis
    width: float
    height: float

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The place of a pair of numbers, from the left and from the top."""
        return self.x.place(x) * self.width, (1 - self.y.place(y)) * self.height

    def line(self, points: Sequence[tuple[float, float]]) -> str:
        """The path through some points; points with NaN leave gaps."""
        written, pen = [], "M"
        for x, y in points:
            if math.isnan(x) or math.isnan(y):
                pen = "M"
                continue
            across, down = self.at(x, y)
            written.append(f"{pen}{across:.1f} {down:.1f}")
            pen = "L"
        return "".join(written)

    def frame(self, *, slanting: bool = False) -> list[Markup]:
        """The grid, the numbers of both axes and their titles."""
        found = []
        for tick in self.y.ticks:
            _, down = self.at(self.x.low, tick.at)
            found.append(element("path", class_="grid", d=f"M0 {down:.1f}H{self.width:.1f}"))
            found.append(_label(tick.label, -7, down + 3.6, "end"))
        for tick in self.x.ticks:
            across, _ = self.at(tick.at, self.y.low)
            found.append(_slanting(tick.label, across, self.height) if slanting else self._below(tick.label, across))
        found.append(element("path", class_="axis", d=f"M0 {self.height:.1f}H{self.width:.1f}"))
        if self.x.title:
            found.append(_label(self.x.title, self.width / 2, self.height + 17 + SMALL * LINE, "middle", "small faint"))
        if self.y.title:
            found.append(_label(self.y.title, -7, -9, "start", "small faint"))
        return found

    def _below(self, text: str, across: float) -> Markup:
        return _label(text, across, self.height + 15, "middle")


def marker(hue: DetectorHue, across: float, down: float, tip: str = "") -> Markup:
    """The mark of a detector at a place; `tip` is read where a pointer rests on it."""
    shape = _MARKERS[hue.marker % len(_MARKERS)]
    inside = element("title", tip) if tip else None
    return element("path", inside, class_=f"mark {hue.css}", d=shape, transform=f"translate({across:.1f} {down:.1f})")


def apart(wanted: Sequence[float], least: float, most: float) -> list[float]:
    """Places moved as little as needed, down and then up from `most`, until neighbours are `least` apart.

    Args:
        wanted: In any order.
        least: The distance to keep, where there is room.
        most: The last place.

    Returns:
        In the order of `wanted`.
    """
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    placed: list[float] = []
    for place in order:
        placed.append(max(wanted[place], placed[-1] + least) if placed else wanted[place])
    for index in range(len(placed) - 1, -1, -1):
        limit = placed[index + 1] - least if index + 1 < len(placed) else most
        placed[index] = min(placed[index], limit)
    found = [0.0] * len(wanted)
    for index, place in enumerate(order):
        found[place] = placed[index]
    return found


def _label(text: str, x: float, y: float, anchor: str, css: str = "small") -> Markup:
    return element("text", text, x=x, y=y, text_anchor=anchor, class_=css)


def _slanting(text: str, across: float, height: float) -> Markup:
    place = f"translate({across + 3:.1f} {height + 12:.1f}) rotate(-40)"
    return element("text", text, transform=place, text_anchor="end", class_="small")
