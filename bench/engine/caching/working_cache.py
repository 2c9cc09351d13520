"""The cache folder while a command uses it: nothing is taken away meanwhile, and one that cannot be written is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.engine.caching.use_records import USES, RunUse, recorded_use
from bench.platform.errors import DiskFull, InputError
from bench.platform.files import write_atomically
from bench.platform.locks import FileLock, LockTaken, take_lock
from bench.storage.working_copy import mark_as_copy, store_of

LOCK = ".lock"  # shared by all that may use anything in the cache; what prunes has it alone
CORPUS = "corpus"
KINDS = ("inspected", "embeddings", "fitted", "fitting", "answers", "shards", "agreements", "graphs", "rates", CORPUS)


@dataclass(frozen=True)
class WorkingCache:
    """A cache folder that a command uses.

    Attributes:
        path: The folder.
    """

    path: Path
    _held: ExitStack
    _anything: FileLock | None = None

    def declare(self, uses: Sequence[RunUse]) -> None:
        """Say what runs use: from now on, until the command ends, that alone is kept from being pruned.

        In a folder that cannot be written nothing can be said: all of it is kept.
        """
        if self._anything is not None:
            for use in uses:
                self._held.enter_context(recorded_use(self.path, use))
            self._anything.release()


@contextmanager
def working_cache(root: Path, say: Callable[[str], object], *, reading: bool = False) -> Iterator[WorkingCache]:
    """Use a cache folder.

    One that cannot be written, as a group may share it, is read through links in a folder of the command's own, where
    what is made is kept until the command ends: what it prints and records is the same.

    Args:
        root: The folder.
        say: Prints a line.
        reading: Whether nothing will be written; then nothing is made.

    Raises:
        InputError: It is no folder.
    """
    require_folder(root)
    with ExitStack() as held:
        if not reading and not root.exists():
            held.callback(_remove_unused, root)
        reason = "" if reading else _why_unwritable(root)
        shared = _share(root, say) if not reading or (root / LOCK).is_file() else None
        if shared is not None:
            held.callback(shared.release)
        if not reason:
            yield WorkingCache(root, held, shared)
            return
        own = Path(held.enter_context(TemporaryDirectory(prefix="lineup-cache-")))
        _link(root, own)
        mark_as_copy(own, store_of(root))
        say(
            f"The cache {root} cannot be written ({reason}): it is read, and what is missing in it is made and kept in"
            f" {own} until this command ends; set LINEUP_CACHE to a folder of yours to keep it"
        )
        yield WorkingCache(own, held)


def require_folder(root: Path) -> None:
    """Raise `InputError` where a cache is no folder, and cannot be one below what is there."""
    if not next(path for path in (root, *root.absolute().parents) if path.exists()).is_dir():
        msg = f"the cache {root} is no folder; set LINEUP_CACHE to one"
        raise InputError(msg)


def _remove_unused(root: Path) -> None:
    """Take a cache away that was made for a command which kept nothing in it, unless another has come to use it."""
    with suppress(OSError, LockTaken):
        if [path.name for path in root.iterdir()] == [LOCK]:
            lock = take_lock(root / LOCK)
            (root / LOCK).unlink()
            root.rmdir()
            lock.release()


def _share(root: Path, say: Callable[[str], object]) -> FileLock | None:
    """The lock that keeps a cache from being pruned; None where there is none and none can be made."""
    try:
        return take_lock(root / LOCK, shared=True, waiting=lambda _: say(f"The cache {root} is being pruned: waiting"))
    except OSError:
        return None


def _why_unwritable(root: Path) -> str:
    """Why a folder or one in it cannot be written, in the words of the system; empty where they can.

    Raises:
        DiskFull: There is no room: what stands in for the cache would hardly have more.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        write_atomically(root / ".writable", lambda path: path.touch())
        (root / ".writable").unlink(missing_ok=True)
    except DiskFull:
        raise
    except OSError as error:
        return error.strerror or str(error)
    for folder in _folders(root):
        if not os.access(folder, os.W_OK | os.X_OK):
            return f"Permission denied in its {folder.relative_to(root)}"
    return ""


def _folders(root: Path) -> Iterator[Path]:
    """The folders that a command may write to, but for those of a corpus, which is made as a whole."""
    for kind in (*KINDS, USES):
        for folder, below, _ in os.walk(root / kind):
            if kind == CORPUS:
                below.clear()
            yield Path(folder)


def _link(root: Path, own: Path) -> None:
    """Fill a folder with links to the readable files of a cache, and to each corpus as a whole."""
    for corpus in sorted((root / CORPUS).glob("[!.]*")):
        (own / CORPUS).mkdir(exist_ok=True)
        (own / CORPUS / corpus.name).symlink_to(corpus.absolute())
    for kind in KINDS:
        for folder, below, files in os.walk(root / kind):
            if kind == CORPUS:
                below.clear()
                continue
            target = own / Path(folder).relative_to(root)
            target.mkdir(parents=True)
            start, end = f"{Path(folder).absolute()}{os.sep}", f"{target}{os.sep}"
            for name in files:  # of which there may be 100,000
                if not name.startswith(".") and os.access(start + name, os.R_OK):
                    Path(end + name).symlink_to(start + name)
