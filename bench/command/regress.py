"""`lineup regress`: the accuracy gate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.command import options
from bench.platform.errors import InputError
from bench.platform.shipped_results import in_checkout, shipped_results


def regress_command(
    golden: Annotated[
        Path | None, typer.Option(help="Folder of the golden record; default the one that ships.")
    ] = None,
    update: Annotated[bool, typer.Option(help="Replace the golden record, and print what changes.")] = False,  # noqa: FBT002
    only: Annotated[str, typer.Option(help="With --update: the detectors that are replaced, comma separated.")] = "",
) -> None:
    """Run the matrices on the embedded corpus and compare with the golden record.

    Exits with 1 where accuracy fell, with 2 where it could not be compared.
    """
    from bench.command.regression_gate import GATED, compare_now, update_golden

    if update and golden is None and not in_checkout():
        msg = "--update would replace the golden record of an installed copy; give a folder with --golden"
        raise InputError(msg)
    chosen = options.names(only)
    for name in chosen:
        options.require_one_of("gated detector", name, GATED)
    if chosen and not update:
        msg = "--only is given without --update: the gate compares every detector of the golden record"
        raise InputError(msg)
    folder, cache, reporter = golden or shipped_results() / "golden", options.working_cache().path, options.reporter()
    code = update_golden(folder, cache, reporter, chosen) if update else compare_now(folder, cache, reporter)
    raise typer.Exit(code)
