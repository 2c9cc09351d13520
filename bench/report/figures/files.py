"""A figure of a run as a file."""

from __future__ import annotations

from collections.abc import Callable

from bench.charts.raster import to_png
from bench.platform.errors import InputError
from bench.platform.outside.spreadsheets import spreadsheet_csv
from bench.report.figures.figure import Figure, FigureContent
from bench.report.formats import section_as_latex, section_as_markdown

ENDINGS = (".svg", ".png", ".csv", ".md", ".tex")


def check_ending(ending: str) -> None:
    """Raise `InputError` where no figure is written as a file of this ending."""
    if ending not in ENDINGS:
        msg = f"a figure is written as {', '.join(ENDINGS)}, not as {ending or 'a file without an ending'}"
        raise InputError(msg)


def figure_files(figure: Figure, content: FigureContent, ending: str, *, dark: bool = False) -> list[bytes]:
    """The figure in the form of a file ending: a file for each chart, or one with the numbers or tables.

    Args:
        figure: The figure.
        content: What it shows of a run.
        ending: One of `ENDINGS`.
        dark: Whether charts are on dark ground.

    Raises:
        InputError: The ending is another, or the figure has nothing of that form.
    """
    check_ending(ending)
    forms: dict[str, Callable[[], list[bytes]]] = {
        ".svg": lambda: [chart.standalone(dark=dark).encode() for chart in content.charts],
        ".png": lambda: [to_png(chart, dark=dark) for chart in content.charts],
        ".csv": lambda: [] if content.rows is None else [spreadsheet_csv(content.rows).encode()],
        ".md": lambda: [section_as_markdown(content.tables, figure.legend).encode()] if content.tables else [],
        ".tex": lambda: [section_as_latex(content.tables).encode()] if content.tables else [],
    }
    found = forms[ending]()
    if not found:
        has = [name for name, form in forms.items() if name not in {ending, ".png"} and form()]
        msg = f"figure {figure.name} has nothing to write as {ending}; it has {', '.join(has) or 'nothing to show'}"
        msg += f": {content.reason}" if content.reason else ""
        raise InputError(msg)
    return found
