"""A small run to see where the time goes: in a folder and with a cache of its own, which are gone afterwards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.images.data_names import EMBEDDED
from bench.images.data_sets import embedded_corpus
from bench.platform.progress import Reporter
from bench.records.run import Run
from bench.records.store import Store
from bench.records.timings import RunTimings, read_timings
from bench.request.early_checks import check_request
from bench.request.execution import execute, followed
from bench.request.planned_run import plan_run
from bench.request.run_request import RunRequest


def run_trial(request: RunRequest, reporter: Reporter) -> tuple[Run, RunTimings | None]:
    """Answer a request from nothing: no fit, embedding or answer of another run is used, and nothing is left.

    Args:
        request: Its result folder is not written.
        reporter: Shows progress.

    Returns:
        The run, and how long it took.

    Raises:
        InputError: What was asked for cannot be used.
    """
    check_request(request)
    if request.data == EMBEDDED:
        request = replace(request, data=str(embedded_corpus(request.cache, request.workers, reporter)))
    with TemporaryDirectory(prefix="lineup-trial-") as folder:
        own = replace(request, cache=Path(folder) / "cache", out=Path(folder) / "run")
        planned, store = plan_run(own, reporter), Store.at(own.out)
        with followed(planned, store, reporter) as (tracker, telling):
            run = execute(planned, store, telling, tracker)
        return run, read_timings(store.root)
