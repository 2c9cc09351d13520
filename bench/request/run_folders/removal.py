"""Taking runs away: what Lineup wrote into a result folder, and nothing else."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.platform.checksums import CHECKSUMS, ChecksumList
from bench.platform.errors import InputError
from bench.platform.locks import LockTaken, held
from bench.records.live_record import PLAN, PROGRESS, TRAININGS
from bench.records.store import DAMAGED, LOCK, MANIFEST
from bench.records.sudden_ends import SUDDEN_ENDS
from bench.request.run_folders.finding import run_folders

# what is in no list of checksums
_UNLISTED = re.compile(
    "|".join(
        [
            *(f"(?:{re.escape(name)})" for name in (CHECKSUMS, LOCK, SUDDEN_ENDS, PLAN, PROGRESS)),
            rf"{TRAININGS}/[0-9a-f]+\.json",
            r"tensorboard/.*events\.out\.tfevents[^/]*",
            r"(?:.*/)?\.[^/]+\.[0-9a-f]{8}\.partial",
        ]
    )
)


@dataclass(frozen=True, slots=True)
class RemovableFiles:
    """What a result folder holds.

    Attributes:
        folder: The folder of a run, or of several.
        runs: The runs that it holds.
        own: Files that Lineup wrote, those by which a run is known last.
        foreign: All others.
        bytes: Size of the former.
    """

    folder: Path
    runs: tuple[Path, ...]
    own: tuple[Path, ...]
    foreign: tuple[Path, ...]
    bytes: int


def removable_files(folder: Path) -> RemovableFiles:
    """What a result folder holds. Links are not followed.

    Raises:
        InputError: It holds no run, or one of which it is not known what Lineup wrote.
    """
    runs = tuple(run_folders(folder))
    if not runs:
        msg = f"{folder} holds no run, and nothing of it was removed; give a folder that `lineup run` wrote"
        raise InputError(msg)
    if older := [run for run in runs if not (run / CHECKSUMS).is_file()]:
        msg = (
            f"{older[0]} was written before checksums, so it is not known which of its files are Lineup's; delete the "
            "folder yourself"
        )
        raise InputError(msg)
    lists = {path.parent: ChecksumList.of(path.parent).digests() for path in folder.rglob(CHECKSUMS)}
    files = [Path(place) / name for place, _, names in os.walk(folder) for name in names]
    own = sorted((path for path in files if _is_own(path, lists)), key=lambda path: (_is_known_by(path), path))
    foreign = sorted(set(files) - set(own))
    return RemovableFiles(folder, runs, tuple(own), tuple(foreign), sum(path.lstat().st_size for path in own))


def _is_known_by(path: Path) -> bool:
    return path.name in {MANIFEST, CHECKSUMS}


def _is_own(path: Path, lists: Mapping[Path, Mapping[str, tuple[str, ...]]]) -> bool:
    """Whether Lineup wrote a file: a list in a folder around it names it, or it is of those that none names."""
    for folder, digests in lists.items():
        if path.is_relative_to(folder):
            name = path.relative_to(folder).as_posix()
            if digests.get(name, ("",))[-1] or name.removesuffix(DAMAGED) in digests.keys() - {name}:
                return True
            if _UNLISTED.fullmatch(name):
                return True
    return False


def remove_runs(found: RemovableFiles) -> None:
    """Delete the files that Lineup wrote, and the folders that are empty then.

    Raises:
        InputError: A run goes on there: then nothing is deleted.
    """
    with ExitStack() as stack:
        for folder in _locked(found):
            try:
                stack.enter_context(held(folder / LOCK))
            except LockTaken as error:
                msg = f"a run goes on in {folder} ({error}), and nothing was removed; end it first, or wait for its end"
                raise InputError(msg) from error
        for path in found.own:
            if path.name != LOCK:  # which is gone when it is given back
                path.unlink(missing_ok=True)
    for place, _, _ in os.walk(found.folder, topdown=False):
        with suppress(OSError):  # what is foreign is in it
            Path(place).rmdir()


def _locked(found: RemovableFiles) -> Iterator[Path]:
    """The folders that commands lock: those of runs, and those of the commands that made several."""
    yield from dict.fromkeys([*found.runs, *(path.parent for path in found.own if path.name == CHECKSUMS)])
