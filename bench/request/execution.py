"""Executes a planned run: answer its cells, record them, time the detectors, keep what was fitted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pandas as pd

from bench.engine.cache import Cache
from bench.engine.places.one_machine import OneMachine
from bench.engine.places.work_place import WorkPlace
from bench.engine.plan import PlannedCell, detector_names, training_text
from bench.engine.run import Engine, Resources
from bench.engine.timing import TimingConditions, time_detectors
from bench.engine.tracking.live_files import LiveFiles
from bench.engine.tracking.run_tracker import CurveTracker, JoinedTrackers, RunTracker
from bench.engine.tracking.stage_times import StageTimes
from bench.engine.tracking.training_curves import TensorBoardCurves
from bench.inference.backends import backend_notes
from bench.platform.outside.spreadsheets import spreadsheet_csv
from bench.platform.processes.executors import executor
from bench.platform.processes.supervision import shared_memory
from bench.platform.progress import Reporter
from bench.platform.standard_output import output_aside
from bench.records import columns
from bench.records.live_record import LivePlan
from bench.records.manifest import Manifest
from bench.records.outcomes import Scored, Unasked
from bench.records.run import Run
from bench.records.saved_detector import SavedDetector, to_bytes
from bench.records.store import THROUGHPUT, TRAINING, Store
from bench.records.sudden_ends import calls_given_up, has_sudden_ends
from bench.records.validation import write_validation
from bench.request.devices import processor_name
from bench.request.planned_run import PlannedRun
from bench.request.run_record import cell_table, data_digest, manifest_of, validation_table, with_agreements
from detectors.identity import default_of, options_of
from detectors.isolation.calls import CallRules, call_rules
from detectors.isolation.process_state import ProcessState

if TYPE_CHECKING:
    from bench.engine.tracking.mlflow_runs import TrackedQuestion


@contextmanager
def followed(
    run: PlannedRun, store: Store, reporter: Reporter, command: str = ""
) -> Iterator[tuple[RunTracker, Reporter]]:
    """Let those who want to look at a run follow what is done in this context.

    Args:
        run: The run.
        store: Of its result folder, in which everything is written when the context is left.
        reporter: Shows progress.
        command: The run as it was typed.

    Yields:
        What is to be told of the run, and a reporter that tells it too.
    """
    record = manifest_of(run)
    cells = _planned_cells(run)
    live = LiveFiles(store, _live_plan(record, cells, command))
    times = StageTimes(store, run.request.workers)
    reporter = reporter.with_listener(live).with_listener(times)
    trackers: list[RunTracker] = [live, times]
    if run.request.tensorboard:
        trackers.append(CurveTracker(TensorBoardCurves(store.root / "tensorboard")))
    if run.request.track:
        from bench.engine.tracking.mlflow_runs import MlflowTracker

        trackers.append(MlflowTracker(run.request.track, _tracked_question(run, record, cells), reporter))
    tracker = JoinedTrackers(trackers)
    try:
        yield tracker, reporter
    except BaseException as error:
        tracker.ended(error)
        raise
    tracker.ended(None)


def _planned_cells(run: PlannedRun) -> pd.DataFrame:
    """The table of cells before any is answered: without status but for those that the data cannot answer."""
    table = cell_table(run, {item.key: Scored() for item in run.planned})
    table[columns.STATUS] = table[columns.STATUS].where(table[columns.STATUS] == Unasked.status, "")
    return table.drop(columns=columns.GROUPS)


def _live_plan(record: Manifest, cells: pd.DataFrame, command: str) -> LivePlan:
    rows = cells.astype("object").to_numpy().tolist()
    return LivePlan(record, list(cells.columns), rows, command)


def _tracked_question(run: PlannedRun, record: Manifest, cells: pd.DataFrame) -> TrackedQuestion:
    """What a tracking server is told of a run."""
    from bench.engine.tracking.mlflow_runs import TrackedQuestion

    protocol, data = record.protocol, record.data
    told = {
        "protocol": protocol.name,
        **{f"protocol.{name}": value for name, value in protocol.options.items()},
        "data": data.title,
        "images": data.images,
        "base degradation": data.base_degradation,
        "setting": record.setting,
        "seeds": ", ".join(map(str, record.seeds)),
        "detectors": ", ".join(record.detectors),
        "device": record.runtime.conditions,
        "cells": len(run.planned),
    }
    detectors = {
        name: {"detector": name, "key": one.key, **record.recipe_options.get(name, {})}
        for name, one in record.detectors.items()
    }
    axes = [name for name in columns.of_identity(protocol.axes)[1:] if cells[name].nunique() > 1]
    names = ["/".join(map(str, row)) or protocol.name for row in cells[axes].itertuples(index=False, name=None)]
    keys = zip(cells[columns.KEY], cells[columns.DETECTOR], names, strict=True)
    return TrackedQuestion(run.request.out, told, detectors, list(keys))


def execute(run: PlannedRun, store: Store, reporter: Reporter, tracker: RunTracker | None = None) -> Run:
    """Answer the planned cells, time the detectors and record everything.

    Args:
        run: The planned run.
        store: Of its result folder.
        reporter: Shows progress.
        tracker: Follows the run; None where nobody does.

    Returns:
        The run as it is recorded.
    """
    request, record = run.request, manifest_of(run)
    for line in store.set_aside_damaged():
        reporter.say(line)
    with call_rules(_rules(run, store)), output_aside(), _work_place(run, store, reporter) as place:
        resources = Resources(
            Cache.at(request.cache),
            store,
            reporter,
            run.runtime,
            request.batch_size,
            request.workers,
            tracker or RunTracker(),
            place,
            alone=has_sudden_ends(store.root),
        )
        return _execute(run, resources, record)


@contextmanager
def _work_place(run: PlannedRun, store: Store, reporter: Reporter) -> Iterator[WorkPlace]:
    """Where the work of a run is done."""
    request = run.request
    if not request.cluster:
        yield OneMachine(executor(request.executor))
        return
    from bench.cluster.cluster_place import cluster_place

    with cluster_place(request.cluster, run.runtime, reporter, request.timeout, calls_given_up(store.root)) as place:
        yield place


def _rules(run: PlannedRun, store: Store) -> CallRules:
    """What holds for calls of detectors in this run; the process that watches over this one is told of its folder."""
    shared = shared_memory()
    if shared is not None:
        shared.work_on(str(store.root.absolute()))
    record = None if shared is None else shared.calls
    return CallRules(run.request.timeout, ProcessState.now(), record, calls_given_up(store.root))


def _execute(run: PlannedRun, resources: Resources, record: Manifest) -> Run:
    """The same, by the rules of calls."""
    request, store, reporter = run.request, resources.store, resources.reporter
    engine = Engine(run.selections, resources)
    outcomes = engine.run(run.planned)
    reporter.say("Done: " + ", ".join(f"{count} {what}" for what, count in engine.counts.items() if count) + ".")
    excluded = [census.excluded.assign(data=name) for name, census in run.censuses.items()]
    store.write("excluded.csv", spreadsheet_csv(pd.concat(excluded)).encode())
    write_validation(store.root, validation_table(run, outcomes))
    before = store.last_manifest()
    store.finish(with_agreements(record, engine.agreements(run.planned), before), cell_table(run, outcomes))
    _write_training(run, resources)
    scored = [item for item in run.planned if outcomes[item.key] == Scored()]
    if request.keep_fitted:
        _write_detectors(run, scored, engine, store)
    if request.timed and request.cluster:
        reporter.say("cluster: images/s are not measured: they are of one machine, and its nodes may be many")
    elif request.timed:
        _write_timings(run, scored, engine, resources)
    for note in backend_notes(run.runtime):
        reporter.say(note)
    return store.read()


def _write_training(run: PlannedRun, resources: Resources) -> None:
    """Write the epochs of every training behind the planned cells as `TRAINING`, where there are any."""
    history, known, rows = resources.cache.history, resources.store.training(), []
    fits, recorded = {item.fit_key[:12]: item for item in run.planned}, set(known[columns.FIT])
    epochs = {key: history(item.training_key) for key, item in fits.items() if key not in recorded}
    if recorded <= fits.keys() and not any(epochs.values()):
        return  # fits of networks are large, and reading one verifies all of it
    for fit_key, item in fits.items():
        cell = item.cell
        trained_on = "" if cell.train is None else cell.train.name
        identity = {
            columns.FIT: fit_key,
            columns.DETECTOR: cell.detector,
            columns.TRAIN: trained_on,
            columns.SEED: cell.seed,
        }
        own = epochs[fit_key] if fit_key in epochs else history(item.training_key)
        rows += [{**identity, columns.EPOCH: number, **row} for number, row in enumerate(own)]
    # what is known is of fits that are not in the cache any more
    found = pd.concat([pd.DataFrame(rows), known]).drop_duplicates([columns.FIT, columns.EPOCH]) if rows else known
    resources.store.clear(TRAINING)
    if (training := found[found[columns.FIT].isin(list(fits))]).size:
        resources.store.write(TRAINING, training.to_csv(index=False).encode())


def _write_detectors(run: PlannedRun, scored: Sequence[PlannedCell], engine: Engine, store: Store) -> None:
    """Write every fitted detector behind the scored cells into the result folder, under names of their own."""
    fits = {item.fit_key: item for item in scored}
    names = detector_names({fit_key: item.cell for fit_key, item in fits.items()})
    for fit_key, item in fits.items():
        cell = item.cell
        options = {
            option.name: value
            for option in options_of(item.recipe)
            if (value := getattr(item.recipe, option.name)) != default_of(option)
        }
        saved = SavedDetector(
            item.recipe.card.name,
            item.recipe.card.version,
            item.recipe.setting,
            options,
            training_text(cell),
            cell.seed,
            run.images.title,
        )
        store.write(f"fitted/{names[fit_key]}.safetensors", to_bytes(saved, engine.detector(item).state()))


def _write_timings(run: PlannedRun, scored: Sequence[PlannedCell], engine: Engine, resources: Resources) -> None:
    """Time one fitted detector of each recipe, unless this folder has its figures already."""
    known = resources.store.throughput()
    conditions = TimingConditions(data_digest(run), processor_name(run.runtime), run.runtime, resources.batch_size)
    timed = set(zip(*(known[name] for name in columns.TIMING_CONDITIONS), strict=True))
    items: dict[str, PlannedCell] = {}  # by key of the recipe
    for item in scored:
        if conditions.values(item) not in timed:
            items.setdefault(item.recipe_key, item)
    new = time_detectors(list(items.values()), run.planned, engine, conditions, run.selections, resources.reporter)
    if len(new):
        table = new if known.empty else pd.concat([known, new])
        resources.store.write(THROUGHPUT, table.to_csv(index=False).encode())
