"""Answer planned cells: embed, fit, score, record.

The engine knows two kinds of detector and no name: one whose every part is a probe answers from the embedding cache,
any other is handed prepared images. A rerun does only what is missing. Killing a run loses at most the work group in
flight: a chunk of embeddings, one fit, or the scores of the cells whose images are being read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial

from bench.engine.cache import Cache
from bench.engine.embeddings import EmbeddingRequest, EmbeddingService, require_read
from bench.engine.fit_service import FitService, FitTask, run_fit
from bench.engine.image_pass import PreparationKey, in_chunks, in_plain_words
from bench.engine.plan import PlannedCell
from bench.engine.scoring import AnswerSheet, ScoringRequest, answers, from_embeddings, only_probes
from bench.engine.scoring_plan import ScoringPlan, unit_of
from bench.engine.selections import Positions, Selections, each_once
from bench.engine.training_curves import CurveWriter, no_curves
from bench.images.image_set import ImageSet
from bench.platform.errors import InputError
from bench.platform.executors import Executor, in_processes, result_of
from bench.platform.progress import Reporter
from bench.records.columns import GENERATOR, KEY, LABEL, NAME, PREDICTED, SOURCE
from bench.records.outcomes import Failed, Outcome, Scored, Skipped
from bench.records.store import Store
from detectors.api import Answer, Detector, Embedder, Recipe, Runtime, Unavailable
from protocols.api import Cell, Subset
from protocols.degradations import degradation


@dataclass(frozen=True)
class EmbeddersOfRecipe:
    """The frozen parts of a recipe.

    Attributes:
        embedders: Of the recipe or its components.
        whole: Whether nothing else reads images: answers follow from embeddings alone.
    """

    embedders: tuple[Embedder, ...]
    whole: bool


@dataclass(frozen=True)
class Resources:
    """What a run works with."""

    cache: Cache
    store: Store
    reporter: Reporter
    runtime: Runtime = field(default_factory=Runtime)
    batch_size: int = 50
    workers: int = 2
    curves: CurveWriter = no_curves
    executor: Executor = in_processes


class Engine:
    """Answers planned cells. `counts` tells what was done and what was there already."""

    def __init__(self, selections: Selections, resources: Resources) -> None:
        self.counts: Counter[str] = Counter()
        here = resources
        self._embeddings = EmbeddingService(
            selections.pool, here.cache, here.runtime, here.batch_size, here.workers, self.counts
        )
        self._fits = FitService(selections, here.cache, self._embeddings, here.runtime, self.counts, here.curves)
        self._selections = selections
        self._resources = resources
        self._recorded: set[str] = set()  # keys of the cells whose scores are written
        self._holes: dict[str, Outcome] = {}  # by cell key, why there is no score

    def run(self, planned: Sequence[PlannedCell]) -> dict[str, Outcome]:
        """Answer every planned cell that is not recorded yet; returns the outcome of each, by key."""
        self._recorded = self._resources.store.recorded()
        missing = [item for item in planned if item.key not in self._recorded]
        self.counts["cells reused"] = len(planned) - len(missing)
        frozen = self._frozen(missing)
        going = self._going(missing)
        self._embed(planned, going, frozen)
        heads, others = ([item for item in going if frozen[item.recipe_key].whole is whole] for whole in (True, False))
        others += self._answer_heads(self._going(heads))
        self._answer_others(planned, self._going(others))
        self.counts["cells answered"] = len(self._going(missing))
        return {item.key: self._holes.get(item.key, Scored()) for item in planned}

    def detector(self, item: PlannedCell) -> Detector:
        """The fitted detector of a cell, from the cache or fitted now."""
        return self._fits.detector(item)

    def _fail(self, items: Iterable[PlannedCell], error: Exception) -> None:
        """Leave cells without scores, for this reason; the first reason stays, and what is written stays written."""
        if isinstance(error, Unavailable):
            hole: Outcome = Skipped(str(error))
        else:
            hole = Failed(f"{type(error).__name__}: {error}".splitlines()[0])
        for item in items:
            if item.key not in self._recorded:
                self._holes.setdefault(item.key, hole)

    @contextmanager
    def _guard(self, items: Iterable[PlannedCell]) -> Iterator[None]:
        """Keep one detector's trouble from stopping the others: its cells become holes with the reason."""
        try:
            yield
        except InputError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a detector raises is the reason that the table shows
            self._fail(items, in_plain_words(error))

    def _going(self, items: Iterable[PlannedCell]) -> list[PlannedCell]:
        return [item for item in items if item.key not in self._holes]

    def _frozen(self, items: Sequence[PlannedCell]) -> dict[str, EmbeddersOfRecipe]:
        """The frozen parts of every recipe that can run here, by its key."""
        found: dict[str, EmbeddersOfRecipe] = {}
        for key, recipe in {item.recipe_key: item.recipe for item in items}.items():
            with self._guard(item for item in items if item.recipe_key == key):
                found[key] = frozen_parts(recipe, self._resources.runtime)
        return found

    def _embed(
        self, planned: Sequence[PlannedCell], missing: Sequence[PlannedCell], frozen: dict[str, EmbeddersOfRecipe]
    ) -> None:
        """Fill the cache with every embedding that the missing cells need, in one pass over the images."""
        embedders: dict[str, Embedder] = {}
        users: dict[PreparationKey, list[PlannedCell]] = defaultdict(list)
        needs: dict[PreparationKey, dict[Subset, None]] = defaultdict(dict)
        for item, subsets in _reading(planned, missing, frozen):
            for embedder in frozen[item.recipe_key].embedders:
                embedders.setdefault(embedder.key, embedder)
                for subset in subsets:
                    want = embedder.key, degradation(subset.degradation).name
                    users[want].append(item)
                    needs[want][subset] = None
        wanted = [
            EmbeddingRequest(embedders[str(key)], degradation(step), self._images(subsets))
            for (key, step), subsets in needs.items()
        ]
        order = self._images(subset for item in planned for subset in _subsets(item.cell))
        lacking = each_once(self._embeddings.lacking(one) for one in wanted)
        with self._resources.reporter.stage("embed images", len(lacking)) as advance:
            for decoded, filled in self._embeddings.fill(wanted, in_chunks(order, self._resources.batch_size)):
                for part in filled:
                    if part.error is not None:
                        self._fail(users[part.embedding.want], part.error)
                advance(decoded)

    def _images(self, subsets: Iterable[Subset]) -> Positions:
        """The images of some subsets, each once."""
        return each_once(self._selections[subset].positions for subset in dict.fromkeys(subsets))

    def _answer_heads(self, items: Sequence[PlannedCell]) -> list[PlannedCell]:
        """Fit each head on cached embeddings and let it decide on cached embeddings.

        Returns:
            The cells of detectors that, once fitted, turn out to read images as well.
        """
        groups, others = _by_fit(items), []
        with self._resources.reporter.stage("fit and score heads", len(groups)) as advance:
            for group in groups:
                with self._guard(group):
                    detector = self.detector(group[0])
                    if only_probes(detector, group[0].place) or not group[0].recipe.components():
                        self._record((item, partial(self._from_embeddings, item, detector)) for item in group)
                    else:
                        others += group
                advance(1)
        return others

    def _from_embeddings(self, item: PlannedCell, detector: Detector) -> Answer:
        test, step = self._selections[item.cell.test], degradation(item.cell.test.degradation)
        return from_embeddings(
            detector, item.place, lambda embedder: self._embeddings.of(test, embedder, step), len(test.images)
        )

    def _record(self, answered: Iterable[tuple[PlannedCell, Callable[[], Answer]]]) -> None:
        """Write the answers of a work group, each as its cell's task wants it; one that breaks is a hole."""
        group = []
        for item, answer in answered:
            images = self._selections[item.cell.test].images
            with self._guard([item]):
                group.append((item.key, _named(images, item.cell.test.data), _for_task(item, answer(), images)))
        if group:
            self._resources.store.record(group)
            self._recorded |= {key for key, _, _ in group}

    def _answer_others(self, planned: Sequence[PlannedCell], items: Sequence[PlannedCell]) -> None:
        """Fit each network, then let all of them score in one pass over the test images."""
        detectors = self._fitted(items)
        heads = {key for key, detector in detectors.items() if only_probes(detector, ())}
        going = self._going(items)
        frozen, reading = ([item for item in going if (item.fit_key in heads) is head] for head in (True, False))
        self._record((item, partial(self._from_embeddings, item, detectors[item.fit_key])) for item in frozen)
        self._score(planned, reading, detectors)

    def _read_off(self, item: PlannedCell, sheet: AnswerSheet) -> Answer:
        """The answer about the test images of a cell."""
        return sheet[self._selections[item.cell.test].positions]

    def _fitted(self, items: Sequence[PlannedCell]) -> dict[str, Detector]:
        """The detectors of some cells by the key of their fit, those of one thread fitted side by side."""
        detectors: dict[str, Detector] = {}
        tasks: dict[str, FitTask] = {}
        for group in _by_fit(items):
            with self._guard(group):
                tasks |= self._fits.tasks(group[0])
        groups = _by_fit(self._going(items))
        with (
            self._resources.reporter.stage("train networks", len(groups)) as advance,
            self._resources.executor(run_fit, tasks, self._resources.workers) as futures,
        ):
            for group in groups:
                key = group[0].fit_key
                with self._guard(group):
                    counts = result_of(futures[key]) if key in futures else None
                    self.counts.update(counts or {})
                    made = self._fits.restored(group[0]) if counts else None
                    detectors[key] = made or self.detector(group[0])
                advance(1)
        return detectors

    def _score(
        self, planned: Sequence[PlannedCell], missing: Sequence[PlannedCell], detectors: dict[str, Detector]
    ) -> None:
        """Ask fitted detectors about the test images of the missing cells, and record each cell when it is complete."""
        work = ScoringPlan(self._selections, planned, missing, self._resources.batch_size)
        asked = [
            ScoringRequest(unit, detectors[unit[0]], items[0].place, degradation(unit[1]), work.images(unit))
            for unit, items in work.units.items()
        ]
        pool = self._selections.pool
        sheets = {unit: AnswerSheet(len(pool)) for unit in work.units}
        total = len(each_once(one.images for one in asked))
        with self._resources.reporter.stage("score networks", total) as advance:
            passed = answers(
                pool.__getitem__, len(pool), work.chunks, asked, self._embeddings.kept, self._resources.workers
            )
            for chunk, answered in passed:
                require_read(pool, chunk.unread)
                for one in answered:
                    if isinstance(one.answer, Exception):
                        self._fail(work.units[one.name], one.answer)
                    else:
                        sheets[one.name].add(one.images, one.answer)
                done = self._going(work.completed(chunk.images))
                self._record((item, partial(self._read_off, item, sheets[unit_of(item)])) for item in done)
                self.counts["images decoded"] += chunk.decoded
                advance(chunk.decoded)


def _reading(
    planned: Sequence[PlannedCell], missing: Sequence[PlannedCell], frozen: dict[str, EmbeddersOfRecipe]
) -> Iterator[tuple[PlannedCell, list[Subset]]]:
    """The cells that need embeddings, with the subsets of which.

    A detector that reads images too is asked chunk by chunk, and a chunk may hold images of cells that are answered.
    """
    units = {unit_of(item): item for item in missing if not frozen[item.recipe_key].whole}
    for item in missing:
        yield item, _subsets(item.cell)
    for item in planned:
        if unit_of(item) in units:
            yield units[unit_of(item)], [item.cell.test]


def frozen_parts(recipe: Recipe, runtime: Runtime) -> EmbeddersOfRecipe:
    """The frozen parts of a recipe and its components. Raises `Unavailable` where weights are missing."""
    if (embedder := recipe.embedder(runtime)) is not None:
        return EmbeddersOfRecipe((embedder,), whole=True)
    parts = [frozen_parts(component, runtime) for component in recipe.components()]
    embedders = tuple(embedder for part in parts for embedder in part.embedders)
    return EmbeddersOfRecipe(embedders, whole=bool(parts) and all(part.whole for part in parts))


def _subsets(cell: Cell) -> list[Subset]:
    """What a cell reads: for its training, then for its test."""
    return [subset for subset in (cell.train, cell.test) if subset is not None]


def _by_fit(items: Iterable[PlannedCell]) -> list[list[PlannedCell]]:
    groups: dict[str, list[PlannedCell]] = defaultdict(list)
    for item in items:
        groups[item.fit_key].append(item)
    return list(groups.values())


def _named(images: ImageSet, data: str) -> ImageSet:
    """The images as records name them: those of a further data set with its name before theirs."""
    if not data:
        return images
    told = {name: data + ":" + images.table[name] for name in (NAME, SOURCE)}
    return replace(images, table=images.table.assign(**told))


def _for_task(item: PlannedCell, answer: Answer, images: ImageSet) -> Answer:
    """The answer with what the cell's task needs.

    Raises:
        Unavailable: The detector cannot do it.
        ValueError: A diagnostic has the name of something else.
    """
    if taken := {KEY, NAME, GENERATOR} & set(answer.diagnostics):
        msg = f"a diagnostic cannot be called {', '.join(sorted(taken))}: that is a column already"
        raise ValueError(msg)
    if item.cell.task == "binary":
        return answer
    if PREDICTED not in answer.diagnostics:
        msg = f"{item.cell.detector} does not say which of several generators made an image: ask what is real instead"
        raise Unavailable(msg)
    made_by = images.table[GENERATOR].where(images.table[LABEL] == 1, "").to_numpy()
    return Answer(answer.scores, {**answer.diagnostics, GENERATOR: made_by})
