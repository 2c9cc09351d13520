"""What is shown of a run, as one value: what it is, how far it is, its matrices and curves so far."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from bench.platform.outside.json_text import json_parts
from bench.records.live_record import StageRecord

Stage = Literal["waiting", "running", "ended", "finished"]
MISSING = "missing"  # the status of a cell that is still to come


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run is.

    Attributes:
        title: What the protocol asks, in one line.
        protocol: Its name, with the options.
        data: Title and number of images.
        setting: Setting and seeds of the trainings.
        device: Device and precision.
        command: As it was typed; empty where that is not known.
    """

    title: str
    protocol: str
    data: str
    setting: str
    device: str
    command: str = ""


@dataclass(frozen=True, slots=True)
class LeftOutCells:
    """Cells without scores, and why.

    Attributes:
        status: "skipped", "failed" or "unasked".
        reason: Why.
        count: How many cells.
        detectors: Of which detectors.
    """

    status: str
    reason: str
    count: int
    detectors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccuracyMap:
    """The matrix of one detector so far.

    Attributes:
        detector: The detector.
        rows: Values of the axis of rows, group by group.
        columns: Values of the axis of columns, group by group.
        column_families: Names of the groups of columns; empty where these are no families.
        accuracies: By row and column, in [0, 1]: the mean of all cells behind it; None where one is missing.
        scored: Number of its cells that are scored.
        planned: Number of its cells.
    """

    detector: str
    rows: tuple[tuple[str, ...], ...]
    columns: tuple[tuple[str, ...], ...]
    column_families: tuple[str, ...]
    accuracies: tuple[tuple[float | None, ...], ...]
    scored: int
    planned: int


@dataclass(frozen=True, slots=True)
class TrainingCurves:
    """The epochs of one training so far.

    Attributes:
        detector: What is trained.
        train: What it is trained on.
        first: Number of its first epoch here.
        values: By name of the number, one for each epoch; None where it is undefined.
    """

    detector: str
    train: str
    first: int
    values: Mapping[str, tuple[float | None, ...]]


@dataclass(frozen=True, slots=True)
class RunState:
    """A run, as it is now.

    Attributes:
        stage: Where it stands.
        folder: Its folder, as it was given.
        facts: What it is; None while there is no run.
        axes: Names of the axes of rows and columns.
        counts: Cells by status, in planned order of "scored", "failed", "skipped", "unasked" and "missing".
        left_out: Why cells have no scores.
        step: What is worked on.
        started: Seconds since the epoch; None where that is not known.
        updated: The same, of the last change.
        step_left: Seconds until the step is done, at its rate so far; None where that is not known.
        error: What ended it.
        maps: The matrix of each detector.
        curves: The trainings, the latest last.
        more_curves: Number of trainings that are left out of `curves`.
        notices: Lines that it printed, the last ones.
    """

    stage: Stage
    folder: str
    facts: RunFacts | None = None
    axes: tuple[str, str] = ("", "")
    counts: Mapping[str, int] | None = None
    left_out: tuple[LeftOutCells, ...] = ()
    step: StageRecord | None = None
    started: float | None = None
    updated: float | None = None
    step_left: float | None = None
    error: str = ""
    maps: tuple[AccuracyMap, ...] = ()
    curves: tuple[TrainingCurves, ...] = ()
    more_curves: int = 0
    notices: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        """The state as JSON; null for what is not known."""
        return json.dumps(json_parts(asdict(self)), ensure_ascii=False, allow_nan=False).encode(
            "utf-8", "backslashreplace"
        )
