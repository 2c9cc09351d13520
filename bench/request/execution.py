"""Executes a planned run: answer its cells, record them, time the detectors, keep what was fitted."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from bench.engine.cache import Cache
from bench.engine.plan import PlannedCell, detector_names, training_text
from bench.engine.run import Engine, Resources
from bench.engine.timing import TimingConditions, time_detectors
from bench.engine.training_curves import TensorBoardCurves, no_curves
from bench.platform.executors import executor
from bench.platform.progress import Reporter
from bench.records import columns
from bench.records.outcomes import Scored
from bench.records.run import Run
from bench.records.saved_detector import SavedDetector, to_bytes
from bench.records.store import THROUGHPUT, TRAINING, Store
from bench.records.validation import write_validation
from bench.request.devices import processor_name
from bench.request.planned_run import PlannedRun
from bench.request.run_record import cell_table, data_digest, manifest_of, validation_table
from detectors.identity import default_of, options_of


def execute(run: PlannedRun, store: Store, reporter: Reporter) -> Run:
    """Answer the planned cells, time the detectors and record everything."""
    request, record = run.request, manifest_of(run)
    curves = TensorBoardCurves(store.root / "tensorboard") if request.tensorboard else no_curves
    resources = Resources(
        Cache(request.cache),
        store,
        reporter,
        run.runtime,
        request.batch_size,
        request.workers,
        curves,
        executor(request.executor),
    )
    engine = Engine(run.selections, resources)
    outcomes = engine.run(run.planned)
    reporter.say("Done: " + ", ".join(f"{count} {what}" for what, count in engine.counts.items() if count) + ".")
    excluded = [census.excluded.assign(data=name) for name, census in run.censuses.items()]
    store.write("excluded.csv", pd.concat(excluded).to_csv(index=False).encode())
    write_validation(store.root, validation_table(run, outcomes))
    store.finish(record, cell_table(run, outcomes))
    _write_training(run, resources)
    scored = [item for item in run.planned if outcomes[item.key] == Scored()]
    if request.keep_fitted:
        _write_detectors(run, scored, engine, store)
    if request.timed:
        _write_timings(run, scored, engine, resources)
    return store.read()


def _write_training(run: PlannedRun, resources: Resources) -> None:
    """Write the epochs of every training behind the planned cells as `TRAINING`, where there are any."""
    rows = []
    for fit_key, item in {item.fit_key: item for item in run.planned}.items():
        cell = item.cell
        trained_on = "" if cell.train is None else cell.train.name
        identity = {
            columns.FIT: fit_key[:12],
            columns.DETECTOR: cell.detector,
            columns.TRAIN: trained_on,
            columns.SEED: cell.seed,
        }
        epochs = resources.cache.history(item.training_key)
        rows += [{**identity, columns.EPOCH: number, **row} for number, row in enumerate(epochs)]
    known = resources.store.training()  # of fits that are not in the cache any more
    found = pd.concat([pd.DataFrame(rows), known]).drop_duplicates([columns.FIT, columns.EPOCH]) if rows else known
    resources.store.clear(TRAINING)
    planned = [item.fit_key[:12] for item in run.planned]
    if (training := found[found[columns.FIT].isin(planned)]).size:
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
        if conditions.values(item.recipe_key) not in timed:
            items.setdefault(item.recipe_key, item)
    new = time_detectors(list(items.values()), run.planned, engine, conditions, run.selections, resources.reporter)
    if len(new):
        table = new if known.empty else pd.concat([known, new])
        resources.store.write(THROUGHPUT, table.to_csv(index=False).encode())
