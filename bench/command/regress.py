"""`lineup regress`: the accuracy gate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.command import options
from bench.command.menu.documents import Json
from bench.platform.errors import InputError
from bench.platform.shipped_results import in_checkout, shipped_results


def regress_command(  # noqa: PLR0913, PLR0917 - one parameter per option
    golden: Annotated[
        Path | None, typer.Option(help="Folder of the golden record; default the one that ships.")
    ] = None,
    update: Annotated[bool, typer.Option(help="Replace the golden record, and print what changes.")] = False,  # noqa: FBT002
    only: Annotated[str, typer.Option(help="With --update: the detectors that are replaced, comma separated.")] = "",
    speed: Annotated[bool, typer.Option(help="Compare images/s too; with --update: replace them alone.")] = False,  # noqa: FBT002
    junit: options.JunitFile = None,
    summary: options.SummaryFile = None,
    as_json: Json = False,  # noqa: FBT002
) -> None:
    """Score the golden record's fitted detectors on the embedded corpus, fit everything again, and compare.

    Exits with 1 where a decision of a fitted detector changed or accuracy fell, with 2 where it could not be compared.
    """
    from bench.command.gate.gate_output import GateOutput
    from bench.command.gate.gate_runs import GATED
    from bench.command.regression_gate import compare_now, update_golden, update_speeds

    if update and golden is None and not in_checkout():
        msg = "--update would replace the golden record of an installed copy; give a folder with --golden"
        raise InputError(msg)
    chosen = options.names(only)
    for name in chosen:
        options.require_one_of("gated detector", name, GATED)
    if chosen and not update:
        msg = "--only is given without --update: the gate compares every detector of the golden record"
        raise InputError(msg)
    if chosen and speed:
        msg = "--only and --speed are given together: speeds are replaced for all detectors at once; give one of them"
        raise InputError(msg)
    if update and (junit or summary or as_json):
        msg = "--junit, --summary and --json are of a comparison, and --update makes the record anew; leave them out"
        raise InputError(msg)
    if as_json and speed:
        msg = "--json and --speed are given together, and the document holds no speeds; leave one of them out"
        raise InputError(msg)
    output = GateOutput(junit, summary, options.job_summary(), as_json)
    output.check()
    folder, cache, reporter = golden or shipped_results() / "golden", options.working_cache().path, options.reporter()
    if not update:
        code = compare_now(folder, cache, reporter, speed=speed, output=output)
    else:
        code = update_speeds(folder, cache, reporter) if speed else update_golden(folder, cache, reporter, chosen)
    raise typer.Exit(code)
