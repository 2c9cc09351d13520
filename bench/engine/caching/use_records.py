"""What runs use of the cache: a file for each result folder, which a run holds locked while it goes on.

It says for whom the cache holds what it holds, when that was used last, and what must not be taken away now.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.platform.files import digest
from bench.platform.locks import FileLock, LockTaken, take_lock
from bench.platform.outside.json_text import parse_json

USES = "uses"  # folder of the records in the cache
RECORD_SUFFIX = ".json"


@dataclass(frozen=True)
class RunUse:
    """What a run uses of the cache.

    Attributes:
        out: Its result folder, absolute.
        protocol: Name of its protocol.
        data: Titles of its data sets.
        detectors: Entries of the cache, relative to its folder, by detector.
        images: The same by data set, as the user wrote it.
        shared: The same for no detector or data set alone; one may be a folder of entries.
        started: When it was started, in seconds since 1970.
        ended: When it ended; 0 for one that goes on or was killed.
    """

    out: str
    protocol: str
    data: str
    detectors: Mapping[str, Sequence[str]]
    images: Mapping[str, Sequence[str]]
    shared: Sequence[str]
    started: float = field(default_factory=time.time)
    ended: float = 0.0

    @property
    def paths(self) -> set[str]:
        """All that it uses."""
        return {
            *self.shared,
            *(path for part in (self.detectors, self.images) for one in part.values() for path in one),
        }

    @property
    def last(self) -> float:
        """When it is known to have used the cache last, in seconds since 1970."""
        return max(self.started, self.ended)


@dataclass(frozen=True)
class KnownUse:
    """A record that the cache holds.

    Attributes:
        path: Its file.
        use: What it says; None where it cannot be read.
        going_on: Whether its run goes on.
        fault: Why that cannot be told, in the words of the file system; empty where it can.
    """

    path: Path
    use: RunUse | None
    going_on: bool
    fault: str


def mark_used(folder: Path) -> None:
    """Let a folder of the cache, if it is there, say by its time that it is used now."""
    with suppress(OSError):
        os.utime(folder)


@contextmanager
def recorded_use(cache: Path, use: RunUse) -> Iterator[None]:
    """Keep a record of what a run uses, in the place of that of the last run into the same folder.

    The file is locked while the run goes on, and therefore written in place.

    Args:
        cache: The cache folder.
        use: What the run uses.
    """
    folder = cache / USES
    folder.mkdir(parents=True, exist_ok=True)
    lock = take_lock(folder / f"{digest(use.out)[:32]}{RECORD_SUFFIX}", waiting=lambda _: None)  # of who looks at it

    try:
        _write(lock, use)
        yield
    finally:
        _write(lock, replace(use, ended=time.time()))
        lock.release()


def _write(lock: FileLock, use: RunUse) -> None:
    """Put a use into the file of a lock; where that fails, as on a full disk, the run has more to say of it."""
    with suppress(OSError):
        lock.file.truncate(0)
        lock.file.write(json.dumps(asdict(use)).encode())
        lock.file.flush()


def known_uses(cache: Path) -> list[KnownUse]:
    """The records that a cache holds, in the order of their last uses."""
    found = [_known(path) for path in sorted((cache / USES).glob(f"*{RECORD_SUFFIX}"))]
    return sorted(found, key=lambda one: one.use.last if one.use else 0.0)


def _known(path: Path) -> KnownUse:
    going_on, fault = False, ""
    try:
        lock = take_lock(path, shared=True)
        fault = lock.fault
        lock.release()
    except LockTaken:
        going_on = True
    return KnownUse(path, _read(path), going_on, fault)


def _read(path: Path) -> RunUse | None:
    """The use in a file; None where it is damaged or of another version."""
    try:
        values: Any = parse_json(path.read_bytes())
        return RunUse(**values)
    except (OSError, ValueError, TypeError):
        return None
