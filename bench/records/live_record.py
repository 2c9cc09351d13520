"""What a run leaves in its folder while it goes on, in `live/`, for those who look at it; gone once it has finished.

    live/plan.json                  the manifest, and every planned cell; written once, at the start
    live/progress.json              the stage that is worked on, reasons, notices; about once a second where they change
    live/trainings/<digest>.json    the epochs of a training so far
Scores are where they always are. Nothing of this is read by a run: deleting it at any time changes no result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json
from bench.platform.processes.endings import ProcessMark
from bench.records.manifest import Manifest, read_manifest

LIVE = "live"
PLAN, PROGRESS, TRAININGS = f"{LIVE}/plan.json", f"{LIVE}/progress.json", f"{LIVE}/trainings"
SCHEMA = 1  # rises when an older reader would misread a file
_COLUMNS, _ROWS, _COMMAND = "cell_columns", "cell_rows", "command"
_SCHEMA = "live_schema"
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class LivePlan:
    """What a run that goes on was planned to do.

    Attributes:
        manifest: Its manifest.
        columns: The columns of its cells.
        cells: A row of each planned cell.
        command: As it was typed.
    """

    manifest: Manifest
    columns: Sequence[str]
    cells: Sequence[Sequence[Any]]
    command: str = ""

    def to_json(self) -> bytes:
        """The file."""
        further = {_SCHEMA: SCHEMA, _COLUMNS: list(self.columns), _ROWS: [list(row) for row in self.cells]}
        return self.manifest.to_json(**further, **{_COMMAND: self.command})


@dataclass(frozen=True, slots=True)
class StageRecord:
    """A stage of the work.

    Attributes:
        name: As the terminal shows it.
        done: Steps that are done.
        total: All steps.
        started: Seconds since the epoch.
    """

    name: str
    done: int
    total: int
    started: float


@dataclass(frozen=True, slots=True)
class LeftOutKeys:
    """Cells that have no scores for one reason.

    Attributes:
        status: "skipped" or "failed".
        reason: Why.
        keys: Of the cells.
    """

    status: str
    reason: str
    keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LiveProgress:
    """How far a run is.

    Attributes:
        process: What computes it.
        started: Seconds since the epoch.
        updated: The same, when this was written.
        state: Whether it goes on, or ended by an error or a user before it had finished.
        stage: What is worked on; None before the first.
        left_out: Cells without scores.
        notices: Lines that it printed, the last ones.
        error: What ended it; empty while it goes on.
    """

    process: ProcessMark
    started: float
    updated: float
    state: Literal["running", "ended"] = "running"
    stage: StageRecord | None = None
    left_out: tuple[LeftOutKeys, ...] = ()
    notices: tuple[str, ...] = ()
    error: str = ""

    def to_json(self) -> bytes:
        """The file."""
        return _to_json(asdict(self))


@dataclass(frozen=True, slots=True)
class LiveTraining:
    """A training so far.

    Attributes:
        detector: What is trained.
        train: What it is trained on, and the seed, in a few words.
        epochs: The numbers of each epoch, by name.
        first: The number of the first of them: one that was killed goes on from its last.
    """

    detector: str
    train: str
    epochs: tuple[Mapping[str, float], ...] = field(default_factory=tuple)
    first: int = 0

    def to_json(self) -> bytes:
        """The file."""
        return _to_json(asdict(self))


def _to_json(values: Mapping[str, Any]) -> bytes:
    text = json.dumps({_SCHEMA: SCHEMA, **values}, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda half: f"\\\\u{ord(half[0]):04x}", text).encode() + b"\n"


def read_live_plan(folder: Path) -> LivePlan | None:
    """The plan of the run that goes on in a folder; None where there is none that this version reads."""
    path = folder / PLAN
    try:
        manifest, further = read_manifest(path.read_bytes(), str(path))
    except (OSError, InputError):
        return None
    columns, rows = further.get(_COLUMNS), further.get(_ROWS)
    if further.get(_SCHEMA) != SCHEMA or not isinstance(columns, list) or not isinstance(rows, list):
        return None
    if not all(isinstance(row, list) and len(row) == len(columns) for row in rows):
        return None
    return LivePlan(manifest, columns, rows, str(further.get(_COMMAND, "")))


def read_live_progress(folder: Path) -> LiveProgress | None:
    """How far the run in a folder is; None where none goes on there, or another version wrote it."""
    return _read(folder / PROGRESS, LiveProgress)


def read_live_training(path: Path) -> LiveTraining | None:
    """The training in a file; None where it is gone, or another version wrote it."""
    return _read(path, LiveTraining)


def _read(path: Path, kind: type[Record]) -> Record | None:
    from pydantic import TypeAdapter, ValidationError

    try:
        whole = parse_json(path.read_bytes())
        if not isinstance(whole, dict) or whole.pop(_SCHEMA, None) != SCHEMA:
            return None
        return TypeAdapter(kind).validate_python(whole)
    except (OSError, ValueError, ValidationError):
        return None
