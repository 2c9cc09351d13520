"""What answering rests on: cached embeddings of selections, and detectors fitted on them, here or side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from rich.console import Console

from bench.cache import Cache, Hashes, Shelf
from bench.curves import Curves, no_curves
from bench.passes import Chunk, Wanted, batch, chunk_rows, run_pass
from bench.plan import Planned, Selection, Selections, runtime_key
from bench.progress import Reporter
from bench.store import Store
from bench.train_set import SelectedTrainSet
from detectors.api import Array, Detector, Embedder, Embeddings, Recipe, Runtime
from protocols.degradations import NONE, degradation


@dataclass(frozen=True)
class Resources:
    """What a run works with."""

    cache: Cache
    store: Store
    reporter: Reporter
    runtime: Runtime = field(default_factory=Runtime)
    batch_size: int = 50
    workers: int = 2
    curves: Curves = no_curves


class Fitter:
    """Embeds and fits, or finds in the cache what was embedded and fitted before; `counts` tells which."""

    def __init__(self, recipes: Mapping[str, Recipe], selections: Selections, resources: Resources) -> None:
        self.counts: Counter[str] = Counter()
        self._recipes = recipes
        self._selections = selections
        self._resources = resources
        self._shelves: dict[tuple[str, str], Shelf] = {}

    def shelf(self, embedder: Embedder, name: str) -> Shelf:
        """Cached embeddings under a degradation. What changes them is the embedder, the runtime and the pixels."""
        key = f"{embedder.key}.{runtime_key(self._resources.runtime)}"
        if (key, name) not in self._shelves:
            self._shelves[key, name] = self._resources.cache.shelf(key, degradation(name).key)
        return self._shelves[key, name]

    def lacking(
        self, selection: Selection, pairs: Iterable[tuple[str, str]], by_key: dict[str, Embedder]
    ) -> Iterator[Chunk]:
        """The chunks of a selection in which an embedding is missing, each with what it is missing."""
        for rows in chunk_rows(len(selection.images), self._resources.batch_size):
            hashes = selection.hashes[rows.start : rows.stop]
            wanted = tuple(
                Wanted(key, degradation(name), by_key[key].prepare)
                for key, name in pairs
                if self.shelf(by_key[key], name).lacks(hashes)
            )
            if wanted:
                yield Chunk(selection, rows, wanted)

    def keep(self, embedder: Embedder, name: str, hashes: Hashes, prepared: Sequence[Array | Exception]) -> None:
        """Embed one batch and remember it."""
        embeddings = _checked_embeddings(embedder, batch(prepared))
        self.shelf(embedder, name).add(hashes, embeddings)
        self.counts["embeddings made"] += len(embeddings)

    def fitted(self, item: Planned) -> Detector:
        """The detector that an item needs, from the cache or fitted now."""
        recipe, runtime, cache = self._recipes[item.cell.detector], self._resources.runtime, self._resources.cache
        state = cache.fitted(item.fit_key)
        if state is not None:
            self.counts["fits reused"] += 1
            return recipe.restore(state, runtime)
        selection = self._selections[item.cell.train]
        train = SelectedTrainSet(selection, lambda embedder: self._embedded(selection, embedder))
        with self._resources.curves(item.cell) as watch:
            here = replace(runtime, folder=cache.fitting(item.fit_key), watch=watch)
            detector = recipe.fit(train, item.cell.seed, here)
        cache.keep_fitted(item.fit_key, detector.state(), detector.history)
        self.counts["fits made"] += 1
        return detector

    def _embedded(self, selection: Selection, embedder: Embedder) -> Embeddings:
        """Clean embeddings of a selection; a recipe may ask for those of other embedders than its own."""
        chunks = list(self.lacking(selection, [(embedder.key, NONE)], {embedder.key: embedder}))
        for chunk, prepared in run_pass(chunks, self._resources.workers):
            hashes = chunk.selection.hashes[chunk.rows.start : chunk.rows.stop]
            self.keep(embedder, NONE, hashes, prepared[embedder.key, NONE])
            self.counts["images decoded"] += len(chunk.rows)
        return self.shelf(embedder, NONE)[selection.hashes]

    def task(self, item: Planned) -> dict[str, Task]:
        """The fit of an item by its key, if it may run beside others: on a CPU, of one thread, not in the cache."""
        recipe, here = self._recipes[item.cell.detector], self._resources
        if here.runtime.device != "cpu" or not recipe.alone or here.cache.has_fitted(item.fit_key):
            return {}
        train = self._selections[item.cell.train]
        return {item.fit_key: Task(recipe, item, train, here.cache, here.store, here.runtime, here.curves)}


@dataclass(frozen=True)
class Task:
    """One fit with everything that it needs, to be handed to another process."""

    recipe: Recipe
    item: Planned
    train: Selection
    cache: Cache
    store: Store
    runtime: Runtime
    curves: Curves


def fit(task: Task) -> None:
    """Fit, and leave what was learnt in the cache."""
    subset, selection = task.item.cell.train, task.train
    resources = Resources(
        task.cache, task.store, Reporter(Console(quiet=True)), task.runtime, workers=1, curves=task.curves
    )
    selections = Selections(selection.images, selection.hashes, {subset: selection})
    Fitter({task.item.cell.detector: task.recipe}, selections, resources).fitted(task.item)


def _checked_embeddings(embedder: Embedder, arrays: Sequence[Array]) -> Embeddings:
    """Embeddings as the contract has them, or a `ValueError` that becomes the reason of a failed cell."""
    embeddings = embedder.embed(arrays)
    if embeddings.shape != (len(arrays), embedder.dim) or not np.isfinite(embeddings).all():
        msg = f"embeddings must be finite, of shape ({len(arrays)}, {embedder.dim}); got shape {embeddings.shape}"
        raise ValueError(msg)
    return embeddings
