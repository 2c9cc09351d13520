"""`lineup runs`: what was run where; naming, tagging and removing runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bench.command.menu.documents import Json, print_document, print_table
from bench.command.runs.places import own_run_folder
from bench.platform.errors import InputError
from bench.platform.outside.terminal import say
from bench.platform.printable import size_text
from bench.request.run_request import RUNS

if TYPE_CHECKING:
    from bench.request.run_folders.labels import RunLabels
    from bench.request.run_folders.listing import KnownRun

HEADERS = ("run", "tags", "question", "data", "detectors", "date", "state", "size")
MAX_SHOWN = 5  # files that a line names

Folders = Annotated[list[Path] | None, typer.Argument(help="Folders of runs.", show_default=str(RUNS))]
NamedRun = Annotated[Path, typer.Argument(help="Result folder, or what the run is called.", parser=own_run_folder)]
Tags = Annotated[list[str], typer.Argument(help="One or several.")]
WantedTags = Annotated[list[str] | None, typer.Option("--tag", help="Runs with this tag; again for one more.")]
WantedProtocol = Annotated[str, typer.Option("--protocol", help="Runs of this protocol.")]
NewName = Annotated[str, typer.Argument(help="Its name from now on; '' takes it away.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

app = typer.Typer(help="What was run where: list, as without a command, name, tag and remove runs.")


@app.callback(invoke_without_command=True)
def runs_command(context: typer.Context) -> None:
    """List the runs in the usual place, where no command is given."""
    if context.invoked_subcommand is None:
        list_command()


@app.command("list")
def list_command(
    folders: Folders = None,
    tag: WantedTags = None,
    protocol: WantedProtocol = "",
    as_json: Json = False,  # noqa: FBT002 - a switch
) -> None:
    """List the runs below some folders, the oldest first: question, data, date, state and size."""
    from bench.request.run_folders.listing import list_runs

    roots = folders or [RUNS]
    if missing := [folder for folder in folders or () if not folder.is_dir()]:
        msg = f"{missing[0]} is no folder; give folders of runs, or none for {RUNS}"
        raise InputError(msg)
    found = list_runs(roots, tags=tag or (), protocol=protocol)
    if as_json:
        print_document([_document(run) for run in found])
        return
    if not found:
        say(f"No run in {', '.join(map(str, roots))}{' that is asked for' if tag or protocol else ''}.")
        return
    print_table(HEADERS, [_row(run) for run in found])
    for run in found:
        if run.fault:
            say(f"{run.name}: {run.fault}")


@app.command("name")
def name_command(run: NamedRun, name: NewName) -> None:
    """Give a run a name, which stands for its folder wherever a command takes one."""
    from bench.request.run_folders.finding import run_folders
    from bench.request.run_folders.labels import read_labels, require_name, write_labels

    _require_run(run)
    require_name(name)
    taken = [one for one in run_folders(RUNS) if name and _labels(one).name == name and not one.samefile(run)]
    if taken:
        msg = f"{taken[0]} is named {name!r} already; give another name, or that run another first"
        raise InputError(msg)
    write_labels(run, replace(read_labels(run), name=name))
    say(f"{run} is named {name}" if name else f"{run} has no name now")


@app.command("tag")
def tag_command(run: NamedRun, tags: Tags) -> None:
    """Give a run tags, by which `lineup runs list --tag` finds it."""
    from bench.request.run_folders.labels import with_tags

    _require_run(run)
    _write_tags(run, with_tags(_read(run), tags))


@app.command("untag")
def untag_command(run: NamedRun, tags: Tags) -> None:
    """Take tags of a run away."""
    from bench.request.run_folders.labels import without_tags

    _require_run(run)
    _write_tags(run, without_tags(_read(run), tags))


@app.command("remove")
def remove_command(run: NamedRun, yes: Yes = False) -> None:  # noqa: FBT002 - a switch
    """Delete what Lineup wrote into the folder of a run, or of a sweep; other files there are named and stay."""
    from bench.request.run_folders.removal import removable_files, remove_runs

    _require_run(run)
    found = removable_files(run)
    about = f"{len(found.own):,} files, {size_text(found.bytes)}, of {_count(len(found.runs), 'run')} in {run}"
    if found.foreign:
        say(f"Not Lineup's, and left alone: {_some(found.foreign)}")
    if not yes and not _confirmed(about):
        say("Nothing was removed")
        raise typer.Exit(1)
    remove_runs(found)
    say(f"Removed {about}")


def _confirmed(about: str) -> bool:
    """Whether the user says that it may go. Raises `InputError` where nobody can be asked."""
    if not sys.stdin.isatty():
        msg = f"lineup runs remove asks before it deletes, and nobody is there to answer; add --yes to delete {about}"
        raise InputError(msg)
    try:
        return typer.confirm(f"Delete {about}?", err=True)
    except typer.Abort:  # the end of what is typed
        return False


def _require_run(folder: Path) -> None:
    """Raise `InputError` where a folder is none, or holds no run at all."""
    from bench.request.run_folders.finding import run_folders

    if next(run_folders(folder), None) is None:
        msg = f"{folder} holds no run; give a folder that `lineup run` wrote, or a name that `lineup runs list` has"
        raise InputError(msg)


def _read(run: Path) -> RunLabels:
    from bench.request.run_folders.labels import read_labels

    return read_labels(run)


def _labels(run: Path) -> RunLabels:
    """The labels of a run; none where they are damaged."""
    from bench.request.run_folders.labels import RunLabels, read_labels

    try:
        return read_labels(run)
    except InputError:
        return RunLabels()


def _write_tags(run: Path, labels: RunLabels) -> None:
    from bench.request.run_folders.labels import write_labels

    write_labels(run, labels)
    say(f"{run} has the tags {', '.join(labels.tags)}" if labels.tags else f"{run} has no tags now")


def _row(run: KnownRun) -> tuple[str, ...]:
    date = datetime.fromtimestamp(run.date, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
    tags, detectors = " ".join(run.tags), str(len(run.detectors))
    return (run.name, tags, run.question, run.data, detectors, date, _state(run), size_text(run.bytes))


def _state(run: KnownRun) -> str:
    """The state in words."""
    if run.state in {"going on", "interrupted"} and run.cells:
        return f"{run.state}, {run.missing:,} of {run.cells:,} cells missing"
    return f"{run.failed:,} of {run.cells:,} cells failed" if run.failed else run.state


def _document(run: KnownRun) -> dict[str, Any]:
    """A run as JSON: its date in UTC."""
    date = datetime.fromtimestamp(run.date, UTC).isoformat(timespec="seconds")
    return {**asdict(run), "date": date}


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _some(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - MAX_SHOWN} more" if len(paths) > MAX_SHOWN else ""
    return ", ".join(map(str, paths[:MAX_SHOWN])) + more
