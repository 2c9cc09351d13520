"""Result folders of runs that go on, made up."""

from __future__ import annotations

import time
from collections.abc import Collection
from pathlib import Path

from bench.engine.tracking.live_files import LiveFiles
from bench.platform.processes.endings import this_process
from bench.records.live_record import PLAN, PROGRESS, LivePlan, LiveProgress
from bench.records.run import Run
from bench.records.store import Store


def plan_of(run: Run, command: str = "lineup run") -> LivePlan:
    """The plan of a run, nothing of it done."""
    cells = run.cells.drop(columns="groups")
    cells = cells.assign(status=cells["status"].where(cells["status"] == "unasked", ""), reason="")
    return LivePlan(run.manifest, list(cells.columns), cells.astype("object").to_numpy().tolist(), command)


def start_run(run: Run, folder: Path) -> tuple[Store, LiveFiles]:
    """A run that this process begins in a folder."""
    store = Store.at(folder)
    return store, LiveFiles(store, plan_of(run))


def begun_run(run: Run, folder: Path, **progress: object) -> Store:
    """A run that goes on in a folder, with this progress."""
    store, now = Store.at(folder), time.time()
    store.write(PLAN, plan_of(run).to_json())
    store.write(PROGRESS, LiveProgress(this_process(), now - 60, now, **progress).to_json())
    return store


def record_cells(run: Run, store: Store, keys: Collection[str]) -> None:
    """Record the scores of some cells, as a work group."""
    scores = run.scores
    store.record_scores(scores[scores["key"].isin(keys)])
