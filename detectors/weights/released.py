"""The registry of released checkpoints: what is known of files of weights that other people published.

It is data (`released.toml`), read at first use. What is not known stands nowhere: a file without a known digest is
identified by the one that it has on this machine.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from detectors.weight_file import hashed_file
from detectors.weights.hub import cached_hub_file

REGISTRY = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A released file of weights.

    Attributes:
        detector: The detector that reads it.
        name: By which it is asked for, behind the detector's: `detector@name`.
        file: Its name where it is published.
        bytes: Its size; None where it is not known.
        sha256: Of its content; empty where it is not known.
        url: Where it can be downloaded without an account; empty for nowhere.
        hub: A repository of the Hugging Face hub and the path of the file in it, "owner/name/path"; empty for none.
        page: Where its authors describe it.
        licence: Of the weights, and of the code where it is another one.
        layout: How its tensors lie in the file.
        trained_on: Canonical names of the generators whose images it was trained on; None where that is not known.
        training: The training images in words.
        reported: What its authors report, and where.
        published_as: By the benchmark that a published table is about, the name by which it knows this very file; a
            table that may be about another training of the method is left out.
        options: Options of the recipe that belong to it.
    """

    detector: str
    name: str
    file: str
    page: str
    licence: str
    layout: str
    training: str
    bytes: int | None = None
    sha256: str = ""
    url: str = ""
    hub: str = ""
    trained_on: tuple[str, ...] | None = None
    reported: str = ""
    published_as: Mapping[str, str] = field(default_factory=dict, hash=False)
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def title(self) -> str:
        """As a user names it."""
        return f"{self.detector}@{self.name}"

    def path(self, folder: Path) -> Path:
        """Where its file lies in a folder of released checkpoints."""
        return folder / self.detector / self.name / self.file


@cache
def released_checkpoints() -> tuple[Checkpoint, ...]:
    """All entries of the registry, by detector and then by name."""
    lists = {one.name for one in fields(Checkpoint) if "tuple" in str(one.type)}
    tables: list[dict[str, Any]] = tomllib.loads(REGISTRY.read_text("utf-8"))["checkpoint"]
    for table in tables:
        table.update({name: tuple(table[name]) for name in lists & table.keys()})
    entries = [Checkpoint(**table) for table in tables]
    return tuple(sorted(entries, key=lambda entry: (entry.detector, entry.name)))


def checkpoints_of(detector: str) -> tuple[Checkpoint, ...]:
    """The released checkpoints of a detector."""
    return tuple(entry for entry in released_checkpoints() if entry.detector == detector)


def released_checkpoint(sha256: str) -> Checkpoint | None:
    """The entry of a file with this content; None where the registry does not know it."""
    return next((entry for entry in released_checkpoints() if sha256 and entry.sha256 == sha256), None)


@dataclass(frozen=True, slots=True)
class FoundCheckpoint:
    """A checkpoint that a row was asked for with, and what is known of it.

    Attributes:
        path: The file on this machine, or where it would have to be.
        sha256: Of its content; empty where it is not there.
        entry: What the registry knows of it; None for nothing.
        missing: Why it cannot be used, and what to do; empty where it can.
    """

    path: Path
    sha256: str = ""
    entry: Checkpoint | None = None
    missing: str = ""


def find_checkpoint(detector: str, text: str, folder: Path) -> FoundCheckpoint:
    """The checkpoint of a detector that a text names.

    Args:
        detector: Name of the detector.
        text: A name of the registry, or the path of a file.
        folder: Where the user keeps files of weights, in any folders and under any names.
    """
    entry = next((known for known in checkpoints_of(detector) if known.name == text), None)
    if entry is None:
        return _file_of_user(detector, text)
    path = _find_file(entry, folder)
    if path is None:
        fetch = f"run `lineup weights get {entry.title}`, or " if entry.url or entry.hub else ""
        msg = f"{entry.title} is not on this machine: {fetch}{where_to_put(entry, folder)}"
        return FoundCheckpoint(entry.path(folder), entry=entry, missing=msg)
    sha256 = hashed_file(path).sha256
    if entry.sha256 and sha256 != entry.sha256:
        msg = f"{path} is not {entry.title}: its sha256 is {sha256}, not {entry.sha256}; download it again"
        return FoundCheckpoint(path, sha256, entry, msg)
    return FoundCheckpoint(path, sha256, entry)


def where_to_put(entry: Checkpoint, folder: Path) -> str:
    """Where the file of a checkpoint is to be had, and where it may lie."""
    source = f"{entry.url} (see {entry.page})" if entry.url else entry.page
    return f"put {entry.file} from {source} into {entry.path(folder).parent}"


def _file_of_user(detector: str, text: str) -> FoundCheckpoint:
    path = Path(text).expanduser()
    if path.is_file():
        sha256 = hashed_file(path).sha256
        return FoundCheckpoint(path, sha256, released_checkpoint(sha256))
    names = ", ".join(entry.name for entry in checkpoints_of(detector)) or "none"
    msg = f"{detector}@{text}: there is no such file, and the registry has no such checkpoint ({names})"
    return FoundCheckpoint(path, missing=msg)


def _find_file(entry: Checkpoint, folder: Path) -> Path | None:
    """The file of a checkpoint: by its content in the user's folder, by its name there, or in the hub's cache."""
    if (path := entry.path(folder)).is_file():
        return path
    files = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    if entry.sha256:
        alike = (path for path in files if path.stat().st_size == entry.bytes)
        named = [path for path in alike if hashed_file(path).sha256 == entry.sha256]
    elif len({known.title for known in released_checkpoints() if known.file == entry.file}) == 1:
        named = [path for path in files if path.name == entry.file]
    else:
        named = []
    if named:
        return named[0]
    if not entry.hub:
        return None
    owner, repository, name = entry.hub.split("/", 2)
    cached = cached_hub_file(f"{owner}/{repository}", name)
    return cached.path if cached else None
