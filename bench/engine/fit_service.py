"""The one way to a fitted detector: from the cache, from a checkpoint, or fitted now, in this process or another."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench.engine.cache import Cache
from bench.engine.embeddings import EmbeddingService
from bench.engine.plan import PlannedCell
from bench.engine.selections import DistinctImages, Selection, Selections
from bench.engine.tracking.training_curves import CurveWriter, no_curves
from bench.engine.train_set import SampleReader, SelectionTrainSet
from bench.inference.backends import runtime_for
from detectors.api import Detector, Runtime, State
from detectors.epochs import FineTunable
from detectors.input_policy import require_input_policy, with_input_policy
from detectors.isolation.calls import contained
from protocols.api import Subset


@dataclass(frozen=True)
class FitService:
    """Fits, fine-tunes, restores or loads the detector that a cell needs.

    Attributes:
        selections: The images of every train subset.
        cache: Where what fitting learned is kept.
        embeddings: Embeddings for recipes of an embedder and a head.
        runtime: Where fits compute.
        counts: Counts decoded images, and fits made and reused.
        curves: Writes curves of trainings.
        begun: The training keys of the tasks that were given out.
        seconds: How long each fit took that was made here, by its training key.
    """

    selections: Selections | Mapping[Subset, Selection]
    cache: Cache
    embeddings: EmbeddingService
    runtime: Runtime
    counts: Counter[str]
    curves: CurveWriter = no_curves
    begun: set[str] = field(default_factory=set)
    seconds: dict[str, float] = field(default_factory=dict)

    def detector(self, item: PlannedCell) -> Detector:
        """The fitted detector of a cell. Raises what its recipe raises."""
        if (subset := item.fitted_on) is None:
            runtime = runtime_for(item.recipe, self.runtime)
            return with_input_policy(item.recipe, item.recipe.load(Path(item.cell.checkpoint), runtime))
        if (restored := self.restore(item)) is not None:
            self.counts["fits reused"] += 1
            return restored
        require_input_policy(item.recipe, self.runtime)  # a fit may take hours
        start = time.monotonic()
        detector = self._fit(item, subset)
        self.seconds[item.training_key] = time.monotonic() - start
        self.cache.write_fit(item.training_key, detector.state(), detector.history)
        self.counts["fits made"] += 1
        return with_input_policy(item.recipe, detector)

    def restore(self, item: PlannedCell) -> Detector | None:
        """The detector as it was fitted before; None where it was not."""
        state = self.cache.read_fit(item.training_key)
        if state is None:
            return None
        return with_input_policy(item.recipe, item.recipe.restore(state, runtime_for(item.recipe, self.runtime)))

    def _fit(self, item: PlannedCell, subset: Subset) -> Detector:
        recipe, seed = item.recipe, item.cell.seed
        fitted = self._state(item.base) if item.base else {}
        selection = self.selections[subset]
        reader = SampleReader(selection.pool, item.degradation(subset), self.counts)
        train = SelectionTrainSet(selection, reader, self.embeddings)
        folder = self.cache.fit_folder(item.training_key)
        with self.curves(item.cell) as callback:
            runtime = replace(runtime_for(recipe, self.runtime), checkpoint_folder=folder, on_epoch=callback)
            if item.base and isinstance(recipe, FineTunable):
                return recipe.fine_tune(fitted, train, seed, runtime)
            return recipe.fit(train, seed, runtime)

    def _state(self, item: PlannedCell) -> State:
        """What the fit of a cell learned, from the cache or fitted now."""
        if (known := self.cache.read_fit(item.training_key)) is None:
            return self.detector(item).state()
        self.counts["fits reused"] += 1
        return known

    def tasks(self, item: PlannedCell, *, every: bool = False) -> dict[str, FitTask]:
        """The fit of a cell by its `fit_key`, if it may run beside others: on a CPU, of one thread, not in the cache.

        Of cells that share a training the first has it; the others find it in the cache, and so does one that goes on
        from another fit.

        Args:
            item: The cell.
            every: Whether a fit of many threads or on a GPU may run beside others too.

        Raises:
            Unavailable: The fitted detector cannot be shown images as its recipe asks.
        """
        subset = item.fitted_on
        single_threaded = every or (self.runtime.device == "cpu" and item.recipe.single_threaded_fit)
        known = item.training_key in self.begun or self.cache.has_fit(item.training_key)
        if subset is None or not single_threaded or known:
            return {}
        if item.base and self.cache.read_fit(item.base.training_key) is None:
            return {}
        require_input_policy(item.recipe, self.runtime)
        self.begun.add(item.training_key)
        selection = self.selections[subset].with_own_pool()
        batch_size = self.embeddings.batch_size
        return {item.fit_key: FitTask(item, selection, self.cache, self.runtime, batch_size, self.curves)}


def fit_text(item: PlannedCell) -> str:
    """A fit in words, for `contained`: the same for all fits of a detector, so that it is given up as a whole."""
    return f"fitting of {item.cell.detector}"


@dataclass(frozen=True)
class FitTask:
    """One fit as a value that can be sent to another process.

    Attributes:
        item: A cell that needs it.
        train: The images that it is fitted on, with no other image in their pool.
        cache: Where the result is kept.
        runtime: Where it computes.
        batch_size: Images that are embedded together.
        curves: Writes curves of trainings.
    """

    item: PlannedCell
    train: Selection
    cache: Cache
    runtime: Runtime
    batch_size: int
    curves: CurveWriter


FitResult = tuple[Counter[str], dict[str, float]]  # as `run_fit` returns them


def run_fit(task: FitTask) -> FitResult:
    """Fit, and keep the result in the cache.

    Returns:
        The counts of decoded images, embeddings and fits; and the seconds of each fit, by its training key.
    """
    counts: Counter[str] = Counter()
    pool: DistinctImages = task.train.pool
    embeddings = EmbeddingService(pool, task.cache, task.runtime, task.batch_size, workers=1, counts=counts)
    subset = task.item.fitted_on
    selections = {} if subset is None else {subset: task.train}
    service = FitService(selections, task.cache, embeddings, task.runtime, counts, task.curves)
    with contained(fit_text(task.item)):
        service.detector(task.item)
    return counts, service.seconds
