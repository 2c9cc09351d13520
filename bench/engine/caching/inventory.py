"""What a cache folder holds, for whom, since when, and what is not its own."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from bench.engine.caching.shared_files import WRITING
from bench.engine.caching.use_records import USES, KnownUse, known_uses
from bench.engine.caching.working_cache import KINDS, LOCK
from bench.storage.image_cache import IMAGES, LIMIT_FILE
from bench.storage.working_copy import COPIES, MARK

WEIGHTS, UNFINISHED, RECORDS = "weights", "unfinished files", "records of use"
WORKING_COPIES = "working copies"
UNFINISHED_SUFFIX = r"\.partial"
# kinds that are not pruned: weights may have been put there by hand, and results may wait to be published
KEPT = frozenset({WEIGHTS, RECORDS, WORKING_COPIES})
_NAME = r"[A-Za-z0-9._@+-]+-[0-9a-f]{12}"  # a key and its digest, as `bench.engine.cache` makes file names of keys
_DIGEST = "[0-9a-f]{%d}"
# by kind, the paths of its files, of which the first group is the entry that is pruned as a whole
_PATTERNS = {
    "embeddings": rf"(embeddings/{_NAME}/{_NAME})/{_DIGEST % 64}\.safetensors",
    "fits": rf"(fitted/{_NAME}\.safetensors)",
    "resumable fits": rf"(fitting/{_NAME})/(?:.+/)?checkpoint\.pt",
    "answers": rf"(answers/{_DIGEST % 32}\.parquet)",
    "shards": rf"(shards/{_DIGEST % 32}\.parquet)",
    "inspections": rf"(inspected/{_NAME})/{_DIGEST % 32}\.parquet",
    "corpus": rf"(corpus/[0-9]+-{_DIGEST % 12})"
    r"(?:/\w+/(?:train|val)/(?:nature|ai)/\w+\.jpg|/dataset\.json|\.checksums\.jsonl)",
    "graphs": rf"(graphs/{_DIGEST % 64}\.onnx)",
    "agreements": rf"(agreements/{_DIGEST % 32}\.json)",
    "rates": rf"(rates/{_NAME}\.json)",
    RECORDS: rf"({USES}/{_DIGEST % 32}\.json|{re.escape(WRITING)}[0-9a-f]{{16}}\.json)",
    UNFINISHED: rf"((?:(?:{'|'.join((*KINDS, USES, IMAGES))})/(?:.+/)?)?\.(?:[^/]+\.)?{_DIGEST % 8}{UNFINISHED_SUFFIX}"
    rf"|corpus/\.(?:making-[^/]+|[0-9]+-{_DIGEST % 12}\.[0-9]+))(?:/.+)?",
    WEIGHTS: r"(weights)/.+",
    "remote images": rf"({IMAGES})/[0-9a-f]{{2}}/{_DIGEST % 64}",
    "fetched results": rf"({COPIES}/read-[^/]+)/.+",
    WORKING_COPIES: rf"({COPIES}/[^/]+)/.+",
}
_KINDS = {kind: re.compile(pattern) for kind, pattern in _PATTERNS.items()}
_NAMED = {"embeddings", "inspections", "rates"}  # kinds whose paths say whom they are for
_RECORDED = {"fits", "resumable fits", "answers"}  # kinds of which runs say whom they are for
_LOCKS = {LOCK, "corpus/.lock", f"{IMAGES}/{LOCK}", f"{IMAGES}/{LIMIT_FILE}", MARK}


@dataclass
class CacheEntry:
    """What of a cache is kept or pruned as a whole.

    Attributes:
        kind: What it is.
        path: Relative to the cache folder.
        bytes: Size of its files.
        used: When it was written or used last, in seconds since 1970.
        files: Its files, relative to the cache folder.
        whom: The detectors or the data that it is for, as runs recorded it.
        outs: The result folders of the runs that used it.
        in_use: Whether a run that goes on uses it.
    """

    kind: str
    path: str
    bytes: int = 0
    used: float = 0.0
    files: list[str] = field(default_factory=list)
    whom: set[str] = field(default_factory=set)
    outs: set[str] = field(default_factory=set)
    in_use: bool = False

    @property
    def title(self) -> str:
        """Whom it is for: as runs recorded it, else as far as its path says it."""
        if self.whom:
            return ", ".join(sorted(self.whom))
        parts = PurePosixPath(self.path).parts
        if self.kind == "corpus":
            return "embedded"
        if self.kind in _NAMED:
            return re.sub(r"(@.*)?-[0-9a-f]{12}(\.json)?$", "", parts[1])
        return "not recorded" if self.kind in _RECORDED else ""


@dataclass(frozen=True)
class Inventory:
    """What a cache folder holds.

    Attributes:
        root: The folder.
        entries: What is its own.
        foreign: Files that are not, relative to the folder, with their sizes.
        uses: What is recorded of runs.
    """

    root: Path
    entries: Sequence[CacheEntry]
    foreign: Mapping[str, int]
    uses: Sequence[KnownUse]


def take_inventory(root: Path) -> Inventory:
    """List what a cache folder holds; one that is not there holds nothing."""
    entries: dict[str, CacheEntry] = {}
    foreign = {}
    for name, stat in _files(root):
        kind, path = _place(name)
        if not kind:
            foreign[name] = stat.st_size
            continue
        entry = entries.setdefault(path, CacheEntry(kind, path))
        entry.bytes += stat.st_size
        entry.used = max(entry.used, stat.st_mtime)
        entry.files.append(name)
    for entry in entries.values():
        if entry.kind == "embeddings":
            entry.used = max(entry.used, (root / entry.path).stat().st_mtime)
    uses = known_uses(root)
    _add_uses(entries, uses)
    return Inventory(root, list(entries.values()), foreign, uses)


def _files(root: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Every file below a folder by its relative path, but for locks; what goes meanwhile is left out."""
    for folder, below, files in os.walk(root):
        below.sort()
        start = Path(folder).relative_to(root).as_posix()
        for name in sorted(files):  # of which there may be 100,000
            relative = name if start == "." else f"{start}/{name}"
            with suppress(FileNotFoundError):
                stat = os.lstat(f"{folder}{os.sep}{name}")
                if relative not in _LOCKS:
                    yield relative, stat


def _place(name: str) -> tuple[str, str]:
    """The kind of a file, and the path of its entry; empty where it is none of the cache's own."""
    for kind, pattern in _KINDS.items():
        if match := pattern.fullmatch(name):
            return kind, match[1]
    return "", ""


def _add_uses(entries: Mapping[str, CacheEntry], uses: Sequence[KnownUse]) -> None:
    """Add to entries what is recorded of their uses."""
    by_folder: dict[str, list[CacheEntry]] = defaultdict(list)
    for entry in entries.values():
        by_folder[entry.path.partition("/")[0]].append(entry)
    begun = [one.path.stat().st_mtime for one in uses if one.going_on]  # by the clock that the other files have
    unknown = any(one.going_on and one.use is None for one in uses)
    for known, going_on in ((one.use, one.going_on) for one in uses if one.use):
        named = [*known.detectors.items(), *known.images.items(), ("", known.shared)]
        for whom, path in ((whom, path) for whom, paths in named for path in paths):
            for entry in [entries[path]] if path in entries else by_folder.get(path, []):
                entry.whom |= {whom} - {""}
                entry.outs.add(known.out)
                entry.used = max(entry.used, known.last)
                entry.in_use |= going_on
    for entry in entries.values():  # embeddings say when they were used and not by whom
        entry.in_use |= unknown or any(entry.used >= start for start in begun)
