"""Where the time of a run went, as tables and as one document."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from bench.analyses.time.machines import (
    FASTER,
    FITTING,
    MACHINES,
    REST,
    SCORING,
    SECONDS,
    machine_table,
    scores_by_test,
)
from bench.analyses.time.stage_limits import (
    CEILING,
    LIMIT,
    REACHED,
    STAGE_TIMES,
    TOTAL,
    ScoringLimit,
    scoring_limit,
    stage_table,
)
from bench.platform.outside.json_text import json_document
from bench.records import columns
from bench.records.outcomes import Scored
from bench.records.run import Run
from bench.records.timings import RunTimings
from bench.report.ranking_columns import DASH, DISTURBED, TableColumn, TitledTable, percent

STAGES_LEGEND = (
    "Milliseconds an image, in one thread, one stage after the other. Limit: the stage that alone lets the fewest "
    "images pass, those of the workers taken together; reached: what one thread reaches of it, in %."
)
MACHINES_LEGEND = (
    "Computed from the times of this run: machines like this one that share a cache; all fits before the first test "
    "set; fits and test sets each whole on one machine, the longest first; a test set takes a share of the time of "
    "scoring by its number of scores. The rest, as embedding the training images and writing tables, is not divided."
)
NO_TIMINGS = "No command left its times here: run it anew into another folder and with an empty cache."


@dataclass(frozen=True, slots=True)
class RunProfile:
    """Where the time of a run went.

    Attributes:
        workers: Threads that it was worked on with.
        timings: Of the command that answered it; None where they are not known.
        stages: Of its detectors, as `stage_table` gives them.
        scoring: What limited its scoring; None where that is not known.
        machines: What it would take on several machines, as `machine_table` gives it; without rows where not known,
            as where its cells were answered by several commands.
    """

    workers: int
    timings: RunTimings | None
    stages: pd.DataFrame
    scoring: ScoringLimit | None
    machines: pd.DataFrame


def profile_run(run: Run, timings: RunTimings | None, machines: Sequence[int]) -> RunProfile:
    """The profile of a run, on its own machine and on as many as are asked about."""
    tests = scores_by_test(run)
    whole = timings is not None and timings.cells >= int(run.cells[columns.STATUS].eq(Scored.status).sum())
    packed = machine_table(timings, tests, machines) if timings and whole else pd.DataFrame()
    limit = scoring_limit(run, timings) if timings else None
    return RunProfile(run.manifest.runtime.workers, timings, stage_table(run), limit, packed)


def detector_stages(table: pd.DataFrame) -> TitledTable:
    """Where the time of each detector goes: of rows as `stage_table` gives them."""

    def texts(name: str, pattern: str = "{:,.2f}") -> tuple[str, ...]:
        return tuple(DASH if math.isnan(value) else pattern.format(value) for value in table[name])

    marks = [f" {DISTURBED}" if disturbed else "" for disturbed in table[columns.DISTURBED]]
    speeds = tuple(text + mark for text, mark in zip(texts(columns.IMAGES_PER_S, "{:,.0f}"), marks, strict=True))
    return TitledTable(
        "Milliseconds an image, by stage",
        (
            TableColumn("detector", tuple(map(str, table[columns.DETECTOR])), left=True),
            *(TableColumn(name.removesuffix("_ms"), texts(name)) for name in STAGE_TIMES),
            TableColumn("total", texts(TOTAL)),
            TableColumn("images/s", speeds),
            TableColumn("limit", tuple(map(str, table[LIMIT])), left=True),
            TableColumn("limit in images/s", texts(CEILING, "{:,.0f}")),
            TableColumn("reached", tuple(percent(value) for value in table[REACHED])),
        ),
    )


def run_stages(timings: RunTimings) -> TitledTable:
    """The stages of a command, what lies between them, and the share of each."""
    between = timings.seconds - sum(stage.seconds for stage in timings.stages)
    rows = [(stage.name, f"{stage.steps:,}", stage.seconds) for stage in timings.stages]
    rows += [("all else", "", between), ("(writing scores)", "", timings.writing), ("total", "", timings.seconds)]
    return TitledTable(
        f"The command that answered {timings.cells:,} cells, with {timings.workers} workers",
        (
            TableColumn("stage", tuple(name for name, _, _ in rows), left=True),
            TableColumn("steps", tuple(steps or DASH for _, steps, _ in rows)),
            TableColumn("seconds", tuple(f"{seconds:,.1f}" for _, _, seconds in rows)),
            TableColumn("share", tuple(percent(seconds / timings.seconds) for _, _, seconds in rows)),
        ),
    )


def more_machines(table: pd.DataFrame) -> TitledTable:
    """What a run would take on several machines: of rows as `machine_table` gives them."""
    names = {SECONDS: "seconds", FITTING: "fits", SCORING: "test sets", REST: "the rest"}
    return TitledTable(
        "On more machines, in seconds",
        (
            TableColumn("machines", tuple(str(count) for count in table[MACHINES])),
            *(TableColumn(title, tuple(f"{value:,.1f}" for value in table[name])) for name, title in names.items()),
            TableColumn("times faster", tuple(f"{value:.2f}" for value in table[FASTER])),
        ),
    )


def profile_tables(profile: RunProfile) -> list[TitledTable]:
    """All tables that there is something for."""
    tables = [run_stages(profile.timings)] if profile.timings else []
    tables += [detector_stages(profile.stages)] if len(profile.stages) else []
    return tables + ([more_machines(profile.machines)] if len(profile.machines) else [])


def profile_lines(profile: RunProfile) -> list[str]:
    """What is to be said below the tables."""
    found = []
    if limit := profile.scoring:
        who = {
            "workers": f"the {profile.workers} workers, which read, decode, degrade and prepare",
            "device": "the device, which embeds, scores and decides",
            "writing": "writing, one file of scores after the other",
        }[limit.limit]
        found.append(
            f"Scoring took {limit.seconds:,.1f} s. Its limit was {who}: {limit.busy:,.1f} s of work, so "
            f"{percent(limit.reached)} % of the limit was reached."
        )
    if not profile.timings:
        found.append(NO_TIMINGS)
    if not len(profile.stages):
        found.append("No detector was timed on the data and the device of this run.")
    return found


def profile_legends(profile: RunProfile) -> list[str]:
    """How the tables are to be read."""
    legends = [STAGES_LEGEND] if len(profile.stages) else []
    if len(profile.stages) and profile.stages[columns.DISTURBED].any():
        legends.append(f"{DISTURBED}: other work used the machine; an idle one is faster.")
    return legends + ([MACHINES_LEGEND] if len(profile.machines) else [])


def profile_json(profile: RunProfile) -> str:
    """The profile as JSON; null for what is not known."""
    limit = profile.scoring
    whole = {
        "workers": profile.workers,
        "timings": asdict(profile.timings) if profile.timings else None,
        "scoring": asdict(limit) | {REACHED: limit.reached} if limit else None,
        "detectors": profile.stages.to_dict("records"),
        "machines": profile.machines.to_dict("records"),
    }
    return json_document(whole)
