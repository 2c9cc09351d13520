"""The interface of where embeddings, fits and scores are made: the plan, the keys and the records are the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from bench.engine.embeddings import EmbeddedChunk, EmbeddingPlan, EmbeddingService
from bench.engine.fit_service import FitResult, FitTask
from bench.engine.plan import PlannedCell, ScoringKey
from bench.engine.scoring.score_images import ScoredImages, ScoringRequest
from bench.engine.selections import Positions
from detectors.api import Labels


@dataclass(frozen=True)
class ScoringWork:
    """Detectors that are to answer about images, in chunks.

    Attributes:
        chunks: Positions of distinct images, each in one chunk at most.
        requests: Which detector scores which of them, those of one degradation one after the other.
        items: A cell of each scoring key.
        labels: Of each distinct image, as `attacked_images.labels_of` gives them; None where none is attacked.
        is_open: Whether a key still needs answers.
        left_backend: Whether a cell's detector is computed by torch, as a backend would change its scores.
    """

    chunks: Sequence[Positions]
    requests: Sequence[ScoringRequest]
    items: Mapping[ScoringKey, PlannedCell] = field(default_factory=dict)
    labels: Labels | None = None
    is_open: Callable[[ScoringKey], bool] = lambda _: True
    left_backend: Callable[[PlannedCell], bool] = lambda _: False


class PendingFit(Protocol):
    """A fit that was begun; a future is one."""

    def result(self) -> FitResult:
        """Wait for its end; what it counted. Raises what the fit raises."""


class WorkPlace(Protocol):
    """Where the work of a run is done."""

    @property
    def takes_every_fit(self) -> bool:
        """Whether it is given every fit, and not those alone that may run side by side on this machine."""

    def embed(
        self, service: EmbeddingService, plan: EmbeddingPlan, chunks: Sequence[Positions]
    ) -> Iterator[tuple[int, list[EmbeddedChunk]]]:
        """As `EmbeddingService.fill` of the requests of a plan."""

    def fit(self, tasks: Mapping[str, FitTask], workers: int) -> AbstractContextManager[Mapping[str, PendingFit]]:
        """Begin fits; the context gives those that were begun, by key, the others are left to the caller.

        Args:
            tasks: By key.
            workers: How many this machine may work on at a time.
        """

    def score(self, service: EmbeddingService, work: ScoringWork) -> Iterator[ScoredImages]:
        """As `score_pool`; of images that are attacked no embeddings are kept."""
