"""What is drawn of a run that goes on: a bar of its cells, the matrices so far, and the trainings by their epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import chain

from markupsafe import Markup

from bench.charts.chart import SMALL
from bench.charts.heat_map import HeatMapPanel, heat_map_chart
from bench.charts.lines import LinePanel, Series, line_chart
from bench.charts.markup import element
from bench.charts.palette import DetectorHue
from bench.charts.plot_area import PlotAxis, accuracy_axis, epochs_axis, numbers_axis
from bench.charts.typefaces import shortened
from bench.live.state import AccuracyMap, TrainingCurves

MOST_NUMBERED = 16  # columns of a matrix with numbers in its cells
PANEL_WIDTH = 358.0  # pixels of the curves of a training: three beside each other, and one on a phone
_NAME_WIDTH = 110.0  # of a curve, in pixels
_HUES = [DetectorHue(f"c{hue}-0", place) for place, hue in enumerate((1, 3, 2, 4, 6, 0))]  # of curves, in their order
_MEASURES = {"loss": "nats", "accuracy": ""}  # of which a training draws panels, and their units
_Curve = tuple[str, Sequence[float]]


def bar(shares: Mapping[str, float], text: str, *, thin: bool = False) -> Markup:
    """A bar of segments by their classes, shares of the whole in [0, 1]."""
    parts, start = [], 0.0
    for name, share in shares.items():
        parts.append(element("rect", class_=name, x=1000 * start, y=0, width=1000 * share, height=10))
        start += share
    css = "share thin" if thin else "share"
    return element(
        "svg", *parts, class_=css, viewBox="0 0 1000 10", preserveAspectRatio="none", role="img", aria_label=text
    )


@lru_cache(maxsize=2)  # drawn anew only where a cell has changed
def matrices(maps: tuple[AccuracyMap, ...], *, diagonal: bool) -> Markup:
    """Matrices of accuracies beside each other, grey where cells are missing, over the scale of their colours.

    Args:
        maps: One of each detector, one at least; those of a single row become one matrix with a row for each.
        diagonal: Whether cells of one label are told apart: tested on what was trained on.
    """
    panels = [_joined_panel(maps)] if is_one_matrix(maps) else [_panel(one, diagonal=diagonal) for one in maps]
    return heat_map_chart("Accuracies so far", "", panels).inline()


def is_one_matrix(maps: Sequence[AccuracyMap]) -> bool:
    """Whether all have a single row, over the same columns."""
    return all(len(one.accuracies) == 1 for one in maps) and len({one.columns for one in maps}) == 1


def _panel(one: AccuracyMap, *, diagonal: bool) -> HeatMapPanel:
    values = {
        (row, column): math.nan if accuracy is None else accuracy
        for row, accuracies in zip(chain(*one.rows), one.accuracies, strict=True)
        for column, accuracy in zip(chain(*one.columns), accuracies, strict=True)
    }
    return HeatMapPanel(
        one.detector,
        values,
        one.rows,
        one.columns,
        [f"{one.scored:,} of {one.planned:,} cells"],
        one.column_families,
        diagonal=diagonal,
        numbers=_numbered(one),
        tips=True,
    )


def _joined_panel(maps: Sequence[AccuracyMap]) -> HeatMapPanel:
    """One matrix of detectors with a single row each."""
    first, values = maps[0], {}
    for one in maps:
        for column, accuracy in zip(chain(*one.columns), one.accuracies[0], strict=True):
            values[one.detector, column] = math.nan if accuracy is None else accuracy
    counts = {one.detector: f"{one.scored:,} of {one.planned:,}" for one in maps}
    return HeatMapPanel(
        "",
        values,
        [[one.detector for one in maps]],
        first.columns,
        (),
        first.column_families,
        counts,
        diagonal=False,
        numbers=_numbered(first),
        tips=True,
    )


def _numbered(one: AccuracyMap) -> bool:
    return sum(map(len, one.columns)) <= MOST_NUMBERED


def training(one: TrainingCurves) -> Markup | None:
    """The curves of a training, each with its last value: losses in one panel, accuracies in another.

    Of a training without both, its first numbers, each in a panel; None where there is nothing to draw.
    """
    return _training(f"{one.detector}, {one.train}", one.first, tuple(one.values.items()))


@lru_cache(maxsize=16)  # a training is drawn anew where an epoch was added
def _training(title: str, first: int, values: tuple[tuple[str, tuple[float | None, ...]], ...]) -> Markup | None:
    curves = [(name, [_finite(value) for value in numbers]) for name, numbers in values]
    known = [(name, numbers) for name, numbers in curves if not all(map(math.isnan, numbers))]
    groups = [(kind, [one for one in known if kind in one[0]]) for kind in _MEASURES]
    if not any(found for _, found in groups):
        groups = [(name, [(name, numbers)]) for name, numbers in known[:3]]
    panels = [_training_panel(kind, found, first) for kind, found in groups if found]
    return line_chart(title, "", panels, width=PANEL_WIDTH).inline() if panels else None


def _finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else math.nan


def _training_panel(kind: str, curves: Sequence[_Curve], first: int) -> LinePanel:
    series = [
        Series(
            shortened(name.replace("_", " "), SMALL, _NAME_WIDTH),
            _HUES[place % len(_HUES)],
            [(float(epoch), value) for epoch, value in enumerate(numbers, start=first + 1)],
        )
        for place, (name, numbers) in enumerate(curves)
    ]
    there = [value for _, numbers in curves for value in numbers if not math.isnan(value)]
    last = first + max(len(numbers) for _, numbers in curves)
    title = kind.replace("_", " ").capitalize()
    return LinePanel(title, series, epochs_axis(first + 1, last), _axis(kind, there), ends=True)


def _axis(kind: str, values: Sequence[float]) -> PlotAxis:
    if kind == "accuracy":
        return accuracy_axis(min(values))
    least = min(0.0, *values) if kind in _MEASURES else min(values)
    return numbers_axis(least, max(values), _MEASURES.get(kind, ""))
