"""Whether everything in a result folder is as it was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.platform.checksums import CHECKSUMS, ChecksumList
from bench.platform.errors import InputError
from bench.records.live_record import LIVE
from bench.records.store import LOCK, MANIFEST, SCORES, Store
from bench.records.sudden_ends import SUDDEN_ENDS
from bench.records.timings import read_timings
from bench.records.whole_files import remedy
from bench.storage.working_copy import MARK

# what is written again and again, and of what store a folder is the copy
NOT_LISTED = (LIVE, "tensorboard", LOCK, SUDDEN_ENDS, MARK)
MOST_NAMED = 5


@dataclass(frozen=True)
class FolderCheck:
    """What was found in a result folder.

    Attributes:
        folder: The folder.
        whole: Number of files whose checksums are right.
        faults: A line on each file that is damaged or gone, and on each run that cannot be read.
        older: Files of runs that were written before there were checksums.
        foreign: Files that no run wrote, or whose checksums are lost.
    """

    folder: Path
    whole: int
    faults: tuple[str, ...]
    older: tuple[Path, ...]
    foreign: tuple[Path, ...]

    def notices(self) -> Iterator[str]:
        """A line on each kind of files that could not be checked."""
        if self.older:
            yield f"{self.folder} was written before checksums: {len(self.older)} files cannot be checked"
        if self.foreign:
            named = ", ".join(str(path) for path in self.foreign[:MOST_NAMED])
            more = f" and {len(self.foreign) - MOST_NAMED} more" if len(self.foreign) > MOST_NAMED else ""
            yield f"{len(self.foreign)} files have no checksum and are left alone: {named}{more}"

    def verdict(self) -> str:
        """The sentence at the end."""
        if self.faults:
            return f"{self.folder}: {len(self.faults)} damaged or gone, {self.whole} files whole; {remedy(self.folder)}"
        return f"{self.folder}: all {self.whole} files with a checksum are whole"


def check_folder(folder: Path) -> FolderCheck:
    """Verify every file of a result folder, and of the runs that it holds, and read each run; nothing is changed.

    Raises:
        InputError: There is no run.
    """
    lists = [ChecksumList.of(path.parent) for path in sorted(folder.rglob(CHECKSUMS))]
    runs = [path.parent for path in sorted(folder.rglob(MANIFEST)) if (path.parent / SCORES).is_dir()]
    if not lists and not runs:
        msg = f"{folder} holds no run ({MANIFEST} is missing); give a folder that `lineup run` wrote"
        raise InputError(msg)
    listed = {one.root / name: one for one in lists for name in one.present()}
    faults = {path: fault for path, one in listed.items() if (fault := _fault(path, one))}
    unread = [fault for run in runs if (fault := _reading_fault(run)) and not _within(run, faults)]
    others = [path for path in sorted(folder.rglob("*")) if path.is_file() and path not in listed]
    others = [path for path in others if path.name != CHECKSUMS and not set(path.parts) & set(NOT_LISTED)]
    foreign = [path for path in others if _within_any(path, [one.root for one in lists])]
    older = [path for path in others if path not in set(foreign)]
    lines = [f"{path} {fault}" for path, fault in faults.items()]
    return FolderCheck(folder, len(listed) - len(faults), (*lines, *unread), tuple(older), tuple(foreign))


def _fault(path: Path, checksums: ChecksumList) -> str:
    try:
        fault = checksums.fault(path.relative_to(checksums.root).as_posix())
    except FileNotFoundError:
        return "is gone"
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    return f"is damaged ({fault})" if fault else ""


def _reading_fault(run: Path) -> str:
    """Why a run cannot be read; empty where it can."""
    try:
        Store(run).read()
        read_timings(run)
    except InputError as error:
        return str(error)
    return ""


def _within(folder: Path, paths: dict[Path, str]) -> bool:
    return any(path.is_relative_to(folder) for path in paths)


def _within_any(path: Path, folders: list[Path]) -> bool:
    return any(path.is_relative_to(folder) for folder in folders)
