"""`lineup leaderboard` and `lineup matrix`: tables of runs that are finished."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.command import options
from bench.command.menu.documents import Json
from bench.command.runs.places import run_folder
from bench.platform.outside.terminal import say_json


def leaderboard_command(
    runs: Annotated[list[Path], typer.Argument(help="Result folders, or names of runs.", parser=run_folder)],
    metrics: options.Metrics = "",
    rank_by: options.RankBy = "",
    out: Annotated[Path | None, typer.Option(help="Folder for leaderboard.md, .csv and .json.")] = None,
    as_json: Json = False,  # noqa: FBT002
) -> None:
    """Rank the detectors of one or several runs; runs on different data get tables of their own.

    Exits with 1 where a cell failed.
    """
    from bench.evaluation.asked.rank_measures import asked_measures
    from bench.platform.memory import keep_imports
    from bench.records.store import Store
    from bench.report.formats import as_json as as_json_text
    from bench.report.run_report import report_leaderboard

    keep_imports()
    asked = asked_measures(options.names(metrics), rank_by)
    read = [Store(run).read() for run in runs]
    ranked = report_leaderboard(read, Store.at(out) if out else None, asked, show=not as_json)
    if as_json:
        say_json(as_json_text(ranked).rstrip())
    options.exit_where_cells_failed(read)


def matrix_command(
    run: Annotated[Path, typer.Argument(help="Result folder, or name of a run.", parser=run_folder)],
    detector: Annotated[str, typer.Argument(help="One detector of that run.")],
    as_json: Json = False,  # noqa: FBT002
) -> None:
    """Show one detector's matrix: train sets in rows; test sets or degradations in columns."""
    from bench.records.store import Store
    from bench.report.run_report import matrix_as_json, print_matrix

    read = Store(run).read()
    if as_json:
        say_json(matrix_as_json(read, detector))
    else:
        print_matrix(read, detector)
