"""Takes away what of a cache was not used for long, or is more than it is to hold: never what a run uses."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from bench.engine.caching.inventory import KEPT, UNFINISHED, CacheEntry, Inventory
from bench.engine.caching.working_cache import LOCK
from bench.platform.errors import InputError
from bench.platform.locks import LockTaken, take_lock

ABANDONED = 86_400.0  # seconds after which nobody finishes an unfinished file


@contextmanager
def cache_for_pruning(root: Path) -> Iterator[None]:
    """Keep commands from starting to use a cache while something is taken away from it.

    Raises:
        InputError: A command that has not said what it uses goes on, or that cannot be told.
    """
    try:
        lock = take_lock(root / LOCK)
    except LockTaken as error:
        msg = f"a command that may use anything in the cache {root} goes on, such as one that reads images"
        raise InputError(f"{msg}; nothing was pruned: try again when it has ended") from error
    except OSError as error:
        msg = f"the cache {root} cannot be written ({error.strerror or error}); nothing was pruned"
        raise InputError(msg) from error
    try:
        if lock.fault:
            msg = f"whether a run uses the cache {root} cannot be told, as its file system has no locks ({lock.fault})"
            raise InputError(f"{msg}; nothing was pruned: while no run goes on, delete what is too old by hand")
        yield
    finally:
        lock.release()


def entries_to_prune(inventory: Inventory, older_than: float | None, keep: int | None) -> list[CacheEntry]:
    """What of a cache is to be taken away, the least recently used first.

    Args:
        inventory: What it holds.
        older_than: Seconds since the last use of what is taken away; None for whatever age.
        keep: Bytes that may stay, of what can be pruned and what is in use; None for all.
    """
    now = time.time()
    entries = sorted((one for one in inventory.entries if one.kind not in KEPT), key=lambda one: (one.used, one.path))
    chosen, left = [], sum(one.bytes for one in entries)
    for entry in entries:
        age = now - entry.used
        old = age > ABANDONED if entry.kind == UNFINISHED else older_than is not None and age > older_than
        much = entry.kind != UNFINISHED and keep is not None and left > keep
        if (old or much) and not entry.in_use:
            chosen.append(entry)
            left -= entry.bytes
    return chosen


def prune(inventory: Inventory, entries: list[CacheEntry]) -> list[CacheEntry]:
    """Take entries away, and the records of runs of whose entries none is left.

    Returns:
        Those that are gone: a run may have begun to use some others meanwhile.

    Raises:
        InputError: A file cannot be deleted.
    """
    root = inventory.root
    try:
        gone = [entry for entry in entries if _remove(root, entry)]
        kept = {one.path for one in inventory.entries} - {one.path for one in gone}
        for known in inventory.uses:
            if known.use and not known.going_on and not known.use.paths & kept:
                known.path.unlink(missing_ok=True)
    except OSError as error:
        msg = f"{error.filename} cannot be deleted ({error.strerror}); what was not used for longer is gone already"
        raise InputError(msg) from error
    return gone


def _remove(root: Path, entry: CacheEntry) -> bool:
    """Delete the files of an entry, and the folders that are empty then. Returns whether they are gone."""
    if entry.kind != "embeddings":
        _delete(root, [root / name for name in entry.files])
        return True
    folder = root / entry.path
    aside = folder.with_name(f".{folder.name}.{token_hex(4)}.partial")  # for a run finds all of it or nothing
    folder.rename(aside)
    if used_meanwhile := aside.stat().st_mtime > entry.used:
        aside.rename(folder)
    else:
        _delete(root, [aside / Path(name).name for name in entry.files])
        if aside.exists():  # with files that are not the cache's own
            aside.rename(folder)
    return not used_meanwhile


def _delete(root: Path, files: list[Path]) -> None:
    for path in files:
        path.unlink(missing_ok=True)
    folders = {folder for path in files for folder in path.parents if root in folder.parents}
    for folder in sorted(folders, key=lambda one: len(one.parts), reverse=True):
        with suppress(OSError):  # of one that holds something else
            folder.rmdir()
