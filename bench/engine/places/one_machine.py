"""This machine: images on threads, fits of one thread in processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass

from bench.engine.embeddings import EmbeddedChunk, EmbeddingPlan, EmbeddingService
from bench.engine.fit_service import FitResult, FitTask, run_fit
from bench.engine.places.work_place import PendingFit, ScoringWork
from bench.engine.scoring.score_images import ScoredImages, score_pool
from bench.engine.selections import Positions
from bench.platform.processes.executors import Executor, in_processes
from bench.platform.processes.waiting import result_of


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

    @contextmanager
    def fit(self, tasks: Mapping[str, FitTask], workers: int) -> Iterator[Mapping[str, PendingFit]]:
        """As `WorkPlace.fit`."""
        with self.executor(run_fit, tasks, workers) as futures:
            yield {key: _FitHere(future) for key, future in futures.items()}

    def score(self, service: EmbeddingService, work: ScoringWork) -> Iterator[ScoredImages]:
        """As `WorkPlace.score`."""
        return score_pool(work.chunks, work.requests, service, keep=work.labels is None, is_open=work.is_open)


@dataclass(frozen=True)
class _FitHere:
    """A fit in a process of this machine; a `PendingFit`."""

    future: Future[FitResult]

    def result(self) -> FitResult:
        """As `PendingFit.result`."""
        return result_of(self.future)
