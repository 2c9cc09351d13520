"""Answer planned cells: embed, fit, score, record.

The engine knows no name of a detector: first what is fitted on embeddings gets them from the cache or has them made,
then everything is fitted, then all detectors score in one pass over the test images. A rerun does only what is missing.
Killing a run loses at most the work group in flight: a chunk of embeddings, one fit, or the scores of the cells whose
images are being read.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from bench.engine.cache import Cache
from bench.engine.embeddings import EmbeddingService, plan_embeddings, recipe_embedders
from bench.engine.fit_service import FitService, FitTask, fit_text
from bench.engine.image_pass import split_into_chunks
from bench.engine.outcome_log import OutcomeLog
from bench.engine.places.one_machine import OneMachine
from bench.engine.places.work_place import ScoringWork, WorkPlace
from bench.engine.plan import PlannedCell
from bench.engine.scoring.agreement import Agreement, AgreementCheck
from bench.engine.scoring.attacked_images import BOTH, Attackers, labels_of
from bench.engine.scoring.score_images import AnswerTable, ScoredChunk, ScoringRequest
from bench.engine.scoring.scoring_plan import ScoringPlan
from bench.engine.selections import Positions, Selections, unique_positions
from bench.engine.tracking.run_tracker import RunTracker
from bench.images.image_set import ImageSet
from bench.platform.progress import Reporter
from bench.records.columns import GENERATOR, KEY, LABEL, NAME, PREDICTED, SOURCE
from bench.records.outcomes import Outcome
from bench.records.store import Store
from bench.records.timings import FIT, FIT_BASES, SCORE, SCORE_ATTACKED
from detectors.api import Answer, Detector, Embedder, Labels, Runtime, Unavailable
from detectors.differentiable import Differentiable
from detectors.isolation.calls import contained
from protocols.degradations import Degradation


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
        tracker: Follows the run.
        place: Where embeddings, fits and scores are made.
        alone: Whether images are prepared one at a time: a call that ended an earlier run is to be found.
    """

    cache: Cache
    store: Store
    reporter: Reporter
    runtime: Runtime = field(default_factory=Runtime)
    batch_size: int = 50
    workers: int = 2
    tracker: RunTracker = field(default_factory=RunTracker)
    place: WorkPlace = field(default_factory=OneMachine)
    alone: bool = False


@dataclass(frozen=True)
class FitNeed:
    """A fit that some cells need.

    Attributes:
        item: A cell of that fit.
        users: The cells that fail where it does.
    """

    item: PlannedCell
    users: list[PlannedCell]


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
            1 if resources.alone else resources.workers,
            self.counts,
        )
        self._fits = FitService(
            selections, resources.cache, self._embeddings, resources.runtime, self.counts, resources.tracker.curves
        )
        self._selections = selections
        self._resources = resources
        self._log = OutcomeLog(())
        self._agreement = AgreementCheck.on((), selections, resources.cache, resources.runtime)

    def run(self, planned: Sequence[PlannedCell]) -> dict[str, Outcome]:
        """Answer every planned cell that is not recorded yet; returns the outcome of each, by key."""
        self._log = OutcomeLog(self._resources.store.recorded(), self._resources.tracker.left_out)
        missing = self._reuse_answers(self._log.missing(planned))
        self.counts["cells reused"] = len(planned) - len(missing)
        resources = self._resources
        self._agreement = AgreementCheck.on(planned, self._selections, resources.cache, resources.runtime)
        self._embed_for_fits(planned, missing)
        detectors = self._fit(self._log.without_failure(missing))
        self._agreement = replace(self._agreement)  # without the images, decoded, that it compared on
        self._score(planned, self._log.without_failure(missing), detectors)
        self._score_attacked(planned, self._log.without_failure(missing), detectors)
        self.counts["cells answered"] = len(self._log.without_failure(missing))
        return self._log.outcomes(planned)

    def agreements(self, planned: Sequence[PlannedCell]) -> dict[str, list[Agreement]]:
        """How far the scores of the fits of some cells are from torch's, by detector, where that is known."""
        found: dict[str, list[Agreement]] = defaultdict(list)
        for item in (group[0] for group in _by_fit(planned)):
            if agreement := self._agreement.known(item):
                found[item.cell.detector].append(agreement)
        return found

    def detector(self, item: PlannedCell) -> Detector:
        """The fitted detector of a cell, from the cache or fitted now."""
        return self._compared(item, self._fits.detector(item))

    def _compared(self, item: PlannedCell, detector: Detector) -> Detector:
        """A fitted detector whose scores by the backend were compared with torch's."""
        with contained(f"comparing of {item.cell.detector} with torch", batch=True):
            self._agreement.check(item, detector)
        return detector

    def _reuse_answers(self, missing: Sequence[PlannedCell]) -> list[PlannedCell]:
        """Record the cells that a run of another protocol answered, from the cache; returns the others."""
        cache = self._resources.cache
        for group in _by_fit(missing):
            there = [item for item in group if cache.has_answer(item.key)]  # asking a store for each takes long
            known = {item.key: cache.read_answer(item.key) for item in there}
            self._record_answers((item, answer) for item in there if (answer := known[item.key]) is not None)
        return self._log.missing(missing)

    def _embed_for_fits(self, planned: Sequence[PlannedCell], missing: Sequence[PlannedCell]) -> None:
        """Fill the cache with every embedding that fits of the missing cells need, in one pass over the images."""
        embedders, cache = self._embedders(missing), self._resources.cache
        unfitted = [item for item in self._log.without_failure(missing) if not cache.has_fit(item.training_key)]
        plan = plan_embeddings(unfitted, embedders, self._selections)
        order = self._selections.positions(item.cell.train for item in planned if item.cell.train)
        chunks = split_into_chunks(order, self._resources.batch_size)
        images = unique_positions(map(self._embeddings.missing, plan.requests))
        with self._resources.reporter.stage("embed training images", len(images)) as advance:
            for decoded, embedded in self._resources.place.embed(self._embeddings, plan, chunks):
                for part in embedded:
                    if part.error is not None:
                        self._log.fail(plan.users[part.request.key], part.error)
                advance(decoded)

    def _embedders(self, items: Sequence[PlannedCell]) -> dict[str, Sequence[Embedder]]:
        """The embedders of every recipe that can run here, by its key."""
        for item in items:
            if item.missing:
                self._log.fail([item], Unavailable(item.missing))
        present = [item for item in items if not item.missing]
        found: dict[str, Sequence[Embedder]] = {}
        for key, recipe in {item.recipe_key: item.recipe for item in present}.items():
            users = [item for item in present if item.recipe_key == key]
            with self._log.failures_of(users), contained(f"embedders of {recipe.key}"):
                found[key] = recipe_embedders(recipe, self._resources.runtime)
        return found

    def _fit(self, items: Sequence[PlannedCell]) -> dict[str, Detector]:
        """The detectors of some cells by the key of their fit, after the fits that those go on from."""
        bases: dict[str, FitNeed] = {}
        for item in items:
            if item.base and not self._resources.cache.has_fit(item.training_key):
                bases.setdefault(item.base.training_key, FitNeed(item.base, [])).users.append(item)
        if bases:
            self._fit_side_by_side(FIT_BASES, list(bases.values()))
        groups = _by_fit(self._log.without_failure(items))
        return self._fit_side_by_side(FIT, [FitNeed(group[0], group) for group in groups])

    def _fit_side_by_side(self, stage: str, needs: Sequence[FitNeed]) -> dict[str, Detector]:
        """The detectors of some fits by their keys, those of one thread fitted side by side."""
        detectors: dict[str, Detector] = {}
        tasks: dict[str, FitTask] = {}
        for need in needs:
            with self._log.failures_of(need.users), contained(fit_text(need.item)):
                tasks |= self._fits.tasks(need.item, every=self._resources.place.takes_every_fit)
        needs = [need for need in needs if self._log.without_failure(need.users)]
        with (
            self._resources.reporter.stage(stage, len(needs)) as advance,
            self._resources.place.fit(tasks, self._resources.workers) as futures,
        ):
            for need in needs:
                key = need.item.fit_key
                with self._log.failures_of(need.users), contained(fit_text(need.item)):
                    result = futures[key].result() if key in futures else None
                    counts, seconds = result or (Counter[str](), {})
                    self.counts.update(counts)
                    self._fits.seconds.update(seconds)
                    restored = self._fits.restore(need.item) if result else None
                    detectors[key] = self._compared(need.item, restored) if restored else self.detector(need.item)
                    self._tell_fit(need.item)
                advance(1)
        return detectors

    def _tell_fit(self, item: PlannedCell) -> None:
        """Say how long the fit of a cell took, if it was made now."""
        seconds = self._fits.seconds.pop(item.training_key, None)
        if seconds is not None:
            self._resources.tracker.fitted(item, seconds)

    def _score_attacked(
        self, planned: Sequence[PlannedCell], missing: Sequence[PlannedCell], detectors: Mapping[str, Detector]
    ) -> None:
        """Answer cells whose images are attacked, in one pass over them; what is attacked is not kept."""
        attacked = [item for item in missing if item.target]
        if attacked:
            labels = labels_of([item for item in planned if item.target], self._selections)
            self._refuse_labels(attacked, labels)
            attackers = Attackers(self._targets(self._log.without_failure(attacked), detectors), labels)
            self._score(planned, self._log.without_failure(attacked), detectors, attackers)

    def _refuse_labels(self, attacked: Sequence[PlannedCell], labels: Labels) -> None:
        """Let attacked cells fail that are tested on an image of both classes: an attack moves away from one."""
        both = np.flatnonzero(labels == BOTH)
        for item in attacked:
            count = int(np.isin(both, self._selections[item.cell.test].positions).sum())
            if count:
                msg = f"images of both classes ({count}) cannot be led to a wrong answer: remove them"
                self._log.fail([item], ValueError(msg))

    def _targets(self, items: Sequence[PlannedCell], detectors: Mapping[str, Detector]) -> dict[str, Differentiable]:
        """The fitted detectors that are attacked for some cells, by the key of their fit."""
        found: dict[str, Differentiable] = {}
        for target in {item.target.fit_key: item.target for item in items if item.target}.values():
            name = target.cell.detector
            users = [item for item in items if item.target and item.target.fit_key == target.fit_key]
            with self._log.failures_of(users), contained(fit_text(target)):
                if not self._log.without_failure([target]):
                    msg = f"{name}, which is to be attacked, has no answer of its own"
                    raise Unavailable(msg)
                detector = detectors.get(target.fit_key) or self.detector(target)
                if not isinstance(detector, Differentiable):
                    msg = f"{name} has no gradient to follow: attack another detector"
                    raise Unavailable(msg)
                found[target.fit_key] = detector
        return found

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
            group.append((item, images, answer))
        if group:
            start = time.monotonic()
            self._resources.store.record([(item.key, images, answer) for item, images, answer in group])
            self._resources.tracker.wrote(time.monotonic() - start)
            self._log.add_recorded(item.key for item, _, _ in group)
            self._resources.tracker.answered(group)

    def _score(
        self,
        planned: Sequence[PlannedCell],
        missing: Sequence[PlannedCell],
        detectors: Mapping[str, Detector],
        attackers: Attackers | None = None,
    ) -> None:
        """Let fitted detectors score the test images of the missing cells; a cell is recorded when it is complete.

        Args:
            planned: All cells.
            missing: Those that are to be answered, as far as they are of the kind.
            detectors: By the key of their fit.
            attackers: Where images are attacked, what they are attacked for; None for cells without an attack.
        """
        attacked = attackers is not None
        planned, missing = ([one for one in items if bool(one.target) == attacked] for items in (planned, missing))
        plan = ScoringPlan(self._selections, planned, missing, self._resources.batch_size)
        requests = [
            ScoringRequest(key, detectors[key[0]], items[0].path, degradation, images)
            for key, items in plan.missing.items()
            for degradation, images in (attackers.shown if attackers else _shown)(items[0], plan.images(key))
        ]
        requests.sort(key=lambda one: one.degradation.name)  # embeddings of one degradation are held at a time
        tables = {key: AnswerTable(plan.images(key)) for key in plan.missing}
        images = unique_positions(request.images for request in requests)
        work = ScoringWork(
            plan.chunks,
            requests,
            {key: items[0] for key, items in plan.missing.items()},
            attackers.labels if attackers else None,
            is_open=tables.__contains__,
            left_backend=self._agreement.is_by_torch,
        )
        with self._resources.reporter.stage(SCORE_ATTACKED if attacked else SCORE, len(images)) as advance:
            for chunk in self._resources.place.score(self._embeddings, work):
                self._collect(chunk.answers, plan, tables)
                completed = self._log.without_failure(plan.completed(chunk.images))
                self._record((item, partial(self._recall, item, tables[item.scoring_key])) for item in completed)
                for key in {
                    *(item.scoring_key for item in completed),
                    *(part.key for part in chunk.answers if part.failed),
                }:
                    if key in tables and self._is_closed(plan.missing[key]):
                        del tables[key]  # there may be thousands
                advance(len(chunk.images))

    def _collect(
        self, scored: Iterable[ScoredChunk], plan: ScoringPlan, tables: Mapping[tuple[str, str], AnswerTable]
    ) -> None:
        """Add the answers about a chunk to the tables; cells fail whose detector raised, or that hold a bad image."""
        for part in scored:
            if isinstance(part.answer, Exception):
                lost = plan.holding(part.key, part.images) if part.unprepared else plan.missing[part.key]
                self._log.fail(lost, part.answer)
            else:
                tables[part.key].add(part.images, part.answer)

    def _is_closed(self, items: Sequence[PlannedCell]) -> bool:
        """Whether each of these cells is recorded or has failed."""
        return not self._log.missing(self._log.without_failure(items))

    def _recall(self, item: PlannedCell, table: AnswerTable) -> Answer:
        """The answer about the test images of a cell."""
        return table[self._selections[item.cell.test].positions]


def _shown(item: PlannedCell, images: Positions) -> Iterator[tuple[Degradation, Positions]]:
    """What the images of a scoring key go through: all of them the same."""
    yield item.degradation(item.cell.test), images


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
