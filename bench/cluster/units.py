"""Units of the work of a run as values, and how a node computes them: by the code that one machine computes them with.

The chunks of a unit are chunks of the whole plan, so that batches, and with them all scores, are those of one machine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache as kept_for_ever
from typing import Any

from bench.cluster.shards import has_failures, to_table
from bench.cluster.told_errors import ToldError
from bench.cluster.values import Needs, UnitAnswer
from bench.engine.cache import Cache
from bench.engine.embeddings import EmbeddingRequest, EmbeddingService, recipe_embedders
from bench.engine.fit_service import FitService, FitTask, fit_text, run_fit
from bench.engine.plan import PlannedCell, ScoringKey
from bench.engine.scoring.agreement import compute_by_torch
from bench.engine.scoring.attacked_images import Attackers
from bench.engine.scoring.score_images import ScoredChunk, ScoringRequest, score_pool
from bench.engine.selections import DistinctImages, Positions
from bench.inference.backends import backend_key
from bench.platform.errors import InputError
from bench.platform.files import digest
from detectors.api import Detector, Embedder, Labels, Runtime
from detectors.differentiable import Differentiable
from detectors.isolation.calls import contained
from detectors.network_kinds import network_kinds
from protocols.attacks import parse_attack
from protocols.degradations import Degradation, parse_degradation


@kept_for_ever
def _kept() -> dict[str, Any]:
    """Detectors and embedders that this process keeps from one unit to the next, by key: loading takes seconds."""
    return {}


def _kept_key(item: PlannedCell, *, by_torch: bool) -> str:
    """By which a detector is kept: one that is attacked is computed as it is where torch computes its scores."""
    return f"{item.fit_key} by torch" if by_torch else item.fit_key


def _keep_only(keys: Sequence[str]) -> None:
    """Let go of what a unit does not need, so that no process holds more than one unit's detectors."""
    for key in _kept().keys() - set(keys):
        del _kept()[key]


@dataclass(frozen=True)
class UnitImages:
    """The images of a unit, and how they are worked on.

    Attributes:
        pool: The images, with no others.
        chunks: Positions among them, as the plan of the run cuts them.
        cache: The cache of the run.
        runtime: Where a node computes.
        batch_size: Of the run.
        workers: Threads that read and prepare.
        first: Number of its first image in the plan, for messages.
    """

    pool: DistinctImages
    chunks: tuple[Positions, ...]
    cache: Cache
    runtime: Runtime
    batch_size: int
    workers: int
    first: int

    @property
    def text(self) -> str:
        """The images in words."""
        return f"images {self.first + 1} to {self.first + len(self.pool)}"

    @property
    def identity(self) -> str:
        """Digest of their contents and chunks."""
        return digest(*(self.pool.hashes[chunk].tobytes() for chunk in self.chunks))

    def service(self, counts: Counter[str]) -> EmbeddingService:
        """Reads them, and keeps their embeddings."""
        return EmbeddingService(self.pool, self.cache, self.runtime, self.batch_size, self.workers, counts)


@dataclass(frozen=True)
class AskedEmbeddings:
    """Images that an embedder is to embed.

    Attributes:
        item: A cell whose recipe has the embedder.
        embedder: Its key.
        degradation: What every image goes through first.
        images: Positions among those of the unit.
    """

    item: PlannedCell
    embedder: str
    degradation: str
    images: Positions

    @property
    def chain(self) -> Degradation:
        """The degradation, computed where the run degrades."""
        return parse_degradation(self.degradation).on(self.item.degrading_device)


@dataclass(frozen=True)
class EmbeddingUnit:
    """Embeddings of consecutive chunks, for all who need any."""

    images: UnitImages
    asked: tuple[AskedEmbeddings, ...]
    needs: Needs

    @property
    def text(self) -> str:
        """What it is, for messages."""
        return f"embedding of {self.images.text}"

    @property
    def detectors(self) -> Sequence[str]:
        """As `WorkUnit.detectors`."""
        return [one.item.recipe_key for one in self.asked]

    def known(self) -> UnitAnswer | None:
        """None: what is in the cache is left out when it is computed."""
        return None

    def only(self, places: Sequence[int]) -> EmbeddingUnit:
        """As `WorkUnit.only`."""
        return replace(self, asked=tuple(self.asked[place] for place in places))

    def compute(self) -> UnitAnswer:
        """As `WorkUnit.compute`."""
        counts, failures = Counter[str](), dict[int, ToldError]()
        _keep_only([one.embedder for one in self.asked])
        requests = {}
        for place, one in enumerate(self.asked):
            try:
                with contained(f"embedders of {one.item.recipe.key}"):
                    embedder = _embedder(one, self.images.runtime)
            except InputError:
                raise
            except Exception as error:  # noqa: BLE001 - one embedder's fault must not stop the others
                failures[place] = ToldError.of(error)
                continue
            request = EmbeddingRequest(embedder, one.chain, one.images)
            requests[request.key] = place, request
        service = self.images.service(counts)
        for _, embedded in service.fill([request for _, request in requests.values()], self.images.chunks):
            for part in embedded:
                if part.error is not None:
                    failures.setdefault(requests[part.request.key][0], ToldError.of(part.error))
        return UnitAnswer(counts, failures=failures)


def _embedder(asked: AskedEmbeddings, runtime: Runtime) -> Embedder:
    if asked.embedder not in _kept():
        for one in recipe_embedders(asked.item.recipe, runtime):
            _kept().setdefault(one.key, one)
    found: Embedder = _kept()[asked.embedder]
    return found


@dataclass(frozen=True)
class FitUnit:
    """One fit.

    Attributes:
        task: The fit.
        needs: What it asks of a node.
        threads: That torch has on the machine of the run: the key of a fit that depends on their number says so.
    """

    task: FitTask
    needs: Needs
    threads: int

    @property
    def text(self) -> str:
        """What it is, for messages."""
        cell = self.task.item.cell
        trained_on = "" if cell.train is None else f" on {cell.train.name}"
        return f"{fit_text(self.task.item)}{trained_on}, seed {cell.seed}"

    @property
    def detectors(self) -> Sequence[str]:
        """As `WorkUnit.detectors`."""
        return [self.task.item.recipe_key]

    def known(self) -> UnitAnswer | None:
        """None: a fit that is in the cache is found by who fits."""
        return None

    def only(self, places: Sequence[int]) -> FitUnit:
        """Itself: one fit has no parts."""
        del places
        return self

    def compute(self) -> UnitAnswer:
        """As `WorkUnit.compute`."""
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(self.threads)
        try:
            counts, seconds = run_fit(self.task)
        finally:
            torch.set_num_threads(before)
        return UnitAnswer(counts, seconds)


@dataclass(frozen=True)
class AskedDetector:
    """A detector that is to answer about images.

    Attributes:
        item: A cell of it, with the degradation or the attack.
        images: Positions among those of the unit.
        by_torch: Whether torch computes it, as a backend would change its scores.
    """

    item: PlannedCell
    images: Positions
    by_torch: bool = False

    def identity(self, unit: UnitImages) -> str:
        """Digest of all that changes its answers beside the chunks."""
        item, attack = self.item, self.item.cell.attack
        backend = backend_key(unit.runtime, network_kinds(item.recipe))
        parts = [item.fit_key, item.degradation(item.cell.test).key, backend, str(self.by_torch)]
        if attack and item.target:
            parts += [parse_attack(attack.method).key, item.target.fit_key]
        return digest(*parts, unit.pool.hashes[self.images].tobytes())


@dataclass(frozen=True)
class ScoringUnit:
    """The answers of some detectors about consecutive chunks, under some degradations.

    Attributes:
        images: The images.
        asked: The detectors.
        labels: Of each image of the unit, where they are attacked.
        needs: What it asks of a node.
    """

    images: UnitImages
    asked: tuple[AskedDetector, ...]
    labels: Labels | None
    needs: Needs

    @property
    def text(self) -> str:
        """What it is, for messages."""
        names = dict.fromkeys(one.item.cell.detector for one in self.asked)
        by = ", ".join(names) if len(names) <= 3 else f"{len(names)} detectors"
        return f"scoring of {self.images.text} by {by}"

    @property
    def detectors(self) -> Sequence[str]:
        """As `WorkUnit.detectors`."""
        return [one.item.recipe_key for one in self.asked]

    @property
    def keys(self) -> list[ScoringKey]:
        """The scoring key of each detector that is asked."""
        return [one.item.scoring_key for one in self.asked]

    @property
    def shard(self) -> str:
        """The key of its result in the cache: a digest of all that changes it."""
        labels = b"" if self.labels is None else self.labels.tobytes()
        asked = [one.identity(self.images) for one in self.asked]
        return digest("scores", self.images.identity, labels, *asked)

    def known(self) -> UnitAnswer | None:
        """As `WorkUnit.known`."""
        table = self.images.cache.read_shard(self.shard)
        return None if table is None or has_failures(table) else UnitAnswer()

    def only(self, places: Sequence[int]) -> ScoringUnit:
        """As `WorkUnit.only`."""
        return replace(self, asked=tuple(self.asked[place] for place in places))

    def compute(self) -> UnitAnswer:
        """As `WorkUnit.compute`."""
        if (known := self.known()) is not None:
            return known
        counts = Counter[str]()
        targets = [one.item.target.fit_key for one in self.asked if one.item.target]
        _keep_only([*(_kept_key(one.item, by_torch=one.by_torch) for one in self.asked), *targets])
        parts = list(self._answers(self.images.service(counts)))
        places = {key: place for place, key in enumerate(self.keys)}
        self.images.cache.write_shard(self.shard, to_table(parts, places))
        return UnitAnswer(counts)

    def _answers(self, service: EmbeddingService) -> Iterator[ScoredChunk]:
        requests: list[ScoringRequest] = []
        for one in self.asked:
            try:
                requests += self._requests(one)
            except InputError:
                raise
            except Exception as error:  # noqa: BLE001 - one detector's fault must not stop the others
                yield ScoredChunk(one.item.scoring_key, one.images, error)
        requests.sort(key=lambda one: one.degradation.name)
        for scored in score_pool(self.images.chunks, requests, service, keep=self.labels is None):
            yield from scored.answers

    def _requests(self, asked: AskedDetector) -> list[ScoringRequest]:
        """The requests of a detector, one for each thing that its images go through."""
        item = asked.item
        detector = self._detector(item, by_torch=asked.by_torch)
        shown = [(item.degradation(item.cell.test), asked.images)]
        if self.labels is not None and item.target is not None:
            target = self._detector(item.target, by_torch=False)
            if not isinstance(target, Differentiable):
                msg = f"{item.target.cell.detector} has no gradient to follow: attack another detector"
                raise TypeError(msg)
            shown = list(Attackers({item.target.fit_key: target}, self.labels).shown(item, asked.images))
        return [
            ScoringRequest(item.scoring_key, detector, item.path, degradation, images) for degradation, images in shown
        ]

    def _detector(self, item: PlannedCell, *, by_torch: bool) -> Detector:
        """A fitted detector, loaded once in a process. Raises `InputError` where a node has not got its fit."""
        key = _kept_key(item, by_torch=by_torch)
        if key not in _kept():
            cache, runtime = self.images.cache, self.images.runtime
            counts = Counter[str]()
            service = FitService({}, cache, self.images.service(counts), runtime, counts)
            with contained(fit_text(item)):
                detector = service.restore(item) if item.fitted_on is not None else service.detector(item)
                if detector is None:
                    msg = f"the cache {cache.root} of a node lacks the fit of {item.cell.detector}: let all nodes share"
                    raise InputError(f"{msg} it")
                if by_torch:
                    compute_by_torch(
                        detector, item.path, map(self.images.pool.__getitem__, range(len(self.images.pool)))
                    )
            _kept()[key] = detector
        found: Detector = _kept()[key]
        return found


def failed_answers(unit: ScoringUnit, places: Mapping[int, ToldError], positions: Positions) -> list[ScoredChunk]:
    """The answers of detectors of a unit that have none, each about all its images.

    Args:
        unit: The unit.
        places: Why, by the place among those that are asked.
        positions: Of the unit's own images, those among the images of the run.
    """
    return [
        ScoredChunk(unit.asked[place].item.scoring_key, positions[unit.asked[place].images], told.error())
        for place, told in places.items()
    ]
