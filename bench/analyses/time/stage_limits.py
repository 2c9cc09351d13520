"""Which stage limits a detector, and which limited the scoring of a run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.analyses.time.machines import TESTED_WITH
from bench.evaluation.speeds import chosen_timings
from bench.records import columns
from bench.records.outcomes import Scored
from bench.records.run import Run
from bench.records.timings import RunTimings

SHARED_STAGES = ("read", "decode", "degrade", "prepare")  # which workers share; the others go one after the other
TOTAL, LIMIT, CEILING, REACHED = "total_ms", "limited_by", "ceiling_per_s", "reached"
STAGE_TIMES = tuple(f"{stage}_ms" for stage in columns.STAGES)
STAGE_LIMITS = (columns.DETECTOR, *STAGE_TIMES, TOTAL, columns.IMAGES_PER_S, LIMIT, CEILING, REACHED, columns.DISTURBED)


@dataclass(frozen=True, slots=True)
class ScoringLimit:
    """What limited the stages of a run that score.

    Attributes:
        limit: "workers", which read, decode, degrade and prepare; "device", which embeds, scores and decides, and
            degrades where torch does on a card; or "writing" of scores.
        busy: Seconds that it was busy: of workers and device at least, by the times of the detectors.
        seconds: That the stages took.
    """

    limit: str
    busy: float
    seconds: float

    @property
    def reached(self) -> float:
        """The share of the limit that was reached; 1 where it was busy all the time."""
        return self.busy / self.seconds


def stage_table(run: Run) -> pd.DataFrame:
    """Where the time of each timed detector goes, and what limits it.

    A stage alone would let pass 1000 / its milliseconds images a second, and as many times more as there are workers
    where these share it; the slowest one is the limit. What was reached of it is by the detector in one thread, stage
    after stage, and with the degradations of the run.

    Args:
        run: A run.

    Returns:
        One row per timed detector, the slowest first, columns `STAGE_LIMITS`: milliseconds an image, NaN for stages
        that an earlier version did not time apart; `LIMIT`, a stage; `CEILING`, images a second; `REACHED`, in [0, 1].
    """
    timings = chosen_timings(run)
    times = timings[list(STAGE_TIMES)].to_numpy(float)
    known = np.nan_to_num(times)
    total = known.sum(axis=1)
    runtime = run.manifest.runtime
    shared = set(SHARED_STAGES) - ({"degrade"} if runtime.degrades_on_card else set())
    workers = np.array([runtime.workers if stage in shared else 1 for stage in columns.STAGES])
    alone = known / workers
    slowest = alone.argmax(axis=1)
    with np.errstate(divide="ignore"):
        ceiling = 1e3 / alone.max(axis=1)
        reached = 1e3 / total / ceiling
    found = pd.DataFrame(times, columns=list(STAGE_TIMES)).assign(
        **{
            columns.DETECTOR: timings[columns.DETECTOR].to_numpy(),
            TOTAL: total,
            columns.IMAGES_PER_S: timings[columns.IMAGES_PER_S].to_numpy(float),
            LIMIT: [columns.STAGES[place] for place in slowest],
            CEILING: ceiling,
            REACHED: reached,
            columns.DISTURBED: timings[columns.DISTURBED].to_numpy(bool),
        }
    )
    return found[list(STAGE_LIMITS)].sort_values(TOTAL, ascending=False, kind="stable", ignore_index=True)


def scoring_limit(run: Run, timings: RunTimings) -> ScoringLimit | None:
    """What limited the scoring of a run; None where not all its cells were answered then, or a detector was not timed.

    Each test set is read, decoded and degraded once for all detectors. A detector prepares and computes once for each
    of its fits, but once for all of them where heads decide about embeddings.
    """
    scored = run.cells[run.cells[columns.STATUS].eq(Scored.status)]
    table = stage_table(run).set_index(columns.DETECTOR)
    seconds = timings.scoring
    if timings.cells < len(scored) or not set(scored[columns.DETECTOR]) <= set(table.index) or not seconds:
        return None
    times = table[list(STAGE_TIMES)].fillna(0.0) / 1e3
    runtime, workers, device = run.manifest.runtime, 0.0, 0.0
    for _, cells in scored.groupby(list(TESTED_WITH), sort=False):
        images = len(run.score_table[cells[columns.KEY].iloc[0]].images)
        own = times.loc[cells[columns.DETECTOR].unique()]
        fits = cells.groupby(columns.DETECTOR).size().loc[own.index]
        passes = fits.where(own["head_ms"].eq(0), 1)
        first, degrading = own[["read_ms", "decode_ms"]].sum(axis=1).mean(), own["degrade_ms"].mean()
        workers += images * (first + (own["prepare_ms"] * passes).sum())
        device += images * ((own["copy_ms"] + own["device_ms"]) * passes + own["head_ms"] * fits).sum()
        if runtime.degrades_on_card:
            device += images * degrading
        else:
            workers += images * degrading
    busy = {"workers": workers / runtime.workers, "device": device, "writing": timings.writing}
    limit = max(busy, key=lambda name: busy[name])
    return ScoringLimit(limit, busy[limit], seconds)
