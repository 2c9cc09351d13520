"""Files of remote places kept on this machine, up to a size: what was used longest ago goes first.

A file is kept under the place, the name and the state that the place says it is in (checksum, time, size): a source
that has changed is another file. Each is written in one step with a CRC-32 before it, so that several processes may
share the folder, and damage costs reading the file again. On a full disk files are read on, and no more are kept.
"""

from __future__ import annotations

import json
import logging
import os
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from bench.platform.files import digest, write_atomically
from bench.platform.locks import take_lock
from bench.platform.outside.json_text import parse_json
from bench.platform.printable import printable, size_text

IMAGES = "images"  # the folder, in the cache folder
DEFAULT_LIMIT = 20 * 10**9  # bytes
LIMIT_FILE, LOCK = ".limit.json", ".lock"
LEFT = 0.90  # of the limit, after files were taken away
# of the limit, which a process writes between two looks at what there is: two processes keep to the limit, but for the
# one file that each of their threads writes at that moment
STEP = 0.04
BLOCK = 4096  # bytes, of which the disk takes whole ones
CHECKSUM_BYTES = 4
ABANDONED = 3_600.0  # seconds after which nobody finishes an unfinished file


@dataclass
class ImageCache:
    """Files that are kept in one folder.

    Attributes:
        folder: The folder.
        limit: Bytes that it may hold on the disk; 0 for keeping none.
    """

    folder: Path
    limit: int
    _written: float = 0.0  # bytes, since this process looked at what there is
    _looked: bool = False
    _stopped: bool = False
    _lock: Lock = field(default_factory=Lock)

    def __reduce__(self) -> tuple[type[ImageCache], tuple[Path, int]]:
        """Another process looks for itself at what there is."""
        return ImageCache, (self.folder, self.limit)

    @classmethod
    def of(cls, cache_root: Path) -> ImageCache:
        """The one in a cache folder, with the limit that was set for it."""
        folder = cache_root / IMAGES
        return cls(folder, limit_of(folder))

    def read(self, key: Sequence[str], fetch: Callable[[], bytes]) -> bytes:
        """The content of a file: kept, or fetched and kept. Raises what `fetch` raises.

        Args:
            key: What is another for another place, name or state.
            fetch: Reads it from its place.
        """
        if not self.limit:
            return fetch()
        name = digest(*key)
        path = self.folder / name[:2] / name
        if (kept := _read_kept(path)) is not None:
            with suppress(OSError):
                os.utime(path)  # it is used now
            return kept
        data = fetch()
        if not self._stopped and len(data) <= self.limit * STEP:
            self._keep(path, data)
        return data

    def _keep(self, path: Path, data: bytes) -> None:
        content = zlib.crc32(data).to_bytes(CHECKSUM_BYTES, "little") + data
        try:
            write_atomically(path, lambda temporary: temporary.write_bytes(content))
        except OSError as error:
            if not self._stopped:
                self._stopped = True
                text = f"{self.folder} cannot keep more images ({error.strerror or error}): they are read from afar"
                logging.getLogger(__name__).warning("%s", printable(text))
            return
        with self._lock:  # who writes more meanwhile waits
            self._written += _on_disk(len(content))
            if not self._looked or self._written > self.limit * STEP:
                self._looked, self._written = True, 0.0
                self._evict()

    def _evict(self) -> None:
        """Take away what was used longest ago, where there is more than may be; one process does so at a time."""
        with suppress(OSError):  # of a folder that cannot be written any more
            lock = take_lock(self.folder / LOCK, waiting=lambda _: None)
            try:
                _evict(self.folder, self.limit)
            finally:
                lock.release()

    @property
    def text(self) -> str:
        """How much of how much is kept."""
        if not self.limit:
            return f"{self.folder} keeps no images of remote data"
        size = sum(size for _, size, _ in _kept_files(self.folder))
        return f"{self.folder} keeps {size_text(size)} of at most {size_text(self.limit)} of remote data"


def set_limit(cache_root: Path, limit: int | None) -> None:
    """Say how much of remote data a cache folder keeps.

    Args:
        cache_root: The cache folder.
        limit: Bytes; None for the usual ones.
    """
    folder = cache_root / IMAGES
    if limit is None:
        (folder / LIMIT_FILE).unlink(missing_ok=True)
    elif limit_of(folder) != limit:
        text = json.dumps({"bytes": limit})
        write_atomically(folder / LIMIT_FILE, lambda path: path.write_text(text, encoding="utf-8"))


def limit_of(folder: Path) -> int:
    """The bytes that a folder of images may hold."""
    try:
        return int(parse_json((folder / LIMIT_FILE).read_bytes())["bytes"])
    except (OSError, ValueError, KeyError, TypeError):
        return DEFAULT_LIMIT


def _read_kept(path: Path) -> bytes | None:
    """The content of a file that is kept whole; None for any other."""
    try:
        with path.open("rb") as file:
            checksum, data = file.read(CHECKSUM_BYTES), file.read()
    except OSError:
        return None
    return data if zlib.crc32(data).to_bytes(CHECKSUM_BYTES, "little") == checksum else None


def _kept_files(folder: Path) -> list[tuple[float, int, str]]:
    """When each file was used last, what it takes of the disk, and its path; the oldest first."""
    found: list[tuple[float, int, str]] = []
    for place, _, names in os.walk(folder):
        for name in names:
            if name not in {LIMIT_FILE, LOCK}:
                with suppress(OSError):  # it went meanwhile
                    stat = os.stat(f"{place}{os.sep}{name}")  # noqa: PTH116 - there may be 100,000
                    found.append((stat.st_mtime, _on_disk(stat.st_size), f"{place}{os.sep}{name}"))
    return sorted(found)


def _evict(folder: Path, limit: int) -> None:
    files, now = _kept_files(folder), time.time()
    left = sum(size for _, size, _ in files)
    allowed = limit * LEFT if left > limit * (1 - 2 * STEP) else left
    for used, size, path in files:
        unfinished = Path(path).name.startswith(".")
        if now - used > ABANDONED if unfinished else left > allowed:
            Path(path).unlink(missing_ok=True)
            left -= size


def _on_disk(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
