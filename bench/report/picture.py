"""Heat maps of a run as a PNG, one panel per detector. The same table gives the same bytes."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from bench.evaluation.cells import average_masks, matrix
from bench.records import columns
from bench.records.manifest import ALL_CELLS, Manifest, ProtocolRecord
from bench.report.matrix_style import Rgb, accuracy_colour, grouped_values, matrix_panels, text_colour
from bench.report.ranking_columns import DASH, percent
from protocols.api import Role, Value

_PANELS_ACROSS = 3
_ROLES: tuple[Role, ...] = ("home", "away")
_DPI = 150
_DARK_TEXT, _FAINT_TEXT = "#28282d", "#77777f"
# Inches, apart from the gap, which is a share of a cell.
_CELL, _FAMILY_GAP = 0.4, 0.18
_CHARACTER = 0.073  # of a label at 8 points; a bold title at 12.5 points takes half as much again
_TITLE, _HEADER, _FOOTER, _MARGIN, _PANEL_GAP = 0.5, 1.05, 0.6, 0.2, 0.35


@dataclass(frozen=True)
class _Panel:
    """One heat map: accuracies, and where each row and column begins, in cells."""

    title: str
    summary: str
    accuracies: pd.DataFrame
    rows: dict[Value, float]
    columns: dict[Value, float]

    @property
    def size(self) -> tuple[float, float]:
        """Inches across and down, of the cells alone."""
        return (max(self.columns.values()) + 1) * _CELL, (max(self.rows.values()) + 1) * _CELL

    @property
    def margins(self) -> tuple[float, float, float]:
        """Inches for row labels at the left, for the title above and for slanting column labels below."""
        left, below = (max(len(str(name)) for name in names) * _CHARACTER for names in (self.rows, self.columns))
        return left + 0.12, _TITLE if self.title else 0.0, 0.72 * below + 0.18


def _positions(grouped: Sequence[Sequence[Value]]) -> dict[Value, float]:
    """Where the cell of each value begins, in widths of a cell, with a gap between groups."""
    ordered = chain.from_iterable(grouped)
    steps = [1.0 + (_FAMILY_GAP if name == group[-1] else 0.0) for group in grouped for name in group]
    return dict(zip(ordered, accumulate([0.0, *steps[:-1]]), strict=True))


def _summary(cells: pd.DataFrame, protocol: ProtocolRecord) -> str:
    """The averages on and away from home ground, or over all cells without either, where no cell is missing."""
    masks = average_masks(cells, protocol)
    leading = [name for role in _ROLES if (name := protocol.group(role)) is not None] or [ALL_CELLS]
    means = {name: cells.loc[masks[name], columns.ACCURACY].mean(skipna=False) for name in leading}
    return "   ".join(f"{name} {percent(float(mean))}" for name, mean in means.items())


def _panels(table: pd.DataFrame, manifest: Manifest) -> list[_Panel]:
    families, protocol = manifest.data.families, manifest.protocol
    matrices = {detector: matrix(table, detector, protocol) for detector in table[columns.DETECTOR].unique()}
    panels = []
    for title, accuracies in matrix_panels(matrices).items():
        summary = _summary(table[table[columns.DETECTOR] == title], protocol) if title else ""
        names = list(accuracies.index)
        rows = _positions(grouped_values(names, protocol.rows, families) if title else [names])
        across = _positions(grouped_values(list(accuracies.columns), protocol.columns, families))
        panels.append(_Panel(title, summary, accuracies, rows, across))
    return panels


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


def _draw_panel(axes: Axes, panel: _Panel) -> None:
    values = panel.accuracies.to_dict()
    for row, y in panel.rows.items():
        for column, x in panel.columns.items():
            _draw_cell(axes, x, y, float(values[column][row]), bold=row == column)
    width, height = panel.size
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


def _draw(table: pd.DataFrame, manifest: Manifest) -> Figure:
    panels = _panels(table, manifest)
    across = min(_PANELS_ACROSS, len(panels))
    down = math.ceil(len(panels) / across)
    left, above, below = (max(margin) for margin in zip(*(panel.margins for panel in panels), strict=True))
    wide, high = (max(size) for size in zip(*(panel.size for panel in panels), strict=True))
    seeds = len(manifest.seeds)
    about = f"Accuracy in %. Data: {manifest.data.title}. Setting: {manifest.setting}. Training seeds: {seeds}."
    step_x, step_y = left + wide + _PANEL_GAP, above + high + below
    title, _, question = manifest.protocol.title.partition(": ")
    text_width = max(1.5 * len(title), 0.93 * len(question), 0.93 * len(about)) * _CHARACTER
    width = max(text_width, across * step_x) + 2 * _MARGIN
    height = _HEADER + down * step_y + _FOOTER
    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white")

    def add_axes(x: float, top: float, across: float, down: float) -> Axes:
        return figure.add_axes((x / width, 1 - (top + down) / height, across / width, down / height))

    for position, panel in enumerate(panels):
        row, column = divmod(position, across)
        _draw_panel(add_axes(_MARGIN + left + column * step_x, _HEADER + above + row * step_y, *panel.size), panel)
    _draw_scale(add_axes(_MARGIN + left, height - 0.42, 2.2, 0.12))
    texts = (
        (title, 0.34, 12.5, "bold", _DARK_TEXT),
        (question, 0.58, 9, "normal", _DARK_TEXT),
        (about, 0.79, 9, "normal", _FAINT_TEXT),
    )
    for text, top, size, weight, colour in texts:
        figure.text(_MARGIN / width, 1 - top / height, text, fontsize=size, fontweight=weight, color=colour)
    return figure


def picture(table: pd.DataFrame, manifest: Manifest) -> bytes:
    """Heat maps of all detectors of a run as a PNG.

    A detector whose matrix has several rows gets a panel; where all have a single row, they share one. Families stand
    apart, and cells trained and tested on the same images' generator are bold.

    Args:
        table: As `bench.evaluation.cells.cells_table` returns it; a cell that was not scored is grey.
        manifest: The run's.

    Returns:
        The PNG file, without time stamp or version: the same table gives the same bytes.
    """
    # Settings of the user's own must not change the picture.
    with mpl.rc_context():
        mpl.rcdefaults()
        file = io.BytesIO()
        _draw(table, manifest).savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()
