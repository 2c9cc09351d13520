"""`lineup doctor`: what of this machine works, and what to do about the rest."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import groupby
from pathlib import Path

import typer
from rich.table import Table
from rich.text import Text

from bench.command import options
from bench.command.machine import hardware, libraries, plug_ins, storage
from bench.command.machine.findings import MachineFinding, examine
from bench.command.machine.trials import try_all
from bench.command.menu.documents import Json, print_document
from bench.platform.outside.console import PlainConsole

COLOURS = {"ok": "green", "note": "yellow", "problem": "bold red"}


def doctor_command(weights_dir: options.WeightsDir = None, as_json: Json = False) -> None:  # noqa: FBT002 - a switch
    """Look at libraries, devices, backends, folders, weights and plug-ins, and say what to do where anything is wrong.

    Every library is imported and every backend computes, each in a process of its own, which takes some seconds.
    Nothing is changed. Exits with 1 where there is a problem.
    """
    found = findings(options.cache_folder(), options.weights_folder(weights_dir))
    problems, notes = (sum(one.state == state for one in found) for state in ("problem", "note"))
    if as_json:
        print_document({"problems": problems, "notes": notes, "findings": found})
    else:
        _show(found)
        PlainConsole().print(f"\nProblems: {problems}, notes: {notes}")
    if problems:
        raise typer.Exit(1)


def findings(cache: Path, weights: Path) -> list[MachineFinding]:
    """Everything that is found of this machine, in the order in which it is shown."""
    answers = try_all(libraries.trials() | hardware.trials() | plug_ins.trials())
    examinations = (
        (libraries.TOPIC, partial(libraries.examine_libraries, answers)),
        (libraries.KNOWN, libraries.examine_combinations),
        (hardware.TOPIC, partial(hardware.examine_devices, answers)),
        (hardware.BACKENDS, partial(hardware.examine_backends, answers)),
        (storage.TOPIC, partial(storage.examine_storage, cache, Path.cwd())),
        (storage.WEIGHTS, partial(storage.examine_weights, weights)),
        (plug_ins.TOPIC, partial(plug_ins.examine_plug_ins, answers)),
        (libraries.EXTRAS, libraries.examine_extras),
    )
    return [finding for topic, examination in examinations for finding in examine(topic, examination)]


def _show(found: Iterable[MachineFinding]) -> None:
    console = PlainConsole()
    for topic, group in groupby(found, key=lambda one: one.topic):
        table = Table.grid(padding=(0, 2, 0, 0))
        for column in ("state", "name", "text"):
            table.add_column(column, overflow="fold", no_wrap=column == "state")
        for one in group:
            text = f"{one.text}; {one.advice}" if one.advice else one.text
            table.add_row(Text(one.state, style=COLOURS[one.state]), Text(one.name), Text(text))
        console.print(Text(topic, style="bold"), table)
