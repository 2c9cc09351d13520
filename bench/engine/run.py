"""Answer planned cells: embed, fit, score, record.

The engine knows two kinds of detector and no name: a probe, or a composite of probes alone, answers from the embedding
cache, any other is handed prepared images. A rerun does only what is missing. Killing a run loses at most the work
group in flight: a chunk of embeddings, one fit, or the scores of the cells whose images are being read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from bench.engine.cache import Cache
from bench.engine.embeddings import EmbeddingService, RecipeEmbedders, plan_embeddings, recipe_embedders
from bench.engine.fit_service import FitService, FitTask, run_fit
from bench.engine.image_pass import split_into_chunks
from bench.engine.outcome_log import OutcomeLog
from bench.engine.plan import PlannedCell
from bench.engine.scoring.attacked_images import attack_degradation, by_label, labels_of
from bench.engine.scoring.batch_answers import answer_from_embeddings, needs_only_embeddings
from bench.engine.scoring.score_images import AnswerTable, ScoredChunk, ScoringRequest, score_pool
from bench.engine.scoring.scoring_plan import ScoringPlan
from bench.engine.selections import Positions, Selections, unique_positions
from bench.engine.training_curves import CurveWriter, no_curves
from bench.images.image_set import ImageSet
from bench.platform.executors import Executor, in_processes, task_result
from bench.platform.progress import Reporter
from bench.records.columns import GENERATOR, KEY, LABEL, NAME, PREDICTED, SOURCE
from bench.records.outcomes import Outcome
from bench.records.store import Store
from detectors.api import Answer, Detector, Labels, Runtime, Unavailable
from detectors.differentiable import Differentiable
from protocols.attacks import parse_attack
from protocols.degradations import Degradation, parse_degradation


@dataclass(frozen=True)
class Resources:
    """What a run works with.

    Attributes:
        cache: Where hashes, embeddings and fits are kept.
        store: Where scores are recorded.
        reporter: Shows progress.
        runtime: Where detectors compute.
        batch_size: Images that are embedded or scored together.
        workers: Threads that read and prepare, and processes that fit.
        curves: Writes curves of trainings.
        executor: Where fits of one thread run.
    """

    cache: Cache
    store: Store
    reporter: Reporter
    runtime: Runtime = field(default_factory=Runtime)
    batch_size: int = 50
    workers: int = 2
    curves: CurveWriter = no_curves
    executor: Executor = in_processes


class Engine:
    """Answers planned cells.

    Attributes:
        counts: How many images were decoded, embeddings and fits made or reused, and cells answered or reused.
    """

    def __init__(self, selections: Selections, resources: Resources) -> None:
        self.counts: Counter[str] = Counter()
        self._embeddings = EmbeddingService(
            selections.pool,
            resources.cache,
            resources.runtime,
            resources.batch_size,
            resources.workers,
            self.counts,
        )
        self._fits = FitService(
            selections, resources.cache, self._embeddings, resources.runtime, self.counts, resources.curves
        )
        self._selections = selections
        self._resources = resources
        self._log = OutcomeLog(())

    def run(self, planned: Sequence[PlannedCell]) -> dict[str, Outcome]:
        """Answer every planned cell that is not recorded yet; returns the outcome of each, by key."""
        self._log = OutcomeLog(self._resources.store.recorded())
        missing = self._log.missing(planned)
        missing = self._reuse_answers(missing)
        self.counts["cells reused"] = len(planned) - len(missing)
        self._run([item for item in planned if not item.target], [item for item in missing if not item.target])
        self._answer_attacked(
            [item for item in planned if item.target],
            self._log.without_failure([item for item in missing if item.target]),
        )
        self.counts["cells answered"] = len(self._log.without_failure(missing))
        return self._log.outcomes(planned)

    def _reuse_answers(self, missing: Sequence[PlannedCell]) -> list[PlannedCell]:
        """Record the cells that a run of another protocol answered, from the cache; returns the others."""
        for group in _by_fit(missing):
            known = {item.key: self._resources.cache.read_answer(item.key) for item in group}
            self._record_answers((item, answer) for item in group if (answer := known[item.key]) is not None)
        return self._log.missing(missing)

    def _run(self, planned: Sequence[PlannedCell], missing: Sequence[PlannedCell]) -> None:
        """Answer the missing ones of some cells, none of which has an attack."""
        embedders = self._embedders(missing)
        available = self._log.without_failure(missing)
        self._embed(planned, available, embedders)
        heads = [item for item in available if embedders[item.recipe_key].sufficient]
        others = [item for item in available if not embedders[item.recipe_key].sufficient]
        others += self._answer_heads(self._log.without_failure(heads))
        self._answer_others(planned, self._log.without_failure(others))

    def _answer_attacked(self, planned: Sequence[PlannedCell], missing: Sequence[PlannedCell]) -> None:
        """Answer cells whose images are attacked, in one pass over them: what is attacked for one run is not kept."""
        if not missing:
            return
        for item in missing:
            if item.missing:
                self._log.fail([item], Unavailable(item.missing))
        targets = self._targets(self._log.without_failure(missing))
        detectors = self._fit(self._log.without_failure(missing))
        self._score(planned, self._log.without_failure(missing), detectors, targets)

    def _targets(self, items: Sequence[PlannedCell]) -> dict[str, Differentiable]:
        """The fitted detectors that are attacked for some cells, by the key of their fit."""
        found: dict[str, Differentiable] = {}
        for target in {item.target.fit_key: item.target for item in items if item.target}.values():
            name = target.cell.detector
            with self._log.failures_of(
                [item for item in items if item.target and item.target.fit_key == target.fit_key]
            ):
                if not self._log.without_failure([target]):
                    msg = f"{name}, which is to be attacked, has no answer of its own"
                    raise Unavailable(msg)
                detector = self.detector(target)
                if not isinstance(detector, Differentiable):
                    msg = f"{name} has no gradient to follow: attack another detector"
                    raise Unavailable(msg)
                found[target.fit_key] = detector
        return found

    def detector(self, item: PlannedCell) -> Detector:
        """The fitted detector of a cell, from the cache or fitted now."""
        return self._fits.detector(item)

    def _embedders(self, items: Sequence[PlannedCell]) -> dict[str, RecipeEmbedders]:
        """The embedders of every recipe that can run here, by its key."""
        for item in items:
            if item.missing:
                self._log.fail([item], Unavailable(item.missing))
        present = [item for item in items if not item.missing]
        found: dict[str, RecipeEmbedders] = {}
        for key, recipe in {item.recipe_key: item.recipe for item in present}.items():
            with self._log.failures_of([item for item in present if item.recipe_key == key]):
                found[key] = recipe_embedders(recipe, self._resources.runtime)
        return found

    def _embed(
        self, planned: Sequence[PlannedCell], missing: Sequence[PlannedCell], embedders: Mapping[str, RecipeEmbedders]
    ) -> None:
        """Fill the cache with every embedding that the missing cells need, in one pass over the images."""
        plan = plan_embeddings(planned, missing, embedders, self._selections)
        order = self._selections.positions(subset for item in planned for subset in item.subsets)
        chunks = split_into_chunks(order, self._resources.batch_size)
        images = unique_positions(map(self._embeddings.missing, plan.requests))
        with self._resources.reporter.stage("embed images", len(images)) as advance:
            for decoded, embedded in self._embeddings.fill(plan.requests, chunks):
                for part in embedded:
                    if part.error is not None:
                        self._log.fail(plan.users[part.request.key], part.error)
                advance(decoded)

    def _answer_heads(self, items: Sequence[PlannedCell]) -> list[PlannedCell]:
        """Fit each head on cached embeddings, and score cached embeddings with it.

        Returns:
            The cells of detectors that, once fitted, turn out to read images as well.
        """
        groups, others = _by_fit(items), []
        with self._resources.reporter.stage("fit and score heads", len(groups)) as advance:
            for group in groups:
                with self._log.failures_of(group):
                    detector = self.detector(group[0])
                    if needs_only_embeddings(detector) or not group[0].recipe.components():
                        self._record((item, partial(self._answer_from_embeddings, item, detector)) for item in group)
                    else:
                        others += group
                advance(1)
        return others

    def _answer_from_embeddings(self, item: PlannedCell, detector: Detector) -> Answer:
        test, step = self._selections[item.cell.test], parse_degradation(item.cell.test.common_degradation)
        return answer_from_embeddings(
            detector, lambda embedder: self._embeddings.embed(test, embedder, step), len(test.images)
        )

    def _record(self, answers: Iterable[tuple[PlannedCell, Callable[[], Answer]]]) -> None:
        """Write the answers of a work group; a cell whose answer raises fails."""
        group = []
        for item, answer in answers:
            with self._log.failures_of([item]):
                images = self._selections[item.cell.test].images
                group.append((item, _recorded_answer(item, answer(), images)))
                self._resources.cache.write_answer(item.key, group[-1][1])
        self._record_answers(group)

    def _record_answers(self, answers: Iterable[tuple[PlannedCell, Answer]]) -> None:
        """Write answers with the diagnostics that their tasks need into the result folder."""
        group = []
        for item, answer in answers:
            images = _recorded_images(self._selections[item.cell.test].images, item.cell.test.data)
            group.append((item.key, images, answer))
        if group:
            self._resources.store.record(group)
            self._log.add_recorded(key for key, _, _ in group)

    def _answer_others(self, planned: Sequence[PlannedCell], items: Sequence[PlannedCell]) -> None:
        """Fit each network, then let all of them score in one pass over the test images."""
        detectors = self._fit(items)
        heads = {key for key, detector in detectors.items() if needs_only_embeddings(detector)}
        items = self._log.without_failure(items)
        self._record(
            (item, partial(self._answer_from_embeddings, item, detectors[item.fit_key]))
            for item in items
            if item.fit_key in heads
        )
        self._score(planned, [item for item in items if item.fit_key not in heads], detectors)

    def _fit(self, items: Sequence[PlannedCell]) -> dict[str, Detector]:
        """The detectors of some cells by the key of their fit, those of one thread fitted side by side."""
        detectors: dict[str, Detector] = {}
        tasks: dict[str, FitTask] = {}
        for group in _by_fit(items):
            with self._log.failures_of(group):
                tasks |= self._fits.tasks(group[0])
        groups = _by_fit(self._log.without_failure(items))
        with (
            self._resources.reporter.stage("train or load networks", len(groups)) as advance,
            self._resources.executor(run_fit, tasks, self._resources.workers) as futures,
        ):
            for group in groups:
                key = group[0].fit_key
                with self._log.failures_of(group):
                    counts = task_result(futures[key]) if key in futures else None
                    self.counts.update(counts or {})
                    restored = self._fits.restore(group[0]) if counts else None
                    detectors[key] = restored or self.detector(group[0])
                advance(1)
        return detectors

    def _score(
        self,
        planned: Sequence[PlannedCell],
        missing: Sequence[PlannedCell],
        detectors: Mapping[str, Detector],
        targets: Mapping[str, Differentiable] | None = None,
    ) -> None:
        """Let fitted detectors score the test images of the missing cells; a cell is recorded when it is complete.

        Args:
            planned: All cells of the kind.
            missing: Those that are to be answered.
            detectors: By the key of their fit.
            targets: Where images are attacked, the detectors that they are attacked for, by the key of their fit.
        """
        plan = ScoringPlan(self._selections, planned, missing, self._resources.batch_size)
        labels = None if targets is None else labels_of(planned, self._selections)
        requests = [
            ScoringRequest(key, detectors[key[0]], items[0].path, degradation, images)
            for key, items in plan.missing.items()
            for degradation, images in _shown(items[0], plan.images(key), targets or {}, labels)
        ]
        tables = {request.key: AnswerTable(len(self._selections.pool)) for request in requests}
        images = unique_positions(request.images for request in requests)
        stage = "score networks" if targets is None else "attack and score"
        with self._resources.reporter.stage(stage, len(images)) as advance:
            for chunk, scored in score_pool(plan.chunks, requests, self._embeddings, from_cache=targets is None):
                self._collect(scored, plan, tables)
                completed = self._log.without_failure(plan.completed(chunk.images))
                self._record((item, partial(self._recall, item, tables[item.scoring_key])) for item in completed)
                advance(chunk.decoded)

    def _collect(
        self, scored: Iterable[ScoredChunk], plan: ScoringPlan, tables: Mapping[tuple[str, str], AnswerTable]
    ) -> None:
        """Add the answers about a chunk to the tables; cells whose detector raised fail."""
        for part in scored:
            if isinstance(part.answer, Exception):
                self._log.fail(plan.missing[part.key], part.answer)
            else:
                tables[part.key].add(part.images, part.answer)

    def _recall(self, item: PlannedCell, table: AnswerTable) -> Answer:
        """The answer about the test images of a cell."""
        return table[self._selections[item.cell.test].positions]


def _shown(
    item: PlannedCell, images: Positions, targets: Mapping[str, Differentiable], labels: Labels | None
) -> Iterator[tuple[Degradation, Positions]]:
    """What the images of a scoring key go through: all of them the same, or those of each label another attack."""
    after = parse_degradation(item.cell.test.common_degradation)
    if labels is None or item.cell.attack is None or item.target is None:
        yield after, images
        return
    method, key = parse_attack(item.cell.attack.method), item.target.fit_key
    for label, of_label in by_label(images, labels):
        yield attack_degradation(method, targets[key], key, label, after), of_label


def _by_fit(items: Iterable[PlannedCell]) -> list[list[PlannedCell]]:
    """Cells in groups that share a fitted detector."""
    groups: dict[str, list[PlannedCell]] = defaultdict(list)
    for item in items:
        groups[item.fit_key].append(item)
    return list(groups.values())


def _recorded_images(images: ImageSet, data: str) -> ImageSet:
    """The images as records name them: those of a further data set with its name before theirs."""
    if not data:
        return images
    names = {column: data + ":" + images.table[column] for column in (NAME, SOURCE)}
    return replace(images, table=images.table.assign(**names))


def _recorded_answer(item: PlannedCell, answer: Answer, images: ImageSet) -> Answer:
    """The answer with the diagnostics that the cell's task needs.

    Raises:
        Unavailable: The detector cannot do it.
        ValueError: A diagnostic has the name of something else.
    """
    if reserved := {KEY, NAME, GENERATOR} & set(answer.diagnostics):
        msg = f"a diagnostic cannot be called {', '.join(sorted(reserved))}: that is a column already"
        raise ValueError(msg)
    if item.cell.task == "binary":
        return answer
    if PREDICTED not in answer.diagnostics:
        msg = f"{item.cell.detector} does not say which of several generators made an image: ask what is real instead"
        raise Unavailable(msg)
    generators = images.table[GENERATOR].where(images.table[LABEL] == 1, "").to_numpy()
    return replace(answer, diagnostics={**answer.diagnostics, GENERATOR: generators})
