"""Heat maps of a run drawn as a PNG. The same heat maps give the same bytes."""

from __future__ import annotations

import io
import math

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bench.report.heat_maps import HeatMaps, Panel
from bench.report.matrix_style import Rgb, accuracy_colour, text_colour
from bench.report.ranking_columns import DASH

_PANELS_ACROSS = 3
_DPI = 150
_DARK_TEXT, _FAINT_TEXT = "#28282d", "#77777f"
# Inches.
_CELL = 0.4
_CHARACTER = 0.073  # of a label at 8 points; a bold title at 12.5 points takes half as much again
_TITLE, _HEADER, _FOOTER, _MARGIN, _PANEL_GAP = 0.5, 1.05, 0.6, 0.2, 0.35


def draw(maps: HeatMaps) -> bytes:
    """Heat maps as a PNG, without time stamp or version; its comment is their digest.

    A cell that was not scored is grey; cells trained and tested on the same images' generator are bold.
    """
    # Settings of the user's own must not change the picture.
    with mpl.rc_context():
        mpl.rcdefaults()
        file = io.BytesIO()
        _figure(maps).savefig(file, format="png", metadata={"Software": None, "Comment": maps.digest})
    return file.getvalue()


def _figure(maps: HeatMaps) -> Figure:
    panels = maps.panels
    across = min(_PANELS_ACROSS, len(panels))
    down = math.ceil(len(panels) / across)
    left, above, below = (max(margin) for margin in zip(*map(_margins, panels), strict=True))
    wide, high = (max(size) for size in zip(*map(_size, panels), strict=True))
    step_x, step_y = left + wide + _PANEL_GAP, above + high + below
    text_width = max(1.5 * len(maps.title), 0.93 * len(maps.question), 0.93 * len(maps.description)) * _CHARACTER
    width = max(text_width, across * step_x) + 2 * _MARGIN
    height = _HEADER + down * step_y + _FOOTER
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")

    def add_axes(x: float, top: float, across: float, down: float) -> Axes:
        return figure.add_axes((x / width, 1 - (top + down) / height, across / width, down / height))

    for position, panel in enumerate(panels):
        row, column = divmod(position, across)
        _draw_panel(add_axes(_MARGIN + left + column * step_x, _HEADER + above + row * step_y, *_size(panel)), panel)
    _draw_scale(add_axes(_MARGIN + left, height - 0.42, 2.2, 0.12))
    texts = (
        (maps.title, 0.34, 12.5, "bold", _DARK_TEXT),
        (maps.question, 0.58, 9, "normal", _DARK_TEXT),
        (maps.description, 0.79, 9, "normal", _FAINT_TEXT),
    )
    for text, top, size, weight, colour in texts:
        figure.text(_MARGIN / width, 1 - top / height, text, fontsize=size, fontweight=weight, color=colour)
    return figure


def _size(panel: Panel) -> tuple[float, float]:
    """Inches across and down, of the cells alone."""
    return (max(panel.columns.values()) + 1) * _CELL, (max(panel.rows.values()) + 1) * _CELL


def _margins(panel: Panel) -> tuple[float, float, float]:
    """Inches for row labels at the left, for the title above and for slanting column labels below."""
    left, below = (max(len(str(name)) for name in names) * _CHARACTER for names in (panel.rows, panel.columns))
    return left + 0.12, _TITLE if panel.title else 0.0, 0.72 * below + 0.18


def _hex(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _draw_cell(axes: Axes, x: float, y: float, accuracy: float, *, bold: bool) -> None:
    colour = accuracy_colour(accuracy)
    axes.add_patch(Rectangle((x, y), 1, 1, facecolor=_hex(colour), edgecolor="white", linewidth=1))
    text = DASH if math.isnan(accuracy) else f"{100 * accuracy:.0f}"
    weight = "bold" if bold else "normal"
    axes.text(
        x + 0.5,
        y + 0.52,
        text,
        color=_hex(text_colour(colour)),
        fontsize=8,
        fontweight=weight,
        ha="center",
        va="center",
    )


def _draw_panel(axes: Axes, panel: Panel) -> None:
    for row, y in panel.rows.items():
        for column, x in panel.columns.items():
            _draw_cell(axes, x, y, panel.accuracies[row, column], bold=row == column)
    width, height = _size(panel)
    axes.set(xlim=(0, width / _CELL), ylim=(height / _CELL, 0))
    axes.set_xticks([x + 0.5 for x in panel.columns.values()], list(map(str, panel.columns)), rotation=45, ha="right")
    axes.set_yticks([y + 0.5 for y in panel.rows.values()], list(map(str, panel.rows)))
    axes.tick_params(length=0, pad=2, labelsize=8, labelcolor=_DARK_TEXT)
    for tick in axes.get_xticklabels():
        tick.set_rotation_mode("anchor")
    axes.spines[:].set_visible(False)
    lines = ((panel.title, 16, 10.5, "bold", _DARK_TEXT), (panel.summary, 4, 8, "normal", _FAINT_TEXT))
    for text, up, size, weight, colour in lines:
        label = axes.annotate(text, (0, 1), (0, up), xycoords="axes fraction", textcoords="offset points")
        label.set(fontsize=size, fontweight=weight, color=colour)


def _draw_scale(axes: Axes) -> None:
    """The colours of 0 to 100 %, with chance marked."""
    strip = np.array([[accuracy_colour(value) for value in np.linspace(0, 1, 256)]], np.uint8)
    axes.imshow(strip, aspect="auto", extent=(0, 100, 0, 1))
    axes.set_yticks([])
    axes.set_xticks([0, 50, 100], ["0 %", "50 % chance", "100 %"])
    axes.tick_params(length=2, labelsize=7, labelcolor=_FAINT_TEXT, color=_FAINT_TEXT, pad=2)
    axes.spines[:].set_visible(False)
