"""The answer of one detector about one batch: from what its base detectors prepare or embed, combined by composites."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from bench.engine.plan import DetectorPath
from detectors.api import Answer, Array, Detector, Embedder, Embeddings, LogOdds, Probe, Sample, Scores
from detectors.composition import Composite
from detectors.types import read_only

ROUNDING = 1e-6  # log odds that a probability in single precision may take for none


@dataclass(frozen=True)
class BaseDetector:
    """A detector that is no composite: a member of one, or a detector by itself.

    Attributes:
        detector: The fitted detector.
        consumer: Identity of its preparation: equal consumers prepare alike.
    """

    detector: Detector
    consumer: Hashable


def base_detectors(detector: Detector, path: DetectorPath = ()) -> Iterator[BaseDetector]:
    """The base detectors of a detector, at any depth."""
    if isinstance(detector, Composite):
        for name, member in detector.members.items():
            yield from base_detectors(member, (*path, name))
    else:
        yield BaseDetector(detector, _consumer(detector, path))


def _consumer(detector: Detector, path: DetectorPath) -> Hashable:
    if isinstance(detector, Probe):
        return detector.embedder.key
    if detector.preparation is not None:
        return detector.preparation
    return path[0] if len(path) == 1 else path


def prepare_samples(detector: Detector, samples: Sequence[Sample]) -> dict[Hashable, list[Array]]:
    """What the base detectors of a detector prepare of images, by consumer: once for those that prepare alike."""
    parts = {base.consumer: base.detector for base in base_detectors(detector)}
    return {consumer: [part.prepare(sample) for sample in samples] for consumer, part in parts.items()}


@dataclass(frozen=True)
class BatchInputs:
    """What base detectors read of one batch of images.

    Attributes:
        prepared: Prepared arrays for a consumer that is no embedder.
        embeddings_of: Embeddings by an embedder, float32 (N, D).
    """

    prepared: Callable[[Hashable], Sequence[Array]]
    embeddings_of: Callable[[Embedder], Embeddings]


def answer_batch(detector: Detector, inputs: BatchInputs, path: DetectorPath = ()) -> Answer:
    """The answer of a detector about one batch."""
    if isinstance(detector, Composite):
        members = detector.members.items()
        return detector.combine({name: answer_batch(member, inputs, (*path, name)) for name, member in members})
    if isinstance(detector, Probe):
        return detector.answer_embeddings(read_only(inputs.embeddings_of(detector.embedder)))
    return detector.answer(inputs.prepared(_consumer(detector, path)))


def needs_only_embeddings(detector: Detector) -> bool:
    """Whether every base detector is a probe, so that no image has to be prepared for an answer."""
    return all(isinstance(base.detector, Probe) for base in base_detectors(detector))


def validated_answer(answer: Answer, size: int) -> Answer:
    """The same answer. Raises `ValueError`, the reason of a failed cell, unless the contract of detectors holds."""
    scores = answer.scores
    kind = getattr(scores, "dtype", type(scores))  # whatever a detector gives
    if getattr(kind, "kind", "none") not in {"f", "i", "u", "b"}:
        msg = f"scores must be {size} finite numbers in [0, 1]; got {kind}"
        raise TypeError(msg)
    fine = scores.shape == (size,) and np.isfinite(scores).all() and (scores >= 0).all() and (scores <= 1).all()
    if not fine:
        msg = f"scores must be {size} finite numbers in [0, 1]; got shape {scores.shape}, "
        raise ValueError(msg + f"from {np.min(scores, initial=1)} to {np.max(scores, initial=0)}")
    if answer.log_odds is not None and not _consistent(answer.log_odds, scores):
        msg = f"log odds must be {size} finite numbers, one for each score and on the same side of its middle"
        raise ValueError(msg)
    for name, diagnostic in answer.diagnostics.items():
        values = np.asarray(diagnostic)
        numeric = values.dtype.kind in "biuf"
        if values.shape != (size,) or not (numeric or all(isinstance(value, str) for value in values)):
            msg = f"the diagnostic {name!r} must be {size} numbers or {size} texts; got {values.dtype} {values.shape}"
            raise ValueError(msg)
    return answer


def _consistent(log_odds: LogOdds, scores: Scores) -> bool:
    """Whether log odds are finite numbers that say the same as the scores; near the middle either may round."""
    if log_odds.shape != scores.shape or not np.isfinite(log_odds).all():
        return False
    return bool((((log_odds > 0) == (scores > 0.5)) | (np.abs(log_odds) < ROUNDING)).all())
