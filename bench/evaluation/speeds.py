"""How fast the detectors of a run are: of several timings, the one that speaks for each."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from bench.records import columns
from bench.records.run import Run

UNDEFINED = float("nan")


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a detector is, in images per second; NaN where it was not timed.

    Attributes:
        value: In the middle of the repeats.
        low: In the slowest one.
        high: In the fastest one.
        disturbed: Whether other work made it slower.
    """

    value: float = UNDEFINED
    low: float = UNDEFINED
    high: float = UNDEFINED
    disturbed: bool = False


def chosen_timings(run: Run) -> pd.DataFrame:
    """The timing of each detector on the run's data and runtime; a detector that was not timed has none.

    The fastest timing of the run's own recipe; where it has none, of any options, since cells may have their own. One
    that was disturbed only where there is no other.

    Returns:
        One row per timed detector, columns `columns.THROUGHPUT`; `columns.DISTURBED` is bool, False where a file of an
        earlier version does not say it.
    """
    table, runtime = run.throughput.reset_index(drop=True), run.manifest.runtime
    same = (
        table[columns.DATA].eq(run.manifest.data.digest)
        & table[columns.PROCESSOR].eq(runtime.processor)
        & table[columns.DEVICE].eq(runtime.device)
        & table[columns.PRECISION].eq(runtime.precision)
    )
    libraries = {name: record.library for name, record in run.manifest.detectors.items()}
    same &= table[columns.LIBRARY].eq(table[columns.DETECTOR].map(libraries))
    keys = {name: record.key for name, record in run.manifest.detectors.items()}
    own = table[columns.DETECTOR].map(keys).fillna("")
    recipes = table[columns.RECIPE].astype(str)
    found = table[same & own.map(_name_and_setting).eq(recipes.map(_name_and_setting))]
    found = found.assign(**{columns.DISTURBED: found[columns.DISTURBED].isin([True])})
    order = pd.DataFrame(
        {
            "own": found[columns.RECIPE].eq(own[found.index]),
            "idle": ~found[columns.DISTURBED],
            "speed": found[columns.IMAGES_PER_S],
        }
    )
    best_first = found.loc[order.sort_values(["own", "idle", "speed"], ascending=False).index]
    return best_first.drop_duplicates(columns.DETECTOR).sort_index()


def speeds_of(run: Run) -> dict[str, Speed]:
    """The speed of each timed detector, by name."""
    names = [columns.IMAGES_PER_S, columns.IMAGES_PER_S_LOW, columns.IMAGES_PER_S_HIGH, columns.DISTURBED]
    rows = chosen_timings(run)[[columns.DETECTOR, *names]].itertuples(index=False, name=None)
    return {detector: Speed(*figures) for detector, *figures in rows}


def _name_and_setting(recipe_key: str) -> tuple[str, ...]:
    """The part of a recipe's key that its options are no part of."""
    return tuple(recipe_key.partition("@")[0].split(".")[:3])
