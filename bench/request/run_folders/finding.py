"""Which folder a user means who names a run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bench.platform.errors import InputError
from bench.records.live_record import LIVE, PLAN
from bench.request.run_folders.labels import read_labels
from bench.request.run_request import RUNS

# as `bench.records.store` has them, which brings the libraries of tables
MANIFEST, SCORES = "manifest.json", "scores"
WITHOUT_RUNS = {SCORES, "diagnostics", "fitted", "tensorboard", LIVE}  # folders of a run that hold no other


def holds_run(folder: Path) -> bool:
    """Whether a folder holds a run that has finished, or one that was begun."""
    return ((folder / MANIFEST).is_file() and (folder / SCORES).is_dir()) or (folder / PLAN).is_file()


def run_folders(root: Path) -> Iterator[Path]:
    """The folders at and below `root` that hold a run, in the order of their paths; links are not followed."""
    for place, below, _ in os.walk(root):
        folder = Path(place)
        is_run = holds_run(folder)
        below[:] = sorted(set(below) - (WITHOUT_RUNS if is_run else set()))
        if is_run:
            yield folder


def runs_called(text: str, root: Path = RUNS) -> list[Path]:
    """The runs below `root` that have a name, or lie there at a path."""
    return [folder for folder in run_folders(root) if text in {_name(folder), folder.relative_to(root).as_posix()}]


def names_of_runs(root: Path = RUNS) -> list[str]:
    """The names that the runs below `root` were given."""
    return [name for folder in run_folders(root) if (name := _name(folder))]


def find_run(text: str, root: Path = RUNS) -> Path:
    """The result folder that a text means: itself where it is one, else the run of that name below `root`.

    A run is called by the name that it was given, or by its path below `root`. A path that is nowhere is returned as
    it is: the command that takes it says what is wrong.

    Raises:
        InputError: It is no path, and no run or several are called so.
    """
    path = Path(text)
    if path.is_dir():
        return path
    found = runs_called(text, root)
    if len(found) > 1:
        msg = f"{len(found)} runs are called {text!r}; give a folder: {', '.join(map(str, found))}"
        raise InputError(msg)
    if found:
        return found[0]
    if path.exists() or len(path.parts) != 1:
        return path
    msg = f"{text} is no folder, and no run below {root} is called so; `lineup runs list` names them"
    raise InputError(msg)


def _name(folder: Path) -> str:
    """The name that a run was given; none where it cannot be read, which is told where runs are listed."""
    with suppress(InputError):
        return read_labels(folder).name
    return ""
