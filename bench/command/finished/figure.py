"""`lineup figure`: one question about a finished run, as chart, table and numbers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.command import options
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
) -> None:
    """Answer one question about a finished run with a chart, a table or numbers."""
    from bench.command.finished.images import opened_images, reasons_without_images
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
        _list(findings)
        return
    if needed:
        reasons_without_images([findings], data)
    content = chosen.content(findings)
    if out is None:
        _show(chosen, content)
    else:
        _write(chosen, content, out, dark=dark)


def _list(findings: Findings) -> None:
    """The figures that have something to show; those of images are listed without opening any."""
    from bench.report.figures import all_figures

    for figure in all_figures():
        content = None if figure.needs_images else figure.content(findings)
        if content is None or content.charts or content.tables:
            say(f"{figure.name:20} {figure.question}" + (" (of the images)" if content is None else ""))


def _show(figure: Figure, content: FigureContent) -> None:

    from bench.platform.outside.console import PlainConsole
    from bench.report.terminal import WIDTH, titled_tables

    say(figure.question)
    for chart in content.charts:
        say(f"{chart.title}. {chart.description}")
    if content.reason or not (content.charts or content.tables):
        say(content.reason or "This run has nothing to show here.")
    PlainConsole(least_width=WIDTH).print(titled_tables(content.tables))
    say(figure.legend)


def _write(figure: Figure, content: FigureContent, out: Path, *, dark: bool) -> None:
    """Write the file; of several charts each gets its number, from the second on."""
    from bench.platform.files import write_atomically
    from bench.report.figures.files import figure_files

    for place, data in enumerate(figure_files(figure, content, out.suffix.lower(), dark=dark), start=1):
        path = out if place == 1 else out.with_stem(f"{out.stem}-{place}")
        write_atomically(path, lambda target, data=data: target.write_bytes(data))  # type: ignore[misc]
        say(f"Written: {path}")
