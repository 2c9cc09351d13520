"""Locks on files, which end with the process that holds them; a file system may have none, and says so."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from bench.platform.outside.json_text import parse_json
from bench.platform.processes.endings import ProcessMark, is_gone, this_process


class LockTaken(Exception):
    """Another process holds a lock. The message says which, as far as it told."""


@dataclass(frozen=True)
class FileLock:
    """A lock that this process holds until it releases it or ends.

    Attributes:
        file: The file that it is on.
        fault: Why there is no lock, in the words of the file system; empty where there is one.
    """

    file: BinaryIO
    fault: str

    def release(self) -> None:
        """Give the lock back."""
        self.file.close()


def take_lock(path: Path, *, shared: bool = False, waiting: Callable[[str], object] | None = None) -> FileLock:
    """Take the lock on a file, which is made where it is not there.

    Args:
        path: The file; its folder is there.
        shared: Whether others may share the lock.
        waiting: Called with who holds it, before that is waited for; None for not waiting.

    Raises:
        LockTaken: Another process holds it, and is not waited for.
        OSError: The file can neither be made nor opened.
    """
    while True:
        file = _opened(path)
        try:
            lock = FileLock(file, _fault(file, shared, waiting))
        except BaseException:
            file.close()
            raise
        if lock.fault or _is_at(path, file):
            return lock
        lock.release()  # of a file that its holder took away when he was done


@contextmanager
def held(path: Path, waiting: Callable[[str], object] | None = None) -> Iterator[None]:
    """Hold a file for this process, which is written into it; it is gone afterwards.

    Where the file system has no locks, the first process in the file holds it that is not known to have ended. There
    nobody waits: who would do so goes on at once.

    Args:
        path: The file; its folder is there.
        waiting: As for `take_lock`.

    Raises:
        LockTaken: As `take_lock` does, and `OSError`.
    """
    lock, own = take_lock(path, waiting=waiting), this_process()
    try:
        with suppress(OSError):  # on a full disk a lock is no less of one
            if not lock.fault:
                lock.file.truncate(0)
            lock.file.write(b"\n" + json.dumps(asdict(own)).encode())  # after half a line of one that was killed
            lock.file.flush()
        if lock.fault and waiting is None and (others := _before(own, lock.file)):
            msg = f"{_shown(others[0])}; if that has ended, delete {path}"
            raise LockTaken(msg)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
    finally:
        lock.release()


def is_held(path: Path) -> bool:
    """Whether a process is known to hold a file as `held` does; nothing is made or changed.

    The lock itself is not touched where the file says who holds it: whoever takes it at that moment is not disturbed.
    """
    try:
        with path.open("rb") as file:
            holders = _processes(file)
    except OSError:
        return False
    return any(not is_gone(one) for one in holders)


def _before(own: ProcessMark, file: BinaryIO) -> list[ProcessMark]:
    """The processes that stand in a file before this one and are not known to have ended."""
    known = _processes(file)
    return [one for one in known[: known.index(own)] if not is_gone(one)] if own in known else []


def _processes(file: BinaryIO) -> list[ProcessMark]:
    """The processes that stand in a file."""
    found = []
    file.seek(0)
    for line in file.read().splitlines():
        with suppress(ValueError, TypeError):
            found.append(ProcessMark(**parse_json(line)))
    return found


def _shown(process: ProcessMark) -> str:
    return f"process {process.number} on {process.host}"


def _opened(path: Path) -> BinaryIO:
    """The file for locks: open for reading alone where it is another user's."""
    try:
        return path.open("a+b")
    except OSError:
        return path.open("rb")


def _fault(file: BinaryIO, shared: bool, waiting: Callable[[str], object] | None) -> str:  # noqa: FBT001
    """Lock a file. Returns why that cannot be had; empty where it is locked. Raises `LockTaken`."""
    try:
        import fcntl
    except ImportError:
        return "this system has none"
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = next(map(_shown, _processes(file)), "another process")
            if waiting is None:
                raise LockTaken(holder) from None
            waiting(holder)
            fcntl.flock(file, kind)
    except OSError as error:  # of a file system without locks
        return error.strerror or str(error)
    return ""


def _is_at(path: Path, file: BinaryIO) -> bool:
    """Whether an open file is the one at a path."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
