"""`lineup profile`: where the time of a finished run went, what limited it, and what more machines would bring."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.command import options
from bench.platform.errors import InputError

ProfiledRun = Annotated[Path, typer.Argument(help="Result folder.")]
MachineCounts = Annotated[str, typer.Option("--machines", help="Numbers of machines, in commas.")]
ProfileJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def profile_command(
    run: ProfiledRun,
    machines: MachineCounts = "1,2,4,8,16",
    as_json: ProfileJson = False,  # noqa: FBT002 - a switch
) -> None:
    """Say where the time of a finished run went, what limited it, and what it would take on more machines."""
    counts = _counts(machines)
    from bench.records.store import Store
    from bench.records.timings import read_timings
    from bench.report.time_tables import profile_json, profile_legends, profile_lines, profile_run, profile_tables

    profile = profile_run(Store(run).read(), read_timings(run), counts)
    if as_json:
        typer.echo(profile_json(profile))
        return
    from rich.console import Console

    from bench.report.terminal import WIDTH, titled_tables

    for line in profile_lines(profile):
        typer.echo(line)
    console = Console()
    console.width = max(console.width, WIDTH)
    console.print(titled_tables(profile_tables(profile)))
    for legend in profile_legends(profile):
        typer.echo(legend)


def _counts(text: str) -> list[int]:
    """The numbers of machines. Raises `InputError` for what is none."""
    found = options.names(text)
    if not found or not all(one.isdecimal() and 1 <= int(one) <= 10_000 for one in found):
        msg = f"--machines {text!r}: give numbers from 1 to 10000 in commas, such as 1,2,4"
        raise InputError(msg)
    return [int(one) for one in found]
