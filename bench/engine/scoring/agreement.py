"""Whether the scores of a backend are those of torch in float32: compared on a few images at the first use.

Libraries add in another order, and bfloat16 rounds: what that changes depends on the weights, so that it is measured
for every fitted detector. In float32 a backend that changes a score by more than `TOLERANCE`, or a decision, is left;
in bfloat16 the figures are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bench.engine.cache import Cache
from bench.engine.plan import PlannedCell, runtime_key
from bench.engine.selections import Positions, Selections
from bench.inference.backends import LibraryBackend, backend_key
from bench.metrics.metric import called_generated
from bench.platform.files import digest
from bench.platform.processor import cpu_name
from detectors.api import Answer, Detector, Embedder, Runtime, Sample
from detectors.network_kinds import network_kinds
from detectors.types import NetworkKind

if TYPE_CHECKING:
    from bench.inference.bodies import BackendBody

IMAGES = 32
TOLERANCE = 1e-4  # of a score; of a value of an embedding, beside the largest one


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far scores of a backend are from those of torch in float32.

    Attributes:
        images: On which they were compared.
        largest_change: Of a score.
        flips: Decisions that differ.
        by_torch: Whether torch computes all in float32 instead, as the difference was too large.
    """

    images: int
    largest_change: float
    flips: int
    by_torch: bool = False


@dataclass(frozen=True)
class AgreementCheck:
    """Compares the scores of fitted detectors by the runtime's backend with those of torch in float32.

    Attributes:
        selections: The images of the run.
        images: Those that are compared on: positions among the distinct images.
        cache: Keeps what was found, for one machine.
        runtime: Its backend is checked.
    """

    selections: Selections
    images: Positions
    cache: Cache
    runtime: Runtime

    @classmethod
    def on(
        cls, planned: Sequence[PlannedCell], selections: Selections, cache: Cache, runtime: Runtime
    ) -> AgreementCheck:
        """A check on `IMAGES` of the test images of a run, spread over all of them."""
        images = selections.positions(item.cell.test for item in planned)
        spread = np.linspace(0, max(0, len(images) - 1), min(IMAGES, len(images))).round().astype(np.intp)
        return cls(selections, images[spread], cache, runtime)

    def concerns(self, kinds: frozenset[NetworkKind]) -> bool:
        """Whether networks of these kinds are computed by another library than torch, or in another precision."""
        return needs_check(self.runtime, kinds)

    def key(self, item: PlannedCell) -> str:
        """What the agreement of the detector of a cell is kept under."""
        backend = backend_key(self.runtime, network_kinds(item.recipe))
        return digest(item.fit_key, backend, runtime_key(self.runtime), cpu_name())

    def known(self, item: PlannedCell) -> Agreement | None:
        """What was found of the detector of a cell; None where it was not compared yet, or torch computes it."""
        if not self.concerns(network_kinds(item.recipe)):
            return None
        found = self.cache.read_agreement(self.key(item))
        return None if found is None else Agreement(**found)

    def check(self, item: PlannedCell, detector: Detector) -> None:
        """Compare the scores of a fitted detector, unless that was done; leave a float32 backend that changes them."""
        if not self.concerns(network_kinds(item.recipe)):
            return
        known = self.known(item)
        if known is not None and not known.by_torch:
            return
        agreement = compare_with_torch(detector, self._samples, self.runtime, item.cell.detector)
        self.cache.write_agreement(self.key(item), asdict(agreement))

    def check_embedder(self, embedder: Embedder) -> None:
        """Compare embeddings in float32 before detectors are fitted on them; leave a backend that changes them."""
        if self.runtime.precision != "float32" or not self.concerns(network_kinds(embedder)):
            return
        from bench.inference.bodies import float32_by_torch

        prepared = [embedder.prepare(sample) for sample in self._samples]
        found = embedder.embed(prepared)
        with float32_by_torch() as bodies:
            expected = embedder.embed(prepared)
        change = np.abs(found - expected).max(initial=0) / max(1e-12, np.abs(expected).max(initial=0))
        if not change <= TOLERANCE:
            _leave(bodies, self.runtime, embedder.key.partition(".")[0], f"a value by {change:.1g} of the largest one")

    @cached_property
    def _samples(self) -> list[Sample]:
        return [self.selections.pool[position] for position in self.images.tolist()]


def needs_check(runtime: Runtime, kinds: frozenset[NetworkKind]) -> bool:
    """Whether networks of these kinds are computed by another library than torch, or in another precision."""
    backend = runtime.backend
    if not isinstance(backend, LibraryBackend):
        return False
    return any(backend.library(kind) != "torch" or backend.precision != "float32" for kind in kinds)


def compare_with_torch(detector: Detector, samples: Sequence[Sample], runtime: Runtime, name: str) -> Agreement:
    """Compare the scores of a detector by the backend with torch's; a float32 backend that changes them is left.

    Args:
        detector: The fitted detector.
        samples: On which scores are compared.
        runtime: Its backend is told where it is left.
        name: What messages call the detector.
    """
    from bench.inference.bodies import float32_by_torch

    def answer() -> Answer:
        return detector.answer([detector.prepare(sample) for sample in samples])

    found = answer()
    with float32_by_torch() as bodies:
        expected = answer()
    change = float(np.abs(found.scores - expected.scores).max(initial=0))
    flips = int(np.count_nonzero(called_generated(found.scores) != called_generated(expected.scores)))
    agrees = change <= TOLERANCE and not flips  # not so where a score is not finite
    by_torch = runtime.precision == "float32" and not agrees
    if by_torch:
        _leave(bodies, runtime, name, f"a score by {change:.1g} and {flips} of {len(samples)} decisions")
    return Agreement(len(samples), change, flips, by_torch)


def _leave(bodies: Sequence[BackendBody], runtime: Runtime, name: str, change: str) -> None:
    """Let torch compute these bodies from now on, and note it."""
    for body in bodies:
        body.by_torch = True
    if isinstance(runtime.backend, LibraryBackend):
        runtime.backend.notes.append(f"{name} is computed by torch in float32: the backend changes {change}")
