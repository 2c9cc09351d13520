"""Files of a cache folder that an object store has as well, under the same names: what depends on no machine.

The local folder stands in front: what it has is not asked for, what it lacks is fetched, and what is made is published
before the call that made it returns. Everything is kept under a key of what changes it, so that who makes it first, or
twice, is all the same.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from secrets import token_hex

from bench.platform.files import write_atomically
from bench.platform.outside.json_text import parse_json
from bench.platform.printable import printable
from bench.platform.processes.endings import ProcessMark, is_gone, this_process
from bench.platform.seals import content_fault
from bench.storage.object_store import PARALLEL, ObjectStore
from bench.storage.working_copy import store_of

SHARED = ("embeddings", "fitted", "answers", "shards", "agreements")  # folders of the cache
WRITING = ".writing-"  # begins the name of the mark of a command that makes what is published
FORGOTTEN = 10 * 86_400  # seconds after which no command goes on
LISTED_FOR = 20  # seconds for which a list of names is believed


@dataclass(frozen=True)
class SharedFiles:
    """The shared files of a cache folder.

    Attributes:
        root: The cache folder.
        url: The folder of the store; empty for a cache that is not shared: then nothing is done.
    """

    root: Path
    url: str = ""

    @classmethod
    def of(cls, root: Path) -> SharedFiles:
        """Those of a cache folder that may be the working copy of a store."""
        return cls(root, store_of(root))

    def fetch(self, path: Path) -> None:
        """Let a file be there, if the store has it whole; the user is told of one that is damaged.

        Raises:
            StoreFault: The store does not answer well.
        """
        if self.url and not path.is_file():
            self._fetch(path)

    def fetch_all(self, paths: Iterable[Path]) -> None:
        """The same of several files, some at a time."""
        if self.url:
            with ThreadPoolExecutor(PARALLEL) as pool:
                list(pool.map(self.fetch, paths))

    def _fetch(self, path: Path) -> None:
        store, name = ObjectStore(self.url), self._name(path)
        try:
            data = store.read(name)
            if content_fault(data):
                data = store.read(name)  # half of it may have come
        except FileNotFoundError:
            return
        if fault := content_fault(data):
            text = f"{store.where(name)} is damaged ({fault}): it is made anew"
            logging.getLogger(__name__).warning("%s", printable(text))
        else:
            write_atomically(path, lambda temporary: temporary.write_bytes(data))

    def publish(self, path: Path) -> None:
        """Put a file on the store, in the place of any of its name. Raises `StoreFault`."""
        if self.url:
            ObjectStore(self.url).write(self._name(path), path.read_bytes())

    @contextmanager
    def in_step(self) -> Iterator[int]:
        """Let nothing stay unpublished for good: a command says that it writes, until it has ended well.

        Yields:
            How many files were published now that commands may have left: they were killed, or the store was silent.

        Raises:
            StoreFault: The store does not answer well.
        """
        if not self.url:
            yield 0
            return
        own = self.root / f"{WRITING}{token_hex(8)}.json"
        left = [path for path in self.root.glob(f"{WRITING}*.json") if _has_ended(path)]
        count = self._publish_since(min(map(_moment, left))) if left else 0
        for path in left:
            path.unlink(missing_ok=True)
        write_atomically(own, lambda path: path.write_text(json.dumps(asdict(this_process())), encoding="utf-8"))
        began = own.stat().st_mtime
        try:
            yield count
        except BaseException:
            own.write_text("", encoding="utf-8")  # also where this process goes on, as that of a notebook does
            os.utime(own, (began, began))
            raise
        own.unlink(missing_ok=True)

    def _publish_since(self, moment: float) -> int:
        """Publish the files that were written since some time, in seconds since 1970; returns how many."""
        own = [path for folder in SHARED for path in (self.root / folder).rglob("*") if path.is_file()]
        late = [path for path in own if not path.name.startswith(".") and path.stat().st_mtime >= moment]
        with ThreadPoolExecutor(PARALLEL) as pool:
            list(pool.map(self.publish, late))
        return len(late)

    def has(self, path: Path) -> bool:
        """Whether there is a file, here or on the store as it was listed a moment ago. Raises `StoreFault`."""
        if path.is_file() or not self.url:
            return path.is_file()
        return path.name in _names(self.url, self._name(path.parent), int(time.monotonic() // LISTED_FOR))

    def names(self, folder: Path) -> frozenset[str]:
        """Names of the files that the store has in a folder now. Raises `StoreFault`."""
        return _list_names(self.url, self._name(folder)) if self.url else frozenset()

    def read_part(self, path: Path, start: int, end: int) -> bytes:
        """Some bytes of a file of the store, none of which are checked. Raises `StoreFault`, `FileNotFoundError`."""
        return ObjectStore(self.url).read(self._name(path), part=(start, end))

    def _name(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def _moment(path: Path) -> float:
    """When a mark was made; now, where another command has just published what it is of."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _has_ended(path: Path) -> bool:
    """Whether the command that a mark is of has ended, and not well."""
    try:
        if time.time() - path.stat().st_mtime > FORGOTTEN:  # of another machine, of which nothing is known here
            return True
        return is_gone(ProcessMark(**parse_json(path.read_bytes())))
    except (OSError, ValueError, TypeError):
        return True


@lru_cache(maxsize=32)
def _names(url: str, folder: str, moment: int) -> frozenset[str]:
    """Names of the objects in a folder, listed once in each moment."""
    del moment
    return _list_names(url, folder)


def _list_names(url: str, folder: str) -> frozenset[str]:
    names = (name.removeprefix(f"{folder}/") for name in ObjectStore(url).infos(folder))
    return frozenset(name for name in names if "/" not in name)  # others are not the cache's own
