"""Which route each image took through a detector of several routes, and its score along the right one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import pandas as pd

from bench.engine import Engine
from bench.fitting import Resources
from bench.passes import Chunk, Wanted, batch, chunk_rows, run_pass
from bench.plan import Planned, Selection, Selections
from detectors.api import Detector, Recipe
from detectors.routing import Routed, RoutedRecipe
from protocols.degradations import degradation


def trace(
    planned: Iterable[Planned],
    recipes: dict[str, Recipe],
    selections: Selections,
    engine: Engine,
    resources: Resources,
) -> None:
    """Record the routes of every cell that has several and is not traced yet.

    Args:
        planned: Cells with scores.
        recipes: By name.
        selections: The images of their subsets.
        engine: It has fitted the detectors.
        resources: Where to record, and how to read.
    """
    store = resources.store
    traced = store.traced()
    fits: dict[str, list[Planned]] = defaultdict(list)
    for item in planned:
        several = len(item.cell.train.generators) > 1
        if several and isinstance(recipes[item.cell.detector], RoutedRecipe) and item.key not in traced:
            fits[item.fit_key].append(item)
    total = sum(len(selections[item.cell.test].images) for items in fits.values() for item in items)
    with resources.reporter.stage("trace routes", total) as advance:
        for items in fits.values():
            name = items[0].cell.detector
            try:
                detector = engine.fitted(items[0])
                for item in items:
                    table = _routes(item, selections[item.cell.test], detector, resources)
                    store.record_routes(item.key, table)
                    advance(len(table))
            except Exception as error:  # noqa: BLE001 - scores are recorded: routes alone are missing, and said so
                resources.reporter.say(f"routes of {name} could not be traced: {type(error).__name__}: {error}")


def _routes(item: Planned, test: Selection, detector: Detector, resources: Resources) -> pd.DataFrame:
    """One row per image: its name, the route it took, and its score along the route of the test set's generator.

    That score is NaN where the test set is not of one generator, or of one that the detector was not trained on: there
    is no right route then.
    """
    if not isinstance(detector, Routed):
        msg = f"{item.cell.detector} is a recipe of several routes, so its detectors must be routed"
        raise TypeError(msg)
    generators = item.cell.test.generators
    own = detector.routes.index(generators[0]) if len(generators) == 1 and generators[0] in detector.routes else None
    wanted = Wanted(item.cell.detector, degradation(item.cell.degradation), detector.prepare)
    chunks = [Chunk(test, rows, (wanted,)) for rows in chunk_rows(len(test.images), resources.batch_size)]
    taken, oracle = [], []
    for _, prepared in run_pass(chunks, resources.workers):
        arrays = batch(prepared[wanted.consumer, wanted.degradation.name])
        taken.append(detector.route(arrays))
        right = np.full(len(arrays), -1 if own is None else own, np.int64)
        missing = np.full(len(arrays), np.nan, np.float32)
        oracle.append(missing if own is None else detector.score_along(arrays, right))
    names = np.asarray(detector.routes, dtype=object)
    return pd.DataFrame(
        {"name": test.images.names, "route": names[np.concatenate(taken)], "oracle": np.concatenate(oracle)}
    )
