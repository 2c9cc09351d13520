"""A file of weights as a recipe declares it, and the hash that identifies its content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, Protocol

from detectors.types import Unavailable

Availability = Literal["shipped", "found", "missing"]


class WrongWeights(ValueError):
    """A file that does not hold the expected weights. The message says what it holds."""


class WeightFile(Protocol):
    """One file of weights."""

    @property
    def title(self) -> str:
        """Its name in a table."""

    @property
    def advice(self) -> str:
        """How to get it where it is missing."""

    @property
    def identity(self) -> str:
        """What keys have for it: the start of its hash, or its repository; empty where it is in no key."""

    def availability(self) -> Availability:
        """Whether it is on this machine; nothing is downloaded."""

    def get(self) -> HashedFile:
        """The file, downloaded if need be. Raises `Unavailable`."""


@dataclass(frozen=True, slots=True)
class HashedFile:
    """A file of weights on this machine, and the hash of its content."""

    path: Path
    sha256: str


def hashed_file(path: Path) -> HashedFile:
    """An existing file and its hash. Raises `Unavailable` where there is none."""
    if not path.is_file():
        msg = f"no weights at {path}: give the path of an existing file"
        raise Unavailable(msg)
    facts = path.stat()
    return HashedFile(path, _sha256(path, facts.st_size, facts.st_mtime_ns))


def content_id(path: Path) -> str:
    """The content of a file as keys have it: the start of its hash, or "absent"."""
    return hashed_file(path).sha256[:12] if path.is_file() else "absent"


@lru_cache(maxsize=64)
def _sha256(path: Path, size: int, modified: int) -> str:
    """Hash of a file; size and time of change are parameters so that a changed file is hashed again."""
    del size, modified
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
