"""Heat maps: a matrix of numbers with its groups named, alone or many of one kind side by side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

from markupsafe import Markup

from bench.charts.chart import LINE, SMALL, TEXT, Chart
from bench.charts.grid import grid_chart
from bench.charts.markup import element, joined
from bench.charts.numbers import correlation_text, percent_text, share_text, step_of
from bench.charts.typefaces import BOLD, shortened, text_width

PanelKind = Literal["h", "s", "r"]  # accuracies around chance, shares from none to all, correlations from -1 to 1
GROUP_GAP = 6.0  # pixels between groups
PANEL_GAP = 28.0
_LABEL_GAP = 6.0
_SLANT = 0.72  # of a label's length, across and down, where it slants
_TIGHT = 11.0  # pixels of a cell without numbers, whose labels are small, and stand upright below
_TINY = 9.0  # the size of their text in pixels


@dataclass(frozen=True)
class HeatMapPanel:
    """One panel.

    Attributes:
        title: Of the panel; empty for none.
        lines: What stands below the title, line by line.
        values: By row and column, in [0, 1], correlations in [-1, 1]; NaN where there is none.
        rows: Labels of the rows, group by group.
        columns: Labels of the columns, group by group.
        column_groups: Names of the groups of columns; empty for none.
        counts: What stands behind the label of a row, such as its number of images.
        kind: What the values are.
        diagonal: Whether cells of one label are bold: tested on what was trained on.
        numbers: Whether the numbers stand in the cells.
        tips: Whether each cell says its row, its column and its number where a pointer rests on it.
    """

    title: str
    values: Mapping[tuple[str, str], float]
    rows: Sequence[Sequence[str]]
    columns: Sequence[Sequence[str]]
    lines: Sequence[str] = ()
    column_groups: Sequence[str] = ()
    counts: Mapping[str, str] = field(default_factory=dict)
    kind: PanelKind = "h"
    diagonal: bool = True
    numbers: bool = True
    tips: bool = False


@dataclass(frozen=True, slots=True)
class _Frame:
    """The measures that all panels share, in pixels."""

    cell: tuple[float, float]
    left: float
    above: float
    below: float
    across: float
    down: float

    @property
    def width(self) -> float:
        return self.left + self.across

    @property
    def height(self) -> float:
        return self.above + self.down + self.below


def heat_map_chart(title: str, description: str, panels: Sequence[HeatMapPanel], *, note: str = "") -> Chart:
    """Heat maps side by side, with the scale of their colours below."""
    frame = _frame(panels)
    drawn = [
        Chart(panel.title or title, _described(panel), frame.width, frame.height, _panel(panel, frame))
        for panel in panels
    ]
    scale = _scale(panels[0].kind, frame.left)
    return grid_chart(title, description, drawn, gap=PANEL_GAP, below=scale, note=note)


def _described(panel: HeatMapPanel) -> str:
    """The lines of a panel, and its lowest and highest cell."""
    there = {key: value for key, value in panel.values.items() if not math.isnan(value)}
    if not there:
        return "No cell has a value."
    lowest, highest = min(there, key=there.__getitem__), max(there, key=there.__getitem__)
    said = [
        f"{word} {_said(panel.kind, there[key])} in row {key[0]}, column {key[1]}"
        for word, key in (("lowest", lowest), ("highest", highest))
    ]
    return f"{'; '.join((*panel.lines, *said))}."


def _said(kind: PanelKind, value: float) -> str:
    return correlation_text(value) if kind == "r" else f"{percent_text(value)} %"


def _frame(panels: Sequence[HeatMapPanel]) -> _Frame:
    most = max(sum(map(len, panel.columns)) for panel in panels)
    numbers = any(panel.numbers for panel in panels)
    cell = (30.0, 24.0) if most <= 16 and numbers else (24.0, 18.0) if numbers else (_TIGHT, _TIGHT)
    size = TEXT if numbers else _TINY
    labels = max(text_width(_row_label(panel, row), size) for panel in panels for row in _flat(panel.rows))
    lower = max(text_width(column, size) for panel in panels for column in _flat(panel.columns))
    title = max(TEXT * LINE * bool(panel.title) + SMALL * LINE * len(panel.lines) for panel in panels)
    names = SMALL * LINE + 3 if any(panel.column_groups for panel in panels) else 0.0
    sizes = [(_extent(panel.columns, cell[0]), _extent(panel.rows, cell[1])) for panel in panels]
    titles = max(text_width(line, SMALL) for panel in panels for line in (*panel.lines, ""))
    across = max(*(one for one, _ in sizes), titles, *(text_width(panel.title, TEXT, BOLD) for panel in panels))
    return _Frame(
        cell,
        labels + _LABEL_GAP,
        title + names + 8,
        _SLANT * lower + TEXT if numbers else lower + _LABEL_GAP + 2,
        across,
        max(one for _, one in sizes),
    )


def _flat(groups: Sequence[Sequence[str]]) -> list[str]:
    return [name for group in groups for name in group]


def _extent(groups: Sequence[Sequence[str]], side: float) -> float:
    return sum(map(len, groups)) * side + GROUP_GAP * (len(groups) - 1)


def _places(groups: Sequence[Sequence[str]], side: float) -> dict[str, float]:
    """Where the cell of each label begins."""
    steps = [side + (GROUP_GAP if place == len(group) - 1 else 0.0) for group in groups for place in range(len(group))]
    return dict(zip(_flat(groups), accumulate([0.0, *steps[:-1]]), strict=True))


def _row_label(panel: HeatMapPanel, row: str) -> str:
    return f"{row}  {panel.counts[row]}" if row in panel.counts else row


def _panel(panel: HeatMapPanel, frame: _Frame) -> Markup:
    wide, high = frame.cell
    rows, columns = _places(panel.rows, high), _places(panel.columns, wide)
    cells = [
        _cell(panel, (row, column), (columns[column], rows[row]), frame.cell) for row in rows for column in columns
    ]
    down = _extent(panel.rows, high)
    tight = high == _TIGHT
    css, middle = ("tiny", 3.2) if tight else (None, 4.0)
    labels = [
        element("text", _row_label(panel, row), x=-_LABEL_GAP, y=y + high / 2 + middle, text_anchor="end", class_=css)
        for row, y in rows.items()
    ]
    below = _upright if tight else _slanting
    labels += [below(column, x + wide / 2 + 3, down) for column, x in columns.items()]
    body = element(
        "g",
        element("g", *cells, class_="cells"),
        *labels,
        *_group_names(panel, wide),
        transform=f"translate({frame.left:.1f} {frame.above:.1f})",
    )
    head = [element("text", panel.title, x=frame.left, y=TEXT, class_="bold")] if panel.title else []
    top = TEXT * LINE * bool(panel.title)
    head += [
        element("text", line, x=frame.left, y=top + SMALL * LINE * place + SMALL, class_="small faint")
        for place, line in enumerate(panel.lines)
    ]
    return element("g", *head, body)


def _slanting(text: str, x: float, y: float) -> Markup:
    return element("text", text, transform=f"translate({x:.1f} {y + 11:.1f}) rotate(-45)", text_anchor="end")


def _upright(text: str, x: float, y: float) -> Markup:
    place = f"translate({x:.1f} {y + _LABEL_GAP:.1f}) rotate(-90)"
    return element("text", text, transform=place, text_anchor="end", class_="tiny")


def _group_names(panel: HeatMapPanel, wide: float) -> list[Markup]:
    """The name of each group of columns above a line over it."""
    found, x = [], 0.0
    for name, group in zip(panel.column_groups, panel.columns, strict=False):
        end = x + len(group) * wide
        found.append(element("path", class_="axis", d=f"M{x:.1f} -4H{end - 1:.1f}"))
        shown = shortened(name, SMALL, end - x - 1)
        found.append(element("text", shown, x=x, y=-8.0, class_="small faint"))
        x = end + GROUP_GAP
    return found


def _cell(panel: HeatMapPanel, key: tuple[str, str], place: tuple[float, float], size: tuple[float, float]) -> Markup:
    value = panel.values.get(key, math.nan)
    related = panel.kind == "r"
    step, (x, y), (wide, high) = step_of((value + 1) / 2 if related else value), place, size
    css = "missing" if step is None else f"{'h' if related else panel.kind}{step}"
    tip = element("title", f"{key[0]} / {key[1]}: {_tip(panel.kind, value)}") if panel.tips else None
    if not panel.numbers or (panel.kind == "s" and value < 0.005):
        return element("rect", tip, x=x, y=y, width=wide - 1, height=high - 1, class_=css)
    box = element("rect", x=x, y=y, width=wide - 1, height=high - 1, class_=css)
    text = correlation_text(value) if related else percent_text(value)
    bold = panel.diagonal and key[0] == key[1]
    style = f"{'tiny' if len(text) > 3 else 'number'} {'bold ' if bold else ''}{'faint' if step is None else css}"
    middle = element("text", text, x=x + (wide - 1) / 2, y=y + high / 2 + 3.2, class_=style, text_anchor="middle")
    return element("g", tip, box, middle) if tip else joined(box, middle)  # the tip is of the number, too


def _tip(kind: PanelKind, value: float) -> str:
    if math.isnan(value):
        return "missing"
    return correlation_text(value) if kind == "r" else share_text(value)


def _scale(kind: PanelKind, left: float) -> Chart:
    """The colours of 0 to 100 %, with chance marked where there is one."""
    css = "s" if kind == "s" else "h"
    steps = [element("rect", x=2.0 * step, y=0, width=2.2, height=9, class_=f"{css}{step}") for step in range(101)]
    ends = {"h": ("0 %", "50 %, chance", "100 %"), "s": ("0 %", "50 %", "100 %"), "r": ("-1", "0", "1")}[kind]
    marks = zip((0, 50, 100), ends, strict=True)
    labels = [
        element("text", text, x=2.0 * at + 1, y=23, class_="small faint", text_anchor="middle") for at, text in marks
    ]
    body = element("g", *steps, *labels, transform=f"translate({max(left, 14.0):.1f} 0)")
    said = f"From {ends[0]} to {ends[2]}" + (", around 50 %, which is guessing." if kind == "h" else ".")
    return Chart("Colours", said, max(left, 14.0) + 240.0, 30.0, body)
