"""`lineup compare`: two runs, or two detectors of one run, and whether they differ by more than chance."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.command import options
from bench.command.menu.documents import Json
from bench.command.runs.places import run_folder
from bench.platform.outside.terminal import say_json

Runs = Annotated[
    list[Path], typer.Argument(help="Result folders or names: two, or one and --detectors A,B.", parser=run_folder)
]
ComparedDetectors = Annotated[
    str,
    typer.Option(
        "--detectors",
        help="Of one run, the two; of two runs, those that both have, or one of the first and one of the second.",
        show_default="all that two runs have in common",
    ),
]
Power = Annotated[
    bool, typer.Option("--power", help="Say how many images and generators would settle what is unresolved.")
]
AllCells = Annotated[bool, typer.Option("--all", help="Every cell that differs beyond chance, not the first 20 alone.")]


def compare_command(
    runs: Runs,
    detectors: ComparedDetectors = "",
    power: Power = False,  # noqa: FBT002
    all_cells: AllCells = False,  # noqa: FBT002
    as_json: Json = False,  # noqa: FBT002
) -> None:
    """Compare two detectors on the same cells and images: what differs, by how much, and whether that is chance.

    Versions, options and checkpoints may differ, and are named. It is no gate: the exit code is 0 whatever is found.
    """
    from bench.evaluation.comparing.comparison import compare_detectors
    from bench.evaluation.comparing.paired_runs import pair_runs
    from bench.evaluation.comparing.sides import choose_sides
    from bench.records.store import Store
    from bench.report.comparing.document import comparisons_json

    sides = choose_sides([Store(run).read() for run in runs], options.names(detectors))
    found = compare_detectors([pair_runs(first, second) for first, second in sides])
    if as_json:
        say_json(comparisons_json(found))
        return

    from bench.platform.outside.console import PlainConsole
    from bench.report.comparing.text import comparison_report
    from bench.report.terminal import WIDTH

    PlainConsole(least_width=WIDTH).print(comparison_report(found, power=power, all_cells=all_cells))
