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
) -> None:
    """Run the matrices on the embedded corpus and compare with the golden record.

    Exits with 1 where accuracy fell, with 2 where it could not be compared.
    """
    from bench.command.regression_gate import compare_now, update_golden

    if update and golden is None and not in_checkout():
        msg = "--update would replace the golden record of an installed copy; give a folder with --golden"
        raise InputError(msg)
    act = update_golden if update else compare_now
    raise typer.Exit(act(golden or shipped_results() / "golden", options.cache_folder(), options.reporter()))
