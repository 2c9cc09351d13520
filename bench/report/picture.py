"""Heat maps of a run drawn as a PNG. The same heat maps give the same bytes."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bench.report.heat_maps import HeatMaps, Panel
from bench.report.matrix_style import Rgb, accuracy_colour, share_colour, text_colour
from bench.report.ranking_columns import DASH
from protocols.api import AxisValue

_PANELS_ACROSS = 3
_WIDEST = 24.0  # inches of panels side by side, where one alone is not wider
_DPI = 150
_DARK_TEXT, _FAINT_TEXT = "#28282d", "#77777f"
# Inches.
_CHARACTER = 0.073  # of a label at 8 points; a bold title at 12.5 points takes half as much again
_TITLE, _HEADER, _FOOTER, _MARGIN, _PANEL_GAP = 0.5, 1.05, 0.6, 0.2, 0.35


@dataclass(frozen=True)
class _CellStyle:
    """How the cells of all panels look.

    Attributes:
        side: Inches across and down.
        number: Points of the numbers; 0 for none, where they would not fit.
        colour: Of a value in [0, 1].
        shares: Whether values are shares, of which those that round to 0 are left empty.
    """

    side: float
    number: float
    colour: Callable[[float], Rgb]
    shares: bool

    def text(self, value: float) -> str:
        """What stands in a cell."""
        if not self.number or (self.shares and round(100 * value) == 0):
            return ""
        return DASH if math.isnan(value) else f"{100 * value:.0f}"

    @property
    def note(self) -> str:
        """What is said of cells without a number."""
        if not self.shares:
            return ""
        return " Empty: less than half a percent." if self.number else " There is no room for numbers."


_ACCURACIES = _CellStyle(0.4, 8, accuracy_colour, shares=False)
_SHARES = (  # by the most columns of a panel: larger matrices have smaller cells
    (16, _CellStyle(0.4, 8, share_colour, shares=True)),
    (30, _CellStyle(0.28, 6.5, share_colour, shares=True)),
    (math.inf, _CellStyle(0.17, 0, share_colour, shares=True)),
)


def _cell_style(maps: HeatMaps) -> _CellStyle:
    """The style of the cells of all panels."""
    if not maps.shares:
        return _ACCURACIES
    most = max(len(panel.columns) for panel in maps.panels)
    return next(style for columns, style in _SHARES if most <= columns)


def draw(maps: HeatMaps) -> bytes:
    """Heat maps as a PNG, without time stamp or version; its comment is their digest.

    A cell that was not scored is grey; one whose row and column are the same generator is bold.
    """
    # Settings of the user's own must not change the picture.
    with mpl.rc_context():
        mpl.rcdefaults()
        file = io.BytesIO()
        _figure(maps).savefig(file, format="png", metadata={"Software": None, "Comment": maps.digest})
    return file.getvalue()


def _figure(maps: HeatMaps) -> Figure:
    panels, style = maps.panels, _cell_style(maps)
    left, above, below = (max(margin) for margin in zip(*map(_margins, panels), strict=True))
    wide, high = (max(size) for size in zip(*(_size(panel, style) for panel in panels), strict=True))
    step_x, step_y = left + wide + _PANEL_GAP, above + high + below
    across = min(_PANELS_ACROSS, len(panels), max(1, int(_WIDEST / step_x)) if maps.shares else _PANELS_ACROSS)
    down = math.ceil(len(panels) / across)
    description = maps.description + style.note
    text_width = max(1.5 * len(maps.title), 0.93 * len(maps.question), 0.93 * len(description)) * _CHARACTER
    width = max(text_width, across * step_x) + 2 * _MARGIN
    height = _HEADER + down * step_y + _FOOTER
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")

    def add_axes(x: float, top: float, across: float, down: float) -> Axes:
        return figure.add_axes((x / width, 1 - (top + down) / height, across / width, down / height))

    for position, panel in enumerate(panels):
        row, column = divmod(position, across)
        place = (_MARGIN + left + column * step_x, _HEADER + above + row * step_y)
        _draw_panel(add_axes(*place, *_size(panel, style)), panel, style)
    _draw_scale(add_axes(_MARGIN + left, height - 0.42, 2.2, 0.12), style)
    texts = (
        (maps.title, 0.34, 12.5, "bold", _DARK_TEXT),
        (maps.question, 0.58, 9, "normal", _DARK_TEXT),
        (description, 0.79, 9, "normal", _FAINT_TEXT),
    )
    for text, top, size, weight, colour in texts:
        figure.text(_MARGIN / width, 1 - top / height, text, fontsize=size, fontweight=weight, color=colour)
    return figure


def _size(panel: Panel, style: _CellStyle) -> tuple[float, float]:
    """Inches across and down, of the cells alone."""
    return (max(panel.columns.values()) + 1) * style.side, (max(panel.rows.values()) + 1) * style.side


def _row_label(panel: Panel, row: AxisValue) -> str:
    return f"{row}  {panel.counts[row]}" if row in panel.counts else str(row)


def _margins(panel: Panel) -> tuple[float, float, float]:
    """Inches for row labels at the left, for the title above and for slanting column labels below."""
    left = max(len(_row_label(panel, row)) for row in panel.rows) * _CHARACTER
    below = max(len(str(name)) for name in panel.columns) * _CHARACTER
    return left + 0.12, _TITLE if panel.title else 0.0, 0.72 * below + 0.18


def _hex(colour: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _draw_cell(axes: Axes, place: tuple[float, float], value: float, style: _CellStyle, *, bold: bool) -> None:
    colour, (x, y) = style.colour(value), place
    axes.add_patch(
        Rectangle(place, 1, 1, facecolor=_hex(colour), edgecolor="white", linewidth=1 if style.number else 0.5)
    )
    if text := style.text(value):
        drawn = axes.text(x + 0.5, y + 0.52, text, ha="center", va="center")
        drawn.set(color=_hex(text_colour(colour)), fontsize=style.number, fontweight="bold" if bold else "normal")


def _draw_panel(axes: Axes, panel: Panel, style: _CellStyle) -> None:
    for row, y in panel.rows.items():
        for column, x in panel.columns.items():
            _draw_cell(axes, (x, y), panel.values[row, column], style, bold=row == column)
    axes.set(xlim=(0, max(panel.columns.values()) + 1), ylim=(max(panel.rows.values()) + 1, 0))
    axes.set_xticks([x + 0.5 for x in panel.columns.values()], list(map(str, panel.columns)), rotation=45, ha="right")
    axes.set_yticks([y + 0.5 for y in panel.rows.values()], [_row_label(panel, row) for row in panel.rows])
    axes.tick_params(length=0, pad=2, labelsize=8, labelcolor=_DARK_TEXT)
    for tick in axes.get_xticklabels():
        tick.set_rotation_mode("anchor")
    axes.spines[:].set_visible(False)
    lines = ((panel.title, 16, 10.5, "bold", _DARK_TEXT), (panel.summary, 4, 8, "normal", _FAINT_TEXT))
    for text, up, size, weight, colour in lines:
        label = axes.annotate(text, (0, 1), (0, up), xycoords="axes fraction", textcoords="offset points")
        label.set(fontsize=size, fontweight=weight, color=colour)


def _draw_scale(axes: Axes, style: _CellStyle) -> None:
    """The colours of 0 to 100 %, with chance marked where there is one."""
    strip = np.array([[style.colour(value) for value in np.linspace(0, 1, 256)]], np.uint8)
    axes.imshow(strip, aspect="auto", extent=(0, 100, 0, 1))
    axes.set_yticks([])
    axes.set_xticks([0, 50, 100], ["0 %", "50 %" if style.shares else "50 % chance", "100 %"])
    axes.tick_params(length=2, labelsize=7, labelcolor=_FAINT_TEXT, color=_FAINT_TEXT, pad=2)
    axes.spines[:].set_visible(False)
