"""Accuracy along the steps of one quantity, such as severities or numbers of images, drawn as lines in a PNG."""

from __future__ import annotations

import io
import math

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench.report.heat_maps import HeatMaps, Panel

_PANELS_ACROSS = 2
_DPI = 150
_DARK_TEXT, _FAINT_TEXT, _GRID = "#28282d", "#77777f", "#e4e4e8"
# told apart by colour-blind eyes too (Okabe and Ito); the markers tell the rest
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#28282d")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X")
_WIDE, _HIGH, _HEADER = 5.2, 3.4, 1.0  # inches


def draw(maps: HeatMaps) -> bytes:
    """The rows of heat maps as lines over their columns, a PNG without time stamp or version.

    What is equal looks alike: its comment is the digest of the heat maps. A cell that was not scored leaves a gap.
    """
    with mpl.rc_context():
        mpl.rcdefaults()  # settings of the user's own must not change the picture
        file = io.BytesIO()
        _figure(maps).savefig(file, format="png", metadata={"Software": None, "Comment": maps.digest})
    return file.getvalue()


def _figure(maps: HeatMaps) -> Figure:
    across = min(_PANELS_ACROSS, len(maps.panels))
    down = math.ceil(len(maps.panels) / across)
    width = max(across * _WIDE, 0.073 * max(1.5 * len(maps.title), len(maps.question), len(maps.description)) + 0.4)
    height = _HEADER + down * _HIGH
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")
    for place, panel in enumerate(maps.panels):
        row, column = divmod(place, across)
        left, top = column / across + 0.55 / width, _HEADER + row * _HIGH + 0.35
        size = ((width / across - 1.9) / width, (_HIGH - 1.15) / height)
        _draw_panel(figure.add_axes((left, 1 - (top + _HIGH - 1.15) / height, *size)), panel)
    texts = (
        (maps.title, 0.34, 12.5, "bold", _DARK_TEXT),
        (maps.question, 0.58, 9, "normal", _DARK_TEXT),
        (maps.description, 0.79, 9, "normal", _FAINT_TEXT),
    )
    for text, top, size_points, weight, colour in texts:
        figure.text(0.2 / width, 1 - top / height, text, fontsize=size_points, fontweight=weight, color=colour)
    return figure


def _draw_panel(axes: Axes, panel: Panel) -> None:
    """One line for each row, named at its right end, names moved apart where they would meet."""
    places = range(len(panel.columns))
    ends: list[tuple[float, str, str]] = []
    for index, row in enumerate(panel.rows):
        values = [100 * panel.values[row, column] for column in panel.columns]
        colour, marker = _COLOURS[index % len(_COLOURS)], _MARKERS[index // len(_COLOURS) % len(_MARKERS)]
        axes.plot(places, values, color=colour, marker=marker, markersize=4, linewidth=1.6)
        last = next((value for value in reversed(values) if not math.isnan(value)), math.nan)
        if not math.isnan(last):
            ends.append((last, str(row), colour))
    axes.axhline(50, color=_FAINT_TEXT, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set(xlim=(-0.2, len(places) - 0.8), ylim=(0, 103))
    axes.set_xticks(list(places), list(map(str, panel.columns)), rotation=45, ha="right")
    axes.tick_params(length=0, pad=3, labelsize=8, labelcolor=_DARK_TEXT)
    axes.grid(axis="y", color=_GRID)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.set_title(panel.title, loc="left", fontsize=10.5, fontweight="bold", color=_DARK_TEXT)
    for y, (_, name, colour) in zip(_apart([one[0] for one in sorted(ends)]), sorted(ends), strict=True):
        label = axes.annotate(name, (1, y / 103), (4, 0), "axes fraction", textcoords="offset points", va="center")
        label.set(fontsize=8, color=colour)


def _apart(ascending: list[float], least: float = 6.0) -> list[float]:
    """Ascending numbers moved up, and then down from 101, until they are `least` apart where there is room."""
    placed: list[float] = []
    for value in ascending:
        placed.append(max(value, placed[-1] + least) if placed else value)
    for index in range(len(placed) - 1, -1, -1):
        above = placed[index + 1] - least if index + 1 < len(placed) else 101.0
        placed[index] = min(placed[index], above)
    return placed
