"""`lineup check`: whether everything in a result folder is as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bench.command.menu.documents import Json, print_document
from bench.command.runs.places import run_folder
from bench.platform.errors import InputError
from bench.platform.printable import printable

CheckedRun = Annotated[
    Path, typer.Argument(help="Result folder of a run, or of several; or its name.", parser=run_folder)
]


def check_command(run: CheckedRun, as_json: Json = False) -> None:  # noqa: FBT002 - a switch
    """Verify the checksum of every file of a result folder, and read its run; nothing is changed.

    Files that are damaged or gone are named, and the exit code is 2.
    """
    from bench.records.folder_check import check_folder

    found = check_folder(run)
    if as_json:
        print_document(found)
    else:
        for line in (*found.faults, *found.notices()):
            typer.echo(printable(line))
    if found.faults:
        raise InputError(found.verdict())
    if not as_json:
        typer.echo(printable(found.verdict()))
