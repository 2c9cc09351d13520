"""This machine: images on threads, fits of one thread in processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from bench.engine.embeddings import EmbeddedChunk, EmbeddingPlan, EmbeddingService
from bench.engine.fit_service import FitTask, run_fit
from bench.engine.places.work_place import PendingFit, ScoringWork
from bench.engine.scoring.score_images import ScoredImages, score_pool
from bench.engine.selections import Positions
from bench.platform.processes.executors import Executor, in_processes


@dataclass(frozen=True)
class OneMachine:
    """Does all of it here.

    Attributes:
        executor: Where fits of one thread run.
    """

    executor: Executor = in_processes
    takes_every_fit: bool = False

    def embed(
        self, service: EmbeddingService, plan: EmbeddingPlan, chunks: Sequence[Positions]
    ) -> Iterator[tuple[int, list[EmbeddedChunk]]]:
        """As `WorkPlace.embed`."""
        return service.fill(plan.requests, chunks)

    def fit(self, tasks: Mapping[str, FitTask], workers: int) -> AbstractContextManager[Mapping[str, PendingFit]]:
        """As `WorkPlace.fit`."""
        return self.executor(run_fit, tasks, workers)

    def score(self, service: EmbeddingService, work: ScoringWork) -> Iterator[ScoredImages]:
        """As `WorkPlace.score`."""
        return score_pool(work.chunks, work.requests, service, keep=work.labels is None, is_open=work.is_open)
