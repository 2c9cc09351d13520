"""`lineup figure`: one question about a finished run, as chart, table and numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.command import options
from bench.command.menu.documents import Json, print_document
from bench.command.runs.places import run_folder
from bench.platform.errors import InputError
from bench.platform.outside.terminal import say

if TYPE_CHECKING:
    from bench.report.figures.figure import Figure, FigureContent
    from bench.report.figures.findings import Findings


def figure_command(
    run: Annotated[Path, typer.Argument(help="Result folder, or name of a run.", parser=run_folder)],
    name: Annotated[str, typer.Argument(help="A figure; without one, those of the run are listed.")] = "",
    out: Annotated[Path | None, typer.Option(help="File to write: .svg, .png, .csv, .md or .tex.")] = None,
    data: options.PlaceOfData = "",
    dark: Annotated[bool, typer.Option("--dark", help="On dark ground.")] = False,  # noqa: FBT002 - a switch
    as_json: Json = False,  # noqa: FBT002 - the same
) -> None:
    """Answer one question about a finished run with a chart, a table or numbers."""
    from bench.command.finished.images import opened_images, reasons_without_images
    from bench.interface.finished import RunFigure
    from bench.report.figures import find_figure
    from bench.report.figures.files import check_ending
    from bench.report.figures.findings import Findings

    if out is not None and not name:
        msg = f"--out {out} without a figure; `lineup figure {run}` lists those of the run"
        raise InputError(msg)
    chosen = find_figure(name) if name else None
    if out is not None:
        check_ending(out.suffix.lower())
    needed = chosen is not None and chosen.needs_images
    (findings,) = Findings.read([run], opened_images(data) if needed else None)
    if chosen is None:
        _list(findings, as_json=as_json)
        return
    if needed:
        reasons_without_images([findings], data)
    content = chosen.content(findings)
    written = [] if out is None else RunFigure(chosen, content).save(out, dark=dark)
    if as_json:
        print_document(_document(chosen, content) | {"written": written})
    elif out is None:
        _show(chosen, content)
    for path in written if not as_json else ():
        say(f"Written: {path}")


def _list(findings: Findings, *, as_json: bool) -> None:
    """The figures that have something to show; those of images are listed without opening any."""
    from bench.report.figures import all_figures

    shown = [one for one in all_figures() if one.needs_images or _has_something(one.content(findings))]
    if as_json:
        names = ("name", "title", "question", "needs_images")
        print_document({"figures": [{name: getattr(one, name) for name in names} for one in shown]})
        return
    for one in shown:
        say(f"{one.name:20} {one.question}" + (" (of the images)" if one.needs_images else ""))


def _has_something(content: FigureContent) -> bool:
    return bool(content.charts or content.tables)


def _document(figure: Figure, content: FigureContent) -> dict[str, object]:
    """A figure as JSON has it: its charts in words, its tables as texts, and the numbers behind them."""
    return {
        **{name: getattr(figure, name) for name in ("name", "title", "question", "legend")},
        "reason": content.reason or None,
        "charts": [{"title": chart.title, "description": chart.description} for chart in content.charts],
        "tables": [
            {
                "title": table.title,
                "columns": [column.header for column in table.columns],
                "rows": list(zip(*(column.texts for column in table.columns), strict=True)),
            }
            for table in content.tables
        ],
        "rows": content.rows,
    }


def _show(figure: Figure, content: FigureContent) -> None:
    """Print a figure in words and tables."""
    from bench.platform.outside.console import PlainConsole
    from bench.report.terminal import WIDTH, titled_tables

    say(figure.question)
    for chart in content.charts:
        say(f"{chart.title}. {chart.description}")
    if content.reason or not _has_something(content):
        say(content.reason or "This run has nothing to show here.")
    PlainConsole(least_width=WIDTH).print(titled_tables(content.tables))
    say(figure.legend)
