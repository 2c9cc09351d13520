"""What was run where: the runs in some folders, with question, data, date and state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from bench.platform.checksums import ChecksumList
from bench.platform.errors import InputError
from bench.platform.locks import is_held
from bench.records import columns
from bench.records.live_record import PLAN, LivePlan, read_live_plan
from bench.records.manifest import Manifest, read_manifest
from bench.records.outcomes import Failed
from bench.records.store import FINISHED, LOCK, MANIFEST, Store
from bench.records.whole_files import remedy, require_whole
from bench.request.protocol_catalogue import command_line_text, protocol_class
from bench.request.run_folders.finding import run_folders
from bench.request.run_folders.labels import read_labels
from detectors.catalogue import UnknownName
from detectors.identity import default_of
from protocols.api import NONE

FolderState = Literal["finished", "failed", "interrupted", "going on", "damaged"]


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run in a result folder.

    Attributes:
        folder: The folder.
        name: That it was given; else its path below the folder that was listed.
        tags: That it was given.
        state: "failed" where cells of a finished run failed; "damaged" where its files cannot be read, or are gone.
        date: When its last command finished, in seconds since 1970; of one that has not, and of runs of earlier
            versions, when its folder was written last.
        bytes: Size of all that its folder holds.
        protocol: Name of its protocol; empty for a damaged run, like all that follows.
        question: The protocol, and what of its options is not as usual.
        data: Titles of its data sets.
        setting: "paper" or "small".
        detectors: Its rows.
        seeds: Of its trainings.
        cells: Number of its cells.
        failed: Number of those that failed.
        missing: Number of those that are still to be answered.
        fault: Why it is damaged, in one line.
    """

    folder: Path
    name: str
    tags: tuple[str, ...]
    state: FolderState
    date: float
    bytes: int
    protocol: str = ""
    question: str = ""
    data: str = ""
    setting: str = ""
    detectors: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    cells: int = 0
    failed: int = 0
    missing: int = 0
    fault: str = ""


def list_runs(roots: Sequence[Path], *, tags: Sequence[str] = (), protocol: str = "") -> list[KnownRun]:
    """The runs at and below some folders, the oldest first; nothing is changed.

    Args:
        roots: The folders; one that is not there holds no run.
        tags: A run has all of these.
        protocol: Its protocol is this one; empty for any.
    """
    found = {folder.resolve(): _known_run(folder, root) for root in roots for folder in run_folders(root)}
    chosen = [one for one in found.values() if protocol in {"", one.protocol} and set(tags) <= set(one.tags)]
    return sorted(chosen, key=lambda one: (one.date, str(one.folder)))


def _known_run(folder: Path, root: Path) -> KnownRun:
    below = folder.relative_to(root).as_posix()
    files = [path.stat() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    written = max((file.st_mtime for file in files), default=0.0)
    bare = KnownRun(
        folder, below if below != "." else str(root), (), "damaged", written, sum(file.st_size for file in files)
    )
    try:
        labels = read_labels(folder)
        bare = replace(bare, name=labels.name or bare.name, tags=labels.tags)
        return _begun(bare, plan) if (plan := read_live_plan(folder)) else _finished(bare)
    except InputError as error:
        return replace(bare, fault=str(error))


def _begun(bare: KnownRun, plan: LivePlan) -> KnownRun:
    """A run that has not come to its end."""
    cells = [dict(zip(plan.columns, row, strict=True)) for row in plan.cells]
    asked = {cell[columns.KEY] for cell in cells if not cell[columns.STATUS]}
    missing = len(asked - Store(bare.folder).recorded())
    state: FolderState = "going on" if is_held(bare.folder / LOCK) else "interrupted"
    return replace(_asked(bare, plan.manifest), state=state, cells=len(cells), missing=missing)


def _finished(bare: KnownRun) -> KnownRun:
    """A run that has come to its end, and one that cannot be read. Raises `InputError` for the latter."""
    path = bare.folder / MANIFEST
    if not path.is_file():
        msg = f"{bare.folder / PLAN} cannot be read; {remedy(bare.folder)}"
        raise InputError(msg)
    require_whole(bare.folder, path)
    manifest, further = read_manifest(path.read_bytes(), str(path), remedy(bare.folder))
    known = replace(_asked(bare, manifest), date=_seconds(further.get(FINISHED)) or path.stat().st_mtime)
    if gone := sum(1 for name in ChecksumList.of(bare.folder).present() if not (bare.folder / name).is_file()):
        return replace(known, state="damaged", fault=f"{gone} of its files are gone; {remedy(bare.folder)}")
    statuses = Counter(_statuses(further.get("cells")))
    failed = statuses[Failed.status]
    state: FolderState = "failed" if failed else "finished"
    if is_held(bare.folder / LOCK):
        state = "going on"
    return replace(known, state=state, cells=statuses.total(), failed=failed)


def _statuses(cells: Any) -> Iterator[str]:  # noqa: ANN401 - whatever the file holds
    """The status of each cell, as far as the file has a table of them."""
    for cell in cells if isinstance(cells, list) else ():
        yield str(cell.get(columns.STATUS)) if isinstance(cell, dict) else ""


def _seconds(finished: Any) -> float:  # noqa: ANN401 - whatever the file holds
    """A time as a manifest has it, in seconds since 1970; 0 where it has none."""
    try:
        return datetime.fromisoformat(finished).timestamp()
    except (TypeError, ValueError):
        return 0.0


def _asked(bare: KnownRun, manifest: Manifest) -> KnownRun:
    """A run with what it asks."""
    return replace(
        bare,
        protocol=manifest.protocol.name,
        question=", ".join([manifest.protocol.name, *_unusual(manifest)]),
        data=", ".join([manifest.data.title, *manifest.further]),
        setting=manifest.setting,
        detectors=tuple(manifest.detectors),
        seeds=manifest.seeds,
    )


def _unusual(manifest: Manifest) -> Iterator[str]:
    """What of a question is not as usual, in the words of the command line."""
    usual: dict[str, Any] = {"limit": None, "base_degradation": NONE, "validation": 0.0}
    chosen: dict[str, Any] = {"limit": manifest.data.limit, "base_degradation": manifest.data.base_degradation}
    chosen |= {"validation": manifest.validation, **manifest.protocol.options}
    try:
        own = fields(protocol_class(manifest.protocol.name))
    except (InputError, UnknownName):  # of a file, or of a package that is not installed any more
        own = ()
    usual |= {option.name: default_of(option) for option in own}
    for name, value in chosen.items():
        text, default = (command_line_text(one) or "" for one in (value, usual.get(name)))
        if text != default:
            yield f"{name}={text}"
