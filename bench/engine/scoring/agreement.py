"""Whether the scores of a backend are those of torch in float32: compared on a few images at the first use.

Libraries add in another order, and bfloat16 rounds: what that changes depends on the weights, so that it is measured
for every fitted detector. In float32 a backend that changes a score by more than `TOLERANCE`, or a decision, is left;
in bfloat16 the figures are shown.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from bench.engine.cache import Cache
from bench.engine.plan import DetectorPath, PlannedCell, runtime_key
from bench.engine.scoring.batch_answers import BaseDetector, BatchInputs, answer_batch, base_detectors
from bench.engine.selections import Positions, Selections
from bench.inference.backends import LibraryBackend, backend_key
from bench.metrics.metric import called_generated
from bench.platform.files import digest
from bench.platform.processor import cpu_name
from detectors.api import Answer, Array, Detector, Embedder, Embeddings, Probe, Runtime, Sample, Unavailable
from detectors.network_kinds import network_kinds
from detectors.types import NetworkKind

if TYPE_CHECKING:
    from bench.inference.bodies import BackendBody

IMAGES = 32
TOLERANCE = 1e-4  # of a score, and of log odds as a share of the largest one


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far scores of a backend are from those of torch in float32.

    Attributes:
        images: On which they were compared.
        largest_change: Of a score.
        flips: Decisions that differ.
        by_torch: Whether torch computes networks of it in float32 instead, as the difference was too large, or as the
            backend cannot.
        refused: Images that were to be compared on, and that the detector does not take.
    """

    images: int
    largest_change: float
    flips: int
    by_torch: bool = False
    refused: int = 0


class AgreementImages:
    """A few images as detectors read them, prepared and embedded once for all detectors that do so alike.

    Args:
        samples: The images.
    """

    def __init__(self, samples: Sequence[Sample]) -> None:
        self._samples = samples
        self._prepared: dict[Hashable, list[Array | None]] = {}
        self._embedded: dict[tuple[str, bool], EmbeddedImages] = {}  # by embedder, and whether torch computed it

    def __len__(self) -> int:
        """How many there are."""
        return len(self._samples)

    def rows(self, detector: Detector, path: DetectorPath) -> list[int]:
        """Positions of the images that a detector can take: what it refuses is no matter of its backend."""
        prepared = [self._of(base) for base in base_detectors(detector, path)]
        return [row for row in range(len(self._samples)) if all(one[row] is not None for one in prepared)]

    def _of(self, base: BaseDetector) -> list[Array | None]:
        if base.consumer not in self._prepared:
            self._prepared[base.consumer] = [_prepared(base.detector, sample) for sample in self._samples]
        return self._prepared[base.consumer]

    def answer(
        self, detector: Detector, path: DetectorPath, rows: Sequence[int], *, by_torch: bool
    ) -> tuple[Answer, list[BackendBody]]:
        """The answer about the images at some positions, and the bodies that torch computed for it in float32.

        Args:
            detector: The fitted detector.
            path: The path of its recipe.
            rows: The positions.
            by_torch: Whether torch computes all bodies in float32; else the backend does, and none is told of.
        """
        from bench.inference.bodies import float32_by_torch

        shared: list[BackendBody] = []

        def prepared(consumer: Hashable) -> list[Array]:
            return [array for row in rows if (array := self._prepared[consumer][row]) is not None]

        def embeddings_of(embedder: Embedder) -> Embeddings:
            key = embedder.key, by_torch
            if key not in self._embedded:
                self._embedded[key] = _embedded(embedder, self._prepared[embedder.key], by_torch=by_torch)
            shared.extend(self._embedded[key].bodies)
            return self._embedded[key].values[list(rows)]

        with float32_by_torch(wanted=by_torch) as bodies:
            answer = answer_batch(detector, BatchInputs(prepared, embeddings_of), path)
        return answer, [*shared, *bodies]


@dataclass(frozen=True)
class EmbeddedImages:
    """Embeddings of some images, float32 (N, D), zero for those that were not prepared; and what computed them."""

    values: Embeddings
    bodies: list[BackendBody]


def _embedded(embedder: Embedder, prepared: Sequence[Array | None], *, by_torch: bool) -> EmbeddedImages:
    from bench.inference.bodies import float32_by_torch

    values = np.zeros((len(prepared), embedder.dim), np.float32)
    with float32_by_torch(wanted=by_torch) as bodies:
        values[[array is not None for array in prepared]] = embedder.embed([one for one in prepared if one is not None])
    return EmbeddedImages(values, bodies)


def _prepared(detector: Detector, sample: Sample) -> Array | None:
    try:
        return detector.prepare(sample)
    except Exception:  # noqa: BLE001 - the cells of this image will say why
        return None


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

    def known(self, item: PlannedCell) -> Agreement | None:
        """What was found of the detector of a cell; None where it was not compared yet, or torch computes it."""
        if not needs_check(self.runtime, network_kinds(item.recipe)):
            return None
        try:
            return Agreement(**self.cache.read_agreement(self._key(item)))
        except TypeError:  # nothing is kept, or by another version
            return None

    def is_by_torch(self, item: PlannedCell) -> bool:
        """Whether the detector of a cell was found to be one whose scores a backend changes."""
        found = self.known(item)
        return found is not None and found.by_torch

    def check(self, item: PlannedCell, detector: Detector) -> None:
        """Compare the scores of a fitted detector, unless that was done; leave a float32 backend that changes them.

        Raises:
            Unavailable: A backend changes scores that follow from embeddings, which other detectors share.
        """
        if not needs_check(self.runtime, network_kinds(item.recipe)) or not len(self.images):
            return
        known = self.known(item)
        if known is None or known.by_torch or known.images + known.refused < len(self.images):
            found = compare_with_torch(detector, item.path, self._images, self.runtime, item.cell.detector)
            if found is not None:
                self.cache.write_agreement(self._key(item), asdict(found))

    def _key(self, item: PlannedCell) -> str:
        backend = backend_key(self.runtime, network_kinds(item.recipe))
        return digest(item.fit_key, backend, runtime_key(self.runtime), cpu_name())

    @cached_property
    def _images(self) -> AgreementImages:
        return AgreementImages([self.selections.pool[position] for position in self.images.tolist()])


def needs_check(runtime: Runtime, kinds: frozenset[NetworkKind]) -> bool:
    """Whether networks of these kinds are computed by another library than torch, or in another precision."""
    backend = runtime.backend
    if not isinstance(backend, LibraryBackend):
        return False
    return any(backend.library(kind) != "torch" or backend.precision != "float32" for kind in kinds)


def compare_with_torch(
    detector: Detector, path: DetectorPath, images: AgreementImages, runtime: Runtime, name: str
) -> Agreement | None:
    """Compare the scores of a detector by the backend with torch's; a float32 backend that changes them is left.

    Args:
        detector: The fitted detector.
        path: The path of its recipe.
        images: On which scores are compared.
        runtime: Its backend is told where it is left.
        name: What messages call the detector.

    Returns:
        None where no backend computes anything of it.

    Raises:
        Unavailable: A float32 backend changes scores that follow from embeddings, which other detectors share.
    """
    rows = images.rows(detector, path)
    expected, bodies = images.answer(detector, path, rows, by_torch=True)
    if not bodies:
        return None
    found, _ = images.answer(detector, path, rows, by_torch=False)
    change = float(np.nan_to_num(np.abs(found.scores - expected.scores), nan=1.0).max(initial=0))
    flips = int(np.count_nonzero(called_generated(found.scores) != called_generated(expected.scores)))
    agrees = change <= TOLERANCE and not flips and _odds_change(found, expected) <= TOLERANCE
    if runtime.precision == "float32" and not agrees:
        said = f"the backend changes a score by {change:.1g} and {flips} of {len(rows)} decisions"
        if any(isinstance(base.detector, Probe) for base in base_detectors(detector, path)):
            msg = f"{said}, and other detectors read the same embeddings: choose --backend torch"
            raise Unavailable(msg)
        for body in bodies:
            body.by_torch = True
        if isinstance(runtime.backend, LibraryBackend):
            runtime.backend.notes.append(f"{name} is computed by torch in float32: {said}")
    by_torch = any(body.by_torch for body in bodies)
    return Agreement(len(rows), change, flips, by_torch, len(images) - len(rows))


def compute_by_torch(detector: Detector, path: DetectorPath, samples: Iterable[Sample]) -> None:
    """Have torch compute in float32 what a backend computes of a detector, as was found to be right elsewhere.

    Args:
        detector: The fitted detector.
        path: The path of its recipe.
        samples: Images, of which the first one is shown to it that it can take; they are read as far as that.
    """
    for images in (AgreementImages([sample]) for sample in samples):
        if rows := images.rows(detector, path):
            _, bodies = images.answer(detector, path, rows, by_torch=True)
            for body in bodies:
                body.by_torch = True
            return


def _odds_change(found: Answer, expected: Answer) -> float:
    """The largest difference of log odds, as a share of the largest one and of 1 at least; 0 where there are none.

    Probabilities of large log odds are 1, whatever becomes of those.
    """
    if found.log_odds is None or expected.log_odds is None:
        return 0.0
    largest = max(1.0, float(np.abs(expected.log_odds).max(initial=0)))
    return float(np.nan_to_num(np.abs(found.log_odds - expected.log_odds), nan=np.inf).max(initial=0)) / largest
