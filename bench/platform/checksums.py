"""Checksums of the files in a folder, in a list beside them: whatever their format, damage is noticed.

The list holds a line of JSON for every file that is written, `{"file": ..., "sha256": ...}`, which is added before the
file takes its place: a kill between the two leaves the old file, whose line stands there as well. So a file is whole if
it is as any line of its name says. An empty sha256 says that the file was removed. A line that cannot be read, such as
one that a full disk cut, says nothing. Lines are added with one call each, so that several processes may write.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import file_digest
from pathlib import Path

from bench.platform.files import write_atomically
from bench.platform.outside.json_text import parse_json

CHECKSUMS = "checksums.jsonl"
_REMOVED = ""
CHANGED, EMPTY = "its checksum is another", "it is empty"


@dataclass(frozen=True)
class ChecksumList:
    """The list of a folder.

    Attributes:
        root: The folder.
        path: The list.
    """

    root: Path
    path: Path

    @classmethod
    def of(cls, root: Path) -> ChecksumList:
        """The list of a folder that holds it."""
        return cls(root, root / CHECKSUMS)

    def write(self, name: str, write: Callable[[Path], object]) -> None:
        """`write_atomically` of a file below the folder, with its line."""

        def write_and_list(temporary: Path) -> None:
            write(temporary)
            self.add({name: sha256_of(temporary)})

        write_atomically(self.root / name, write_and_list)

    def remove(self, name: str) -> None:
        """Delete a file below the folder, where there is one, and say that there is none."""
        (self.root / name).unlink(missing_ok=True)
        if self.digests().get(name, (_REMOVED,))[-1] != _REMOVED:
            self.add({name: _REMOVED})

    def add(self, digests: Mapping[str, str]) -> None:
        """Add lines: sha256 by name."""
        lines = "".join("\n" + json.dumps({"file": name, "sha256": digest}) for name, digest in digests.items())
        with self.path.open("ab", buffering=0) as file:
            file.write(lines.encode())

    def digests(self) -> Mapping[str, tuple[str, ...]]:
        """The sha256 that each file may have, by name, the last one last; none where there is no list."""
        try:
            state = self.path.stat()
        except OSError:
            return {}
        return _digests_in(self.path, state.st_size, state.st_mtime_ns)

    def present(self) -> list[str]:
        """Names of the files that should be there."""
        return [name for name, digests in self.digests().items() if digests[-1] != _REMOVED]

    def fault(self, name: str) -> str:
        """What is wrong with a file below the folder; empty for one that is whole or has no line. Raises `OSError`."""
        path, known = self.root / name, self.digests().get(name, ())
        if not known or sha256_of(path) in known:
            return ""
        return CHANGED if path.stat().st_size else EMPTY


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file. Raises `OSError`."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


@lru_cache(maxsize=8)
def _digests_in(path: Path, size: int, changed: int) -> Mapping[str, tuple[str, ...]]:
    """The lines of a list by name, read once for each of its states."""
    del size, changed
    found: dict[str, tuple[str, ...]] = {}
    for line in path.read_bytes().split(b"\n"):
        try:
            entry = parse_json(line)
            name, digest = str(entry["file"]), str(entry["sha256"])
        except (ValueError, TypeError, KeyError):
            continue
        found[name] = (*found.get(name, ()), digest)
    return found
