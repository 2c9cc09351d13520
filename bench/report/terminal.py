"""Rankings, matrices and published figures for the terminal, within 100 columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import pandas as pd
from rich import box
from rich.cells import cell_len
from rich.color import Color
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.style import Style
from rich.table import Table
from rich.text import Text

from bench.charts.palette import Rgb, accuracy_colour, text_colour
from bench.evaluation.cells import accuracy_name, folded_text, unbalanced
from bench.evaluation.leaderboard import Ranking
from bench.platform.printable import printable
from bench.records import columns
from bench.records.manifest import Manifest
from bench.report.conclusions import conclusions
from bench.report.matrix_layout import grouped_values
from bench.report.ranking_columns import (
    TableColumn,
    TitledTable,
    heading,
    legend,
    notes,
    percent,
    ranking_columns,
    span_text,
)
from bench.report.sections.published import PublishedRows
from protocols.api import AxisValue

WIDTH = 100
_GAP = 2  # characters between columns: one of padding and the box's own
_LEAST_WRAPPED = 20  # characters of a column whose texts take several lines
_FIXED = 2  # rank and detector begin every block


def split_columns(shown: Sequence[TableColumn], width: int, fixed: int) -> Iterator[list[TableColumn]]:
    """Split columns over blocks that fit the width; every block begins with the first `fixed` ones."""
    block = list(shown[:fixed])
    for column in shown[fixed:]:
        if len(block) > fixed and sum(part.width + _GAP for part in [*block, column]) > width:
            yield block
            block = list(shown[:fixed])
        block.append(column)
    yield block


@dataclass(frozen=True, slots=True)
class FittedTable:
    """A plain table of texts, which fits where it is printed: nothing of it is cut.

    Columns for which there is no room follow in further blocks; where one has no room beside the first ones, each row
    becomes lines.

    Attributes:
        columns: Of one length.
        fixed: Number of the first columns that begin every block.
        wraps: Whether the texts of the last column may take several lines, so that there is one block.
    """

    columns: Sequence[TableColumn]
    fixed: int = 1
    wraps: bool = False

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The blocks, as wide as there is room."""
        blocks = [list(self.columns)]
        if not self.wraps:
            blocks = list(split_columns(self.columns, options.max_width, self.fixed))
        if not any(self._fits(block, options.max_width) for block in blocks):
            blocks = [list(self.columns)]
        for block in blocks:
            if self._fits(block, options.max_width):
                yield _table(block, wraps=self.wraps)
            else:
                yield from _records(block)

    def _fits(self, block: Sequence[TableColumn], room: int) -> bool:
        widths = [column.width + _GAP for column in block]
        return sum(widths) - _GAP <= room or (self.wraps and sum(widths[:-1]) + _LEAST_WRAPPED <= room)


def text_table(shown: Sequence[TableColumn], fixed: int = 1, *, wraps: bool = False) -> FittedTable:
    """A plain table of texts. Arguments as of `FittedTable`."""
    return FittedTable(shown, fixed, wraps)


def _records(shown: Sequence[TableColumn]) -> Iterator[Text]:
    for texts in zip(*(column.texts for column in shown), strict=True):
        yield from (Text(f"{column.header}: {text}") for column, text in zip(shown, texts, strict=True))
        yield Text("")


def _table(shown: Sequence[TableColumn], *, wraps: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=(0, _GAP - 1, 0, 0), pad_edge=False, header_style="bold")
    for column in shown:
        table.add_column(Text(column.header), justify="left" if column.left else "right", no_wrap=True)
    for texts in zip(*(column.texts for column in shown), strict=True):
        table.add_row(*map(Text, texts))
    if wraps:
        table.columns[-1].no_wrap = False
        table.columns[-1].overflow = "fold"
    return table


def leaderboard(ranking: Ranking, width: int = WIDTH) -> Group:
    """One ranking with its data, its reasons for missing cells and how to read it.

    Columns that do not fit the width follow in further blocks under the same rows.
    """
    tables = [text_table(block, _FIXED) for block in split_columns(ranking_columns(ranking), width, _FIXED)]
    missing = [Text(note, style="yellow") for note in notes(ranking)]
    title = Text(ranking.title, style="bold")
    warned = [Text(notice, style="yellow") for notice in ranking.notices]
    said = [Text(sentence) for sentence in conclusions(ranking)]
    return Group(title, Text(heading(ranking)), *warned, *tables, *said, *missing, Text(legend(ranking), style="dim"))


def titled_tables(tables: Sequence[TitledTable]) -> Group:
    """Tables under their titles, in blocks that fit the width."""
    parts: list[RenderableType] = []
    for table in tables:
        parts.append(Text(table.title, style="bold"))
        parts += map(text_table, split_columns(table.columns, WIDTH, fixed=1))
    return Group(*parts)


def published_table(published: PublishedRows) -> Group:
    """Published figures with their sources."""
    sources = list(dict.fromkeys(f"{row.source}, {row.table}" for row in published.rows))
    marks = [sources.index(f"{row.source}, {row.table}") + 1 for row in published.rows]
    table = text_table(
        [
            TableColumn("detector", tuple(row.detector for row in published.rows), left=True),
            TableColumn("average", tuple(percent(row.average) for row in published.rows)),
            TableColumn("source", tuple(f"[{mark}]" for mark in marks)),
        ]
    )
    footnotes = [Text(f"[{mark}] {source}", style="dim") for mark, source in enumerate(sources, start=1)]
    return Group(Text(published.title, style="bold"), table, *footnotes)


def _style(background: Rgb) -> Style:
    return Style(color=Color.from_rgb(*text_colour(background)), bgcolor=Color.from_rgb(*background))


def _cell(accuracy: float, width: int) -> Text:
    return Text(f"{percent(accuracy):>{width}}", style=_style(accuracy_colour(accuracy)))


@dataclass(frozen=True, slots=True)
class FittedHeatMap:
    """A table of coloured cells; columns for which there is no room follow below, under the same rows.

    Attributes:
        headers: Of all columns, that of the rows first.
        lines: A text for each column; all empty between families.
    """

    headers: Sequence[str]
    lines: Sequence[Sequence[Text | str]]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The parts, as wide as there is room."""
        widths = [max(map(cell_len, map(str, column))) + 1 for column in zip(self.headers, *self.lines, strict=True)]
        part = [0]
        for place in range(1, len(widths)):
            if len(part) > 1 and sum(widths[one] for one in [*part, place]) - 1 > options.max_width:
                yield self._part(part)
                part = [0]
            part.append(place)
        yield self._part(part)

    def _part(self, places: Sequence[int]) -> Table:
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
        for place in places:
            table.add_column(Text(self.headers[place]), justify="right" if place else "left", no_wrap=True)
        for line in self.lines:
            table.add_row(*(line[place] for place in places))
        return table


def _image_counts(cells: pd.DataFrame, axis: str) -> dict[str, dict[AxisValue, str]]:
    """The numbers of images of the cells of each value of an axis, by class."""
    cells = cells[cells[columns.N] > 0]
    counts = {"real images": cells[columns.N] - cells[columns.N_GENERATED], "generated": cells[columns.N_GENERATED]}
    found: dict[str, dict[AxisValue, str]] = {}
    for noun, count in counts.items():
        spans = count.groupby(cells[axis]).agg(["min", "max"])
        found[noun] = defaultdict(str, {value: span_text(*spans.loc[value]) for value in spans.index})
    return found


def matrix(accuracies: pd.DataFrame, detector: str, manifest: Manifest, measured: pd.DataFrame) -> RenderableType:
    """One detector's accuracies as a heat map in %, with gaps between families.

    Below it stand the numbers of real and of generated images, where any cell has more of one.

    Args:
        accuracies: As `bench.evaluation.cells.matrix` returns it.
        detector: Its name, for the title.
        manifest: The run's, for the title, the data's title and the families.
        measured: The measured cells, as `bench.evaluation.cells.cells_table` returns them.
    """
    protocol, families = manifest.protocol, manifest.families
    rows = grouped_values(list(accuracies.index), protocol.rows, families)
    across = grouped_values(list(accuracies.columns), protocol.columns, families)
    values = accuracies.to_dict()
    headers = [printable(str(name)) for name in chain.from_iterable([*group, ""] for group in across)]
    lines: list[Sequence[Text | str]] = []
    for group in rows:
        for row in group:
            cells: list[Text | str] = []
            for names in across:
                cells += (_cell(float(values[name][row]), max(5, len(str(name)))) for name in names)
                cells.append("")
            lines.append((printable(str(row)), *cells))
        lines.append([""] * (len(headers) + 1))
    own = measured[measured[columns.DETECTOR] == detector]
    if unbalanced(own).any():
        for noun, counts in _image_counts(own, protocol.columns.name).items():
            numbers = [[*(counts[name] for name in names), ""] for names in across]
            lines.append((noun, *chain.from_iterable(numbers)))
    title = Text(f"{detector}: {protocol.title}", style="bold")
    about = f"{accuracy_name(own).capitalize()} in %, mean over seeds {', '.join(map(str, manifest.seeds))}"
    about += f" and over {folded}." if (folded := folded_text(own, protocol)) else "."
    return Group(
        title,
        Text(f"Data: {manifest.data.title}. Setting: {manifest.setting}. {about}"),
        Text(""),
        FittedHeatMap([protocol.rows.name, *headers], lines),
    )
