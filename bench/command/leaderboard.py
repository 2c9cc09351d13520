"""`lineup leaderboard` and `lineup matrix`: tables of runs that are finished."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.command import options
from bench.command.runs.places import run_folder


def leaderboard_command(
    runs: Annotated[list[Path], typer.Argument(help="Result folders, or names of runs.", parser=run_folder)],
    metrics: options.Metrics = "",
    rank_by: options.RankBy = "",
    out: Annotated[Path | None, typer.Option(help="Folder for leaderboard.md, .csv and .json.")] = None,
) -> None:
    """Rank the detectors of one or several runs; runs on different data get tables of their own.

    Exits with 1 where a cell failed.
    """
    from bench.evaluation.asked.rank_measures import asked_measures
    from bench.records.store import Store
    from bench.report.run_report import report_leaderboard

    asked = asked_measures(options.names(metrics), rank_by)
    read = [Store(run).read() for run in runs]
    report_leaderboard(read, Store.at(out) if out else None, asked)
    options.exit_where_cells_failed(read)


def matrix_command(
    run: Annotated[Path, typer.Argument(help="Result folder, or name of a run.", parser=run_folder)],
    detector: Annotated[str, typer.Argument(help="One detector of that run.")],
) -> None:
    """Show one detector's matrix: train sets in rows; test sets or degradations in columns."""
    from bench.records.store import Store
    from bench.report.run_report import print_matrix

    print_matrix(Store(run).read(), detector)
