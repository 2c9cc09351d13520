"""How fast detectors are beside the golden record: images per second, on the processor that the record was made on."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pandas as pd

from bench.evaluation.speeds import chosen_timings
from bench.platform.errors import InputError
from bench.records import columns
from bench.records.run import Run
from bench.records.store import Store

SPEEDS = "speeds.csv"
SLOWEST = 0.8  # of the record's images per second, in the fastest repeat: less is slower beyond what repeats differ by
SLOWER, FASTER, UNCHANGED = "slower", "faster", "same"
OTHER_MACHINE, OTHER_WORK = "not judged: another machine", "not judged: other work ran"
_MACHINE = (columns.PROCESSOR, columns.DEVICE, columns.PRECISION, columns.BATCH_SIZE)
_RECORD = (columns.DETECTOR, *_MACHINE, columns.LIBRARY, columns.IMAGES_PER_S, columns.DISTURBED)
SPEED_CHANGES = (columns.DETECTOR, columns.PROCESSOR, "record", "now", "share", "verdict")


@dataclass(frozen=True, slots=True)
class SpeedResult:
    """Speeds beside those of the record.

    Attributes:
        table: One row per detector of both, columns `SPEED_CHANGES`: images per second, and now / record; the processor
            is the record's.
        missing: Detectors without a speed on one of both sides.
    """

    table: pd.DataFrame
    missing: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """1 where a detector is slower, else 2 where one has no speed, else 0."""
        if self.table["verdict"].eq(SLOWER).any():
            return 1
        return 2 if self.missing else 0


def write_speeds(run: Run, folder: Path) -> None:
    """Write the speeds of a timed run into the folder of the golden record."""
    Store(folder).write(SPEEDS, chosen_timings(run)[list(_RECORD)].to_csv(index=False).encode())


def read_speeds(folder: Path) -> pd.DataFrame:
    """The speeds of the golden record.

    Raises:
        InputError: There are none, or they are damaged.
    """
    path, remedy = folder / SPEEDS, "make them with --update --speed"
    try:
        table = pd.read_csv(BytesIO(path.read_bytes()), keep_default_na=False)[list(_RECORD)]
        return table.astype({columns.DETECTOR: str, columns.IMAGES_PER_S: float})
    except FileNotFoundError as error:
        raise InputError(f"{folder} holds no speeds ({SPEEDS} is missing); {remedy}") from error
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"the speeds in {path} are damaged ({error}); restore them, or {remedy}") from error


def compare_speeds(record: pd.DataFrame, now: Run) -> SpeedResult:
    """Compare the speeds of a timed run with those of the record.

    A detector is judged on the record's processor alone, with the same device, precision and batch, and where no other
    work made it slower now.

    Args:
        record: As `read_speeds` reads it.
        now: The timed run.
    """
    timings = chosen_timings(now).astype({columns.DETECTOR: str})  # an empty table has no type
    both = record.merge(timings, on=columns.DETECTOR, how="outer", suffixes=("_record", ""), indicator="side")
    known = both[both["side"].eq("both")]
    rows = []
    for row in known.to_dict(orient="records"):
        share = row[columns.IMAGES_PER_S] / row[f"{columns.IMAGES_PER_S}_record"]
        if any(row[name] != row[f"{name}_record"] for name in _MACHINE):
            verdict = OTHER_MACHINE
        elif row[columns.IMAGES_PER_S_HIGH] < SLOWEST * row[f"{columns.IMAGES_PER_S}_record"]:
            verdict = OTHER_WORK if row[columns.DISTURBED] else SLOWER
        else:
            verdict = FASTER if share > 1 / SLOWEST else UNCHANGED
        values = row[f"{columns.IMAGES_PER_S}_record"], row[columns.IMAGES_PER_S], share, verdict
        rows.append((row[columns.DETECTOR], row[f"{columns.PROCESSOR}_record"], *values))
    missing = both.loc[both["side"].ne("both"), columns.DETECTOR]
    return SpeedResult(pd.DataFrame(rows, columns=list(SPEED_CHANGES)), tuple(missing))
