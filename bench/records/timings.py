"""How long a command took to answer cells, in the result folder: what it did, stage by stage, and every fit.

    timings.json    of the last command that answered or fitted anything; a command that found all done leaves it alone
No score and no key depends on it; deleting it costs `lineup profile` its first and last table.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.platform.outside.json_text import parse_json
from bench.records.whole_files import damaged, require_whole

TIMINGS = "timings.json"
SCHEMA = 1  # rises when an older reader would misread the file
_SCHEMA = "timings_schema"
FIT_BASES, FIT = "fit what is fine-tuned", "fit or load detectors"  # names of stages
SCORE, SCORE_ATTACKED = "score", "attack and score"


@dataclass(frozen=True, slots=True)
class StageTiming:
    """A stage of a command.

    Attributes:
        name: As the terminal shows it.
        steps: Steps that were done: images, fits or detectors.
        seconds: By the clock, from its begin to its last step.
    """

    name: str
    steps: int
    seconds: float


@dataclass(frozen=True, slots=True)
class FitTiming:
    """A fit.

    Attributes:
        detector: Of a cell that it was made for.
        train: The name of its train subset.
        seed: Its seed.
        seconds: By the clock; fits that run side by side slow each other down.
    """

    detector: str
    train: str
    seed: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RunTimings:
    """How long a command took.

    Attributes:
        seconds: By the clock, from the plan to the last table; what was checked before the plan is not in it.
        workers: Threads that read and prepare, and processes that fit.
        cells: Cells that it answered: others were there.
        stages: In the order in which they were worked on.
        fits: Those that were made.
        writing: Seconds that the scores took to be written, within the stages that score.
    """

    seconds: float
    workers: int
    cells: int
    stages: tuple[StageTiming, ...] = ()
    fits: tuple[FitTiming, ...] = ()
    writing: float = 0.0

    @property
    def fitting(self) -> float:
        """Seconds of the stages that fit."""
        return self._seconds_of(FIT_BASES, FIT)

    @property
    def scoring(self) -> float:
        """Seconds of the stages that score."""
        return self._seconds_of(SCORE, SCORE_ATTACKED)

    def _seconds_of(self, *names: str) -> float:
        return sum(stage.seconds for stage in self.stages if stage.name in names)

    def to_json(self) -> bytes:
        """The file."""
        return json.dumps({_SCHEMA: SCHEMA, **asdict(self)}, indent=1, ensure_ascii=False).encode() + b"\n"


def read_timings(folder: Path) -> RunTimings | None:
    """The timings of the run in a folder; None where there are none, or another version wrote them.

    Raises:
        InputError: They are damaged.
    """
    from pydantic import TypeAdapter, ValidationError

    path = folder / TIMINGS
    if not path.is_file():
        return None
    require_whole(folder, path)
    try:
        whole = parse_json(path.read_bytes())
        schema = whole.pop(_SCHEMA, None) if isinstance(whole, dict) else SCHEMA
        return TypeAdapter(RunTimings).validate_python(whole) if schema == SCHEMA else None
    except (OSError, ValueError, ValidationError) as error:
        raise damaged(folder, path, error) from error
