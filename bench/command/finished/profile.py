"""`lineup profile`: where the time of a finished run went, what limited it, and what more machines would bring."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bench.command import options
from bench.command.menu.documents import Json
from bench.command.runs.places import run_folder
from bench.platform.errors import InputError
from bench.platform.outside.terminal import say, say_json
from bench.request.defaults import BATCH_SIZE, DETECTORS

if TYPE_CHECKING:
    from bench.records.run import Run
    from bench.records.timings import RunTimings

TRIED = 20  # images of each generator, split and class: enough for several batches, few enough to be done soon

ProfiledRun = Annotated[
    Path | None, typer.Argument(help="Result folder, or name of a run; none with --data.", parser=run_folder)
]
TriedData = Annotated[
    str,
    typer.Option(
        "--data", help="In the place of a run: 'embedded' or images of yours, for a small run that is not kept."
    ),
]
TriedDetectors = Annotated[str, typer.Option("--detectors", help="Rows of that run.", show_default="the usual ones")]
TriedLimit = Annotated[int, typer.Option("--limit", min=2, help="Its images of each generator, split and class.")]
MachineCounts = Annotated[str, typer.Option("--machines", help="Numbers of machines, in commas.")]


def profile_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    run: ProfiledRun = None,
    data: TriedData = "",
    detectors: TriedDetectors = DETECTORS,
    limit: TriedLimit = TRIED,
    device: options.Device = "auto",
    machines: MachineCounts = "1,2,4,8,16",
    as_json: Json = False,  # noqa: FBT002 - a switch
) -> None:
    """Say where the time of a finished run went, what limited it, and what it would take on more machines."""
    counts = _counts(machines)
    if (run is None) == (not data):
        msg = "give a result folder, or --data DATA for a small run that is not kept"
        raise InputError(msg)
    from bench.report.time_tables import profile_json, profile_legends, profile_lines, profile_run, profile_tables

    profile = profile_run(*(_finished(run) if run is not None else _tried(data, detectors, limit, device)), counts)
    if as_json:
        say_json(profile_json(profile))
        return

    from bench.platform.outside.console import PlainConsole
    from bench.report.terminal import WIDTH, titled_tables

    for line in profile_lines(profile):
        say(line)
    PlainConsole(least_width=WIDTH).print(titled_tables(profile_tables(profile)))
    for legend in profile_legends(profile):
        say(legend)


def _finished(folder: Path) -> tuple[Run, RunTimings | None]:
    from bench.records.store import Store
    from bench.records.timings import read_timings

    return Store(folder).read(), read_timings(folder)


def _tried(data: str, detectors: str, limit: int, device: str) -> tuple[Run, RunTimings | None]:
    """A small run of the usual protocol, from nothing."""
    from bench.rehearsal.trial_run import run_trial
    from bench.request.protocol_catalogue import make_protocol
    from bench.request.run_request import RunRequest

    request = RunRequest(
        make_protocol("cross_generator", {}),
        data,
        options.names(detectors),
        "auto",
        device,
        "float32",
        Path(),
        limit,
        (0,),
        BATCH_SIZE,
        options.CORES,
        options.working_cache().path,
    )
    return run_trial(request, options.reporter())


def _counts(text: str) -> list[int]:
    """The numbers of machines. Raises `InputError` for what is none."""
    found = options.names(text)
    if not found or not all(one.isdecimal() and 1 <= int(one) <= 10_000 for one in found):
        msg = f"--machines {text!r}: give numbers from 1 to 10000 in commas, such as 1,2,4"
        raise InputError(msg)
    return [int(one) for one in found]
