"""The one way from images to answers: every leaf of a detector is prepared or embedded, then its parts are combined."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.engine.image_pass import (
    PreparationKey,
    PreparationRequest,
    PreparedChunk,
    SampleLoader,
    image_pass,
    in_plain_words,
    members,
)
from bench.engine.plan import Place
from bench.engine.selections import Positions
from detectors.api import Answer, Array, Detector, Embedder, Embeddings, Probe, Scores
from detectors.composition import Composite
from detectors.types import read_only
from protocols.degradations import Degradation

Unit = tuple[str, str]  # a fit and a degradation: an image is asked about once for it, whatever cells need the answer


@dataclass(frozen=True)
class Leaf:
    """A detector that is no composite, inside of one or by itself.

    Attributes:
        detector: It.
        consumer: What its preparations are called: leaves of one name prepare alike.
    """

    detector: Detector
    consumer: Hashable


def leaves(detector: Detector, place: Place) -> Iterator[Leaf]:
    """The leaves of a detector, each place once."""
    if isinstance(detector, Composite):
        for name, member in detector.members.items():
            yield from leaves(member, (*place, name))
    else:
        yield Leaf(detector, _consumer(detector, place))


def _consumer(leaf: Detector, place: Place) -> Hashable:
    if isinstance(leaf, Probe):
        return leaf.embedder.key
    if leaf.preparation is not None:
        return leaf.preparation
    return place[0] if len(place) == 1 else place


@dataclass(frozen=True)
class BatchInputs:
    """What the leaves of detectors read of one batch of images.

    Attributes:
        prepared: Prepared arrays of the leaves that are no probes, by their consumer.
        embedded: Embeddings for those that are.
    """

    prepared: Callable[[Hashable], Sequence[Array]]
    embedded: Callable[[Embedder], Embeddings]


def answer(detector: Detector, inputs: BatchInputs, place: Place) -> Answer:
    """The answer of a detector about one batch."""
    if isinstance(detector, Composite):
        return detector.combine({name: answer(one, inputs, (*place, name)) for name, one in detector.members.items()})
    if isinstance(detector, Probe):
        return detector.answer_embedded(read_only(inputs.embedded(detector.embedder)))
    return detector.answer(inputs.prepared(_consumer(detector, place)))


def only_probes(detector: Detector, place: Place) -> bool:
    """Whether embeddings are all that an answer needs."""
    return all(isinstance(leaf.detector, Probe) for leaf in leaves(detector, place))


def from_embeddings(detector: Detector, place: Place, embedded: Callable[[Embedder], Embeddings], size: int) -> Answer:
    """The answer of a detector of probes alone about `size` images, from their embeddings."""
    return checked(answer(detector, BatchInputs(_nothing_prepared, once_each(embedded)), place), size)


def _nothing_prepared(consumer: Hashable) -> Sequence[Array]:
    msg = f"{consumer} was planned to answer from embeddings, and wants prepared images"
    raise TypeError(msg)


def checked(found: Answer, size: int) -> Answer:
    """An answer as the contract has it, or a `ValueError` that becomes the reason of a failed cell."""
    scores = found.scores
    fine = scores.shape == (size,) and np.isfinite(scores).all() and (scores >= 0).all() and (scores <= 1).all()
    if not fine:
        msg = f"scores must be {size} finite numbers in [0, 1]; got shape {scores.shape}, "
        raise ValueError(msg + f"from {np.min(scores, initial=1)} to {np.max(scores, initial=0)}")
    for name, values in found.diagnostics.items():
        told = np.asarray(values)
        if told.shape != (size,) or not (told.dtype.kind in "biuf" or all(isinstance(one, str) for one in told)):
            msg = f"the diagnostic {name!r} must be {size} numbers or {size} texts; got {told.dtype} {told.shape}"
            raise ValueError(msg)
    return found


@dataclass(frozen=True)
class ScoringRequest:
    """A fitted detector that is asked about images under one degradation.

    Attributes:
        name: Tells it from the others of a pass: a fit and a degradation.
        detector: It.
        place: The key of its recipe.
        degradation: What images go through first.
        images: Which, positions among the distinct ones.
    """

    name: Unit
    detector: Detector
    place: Place
    degradation: Degradation
    images: Positions


@dataclass(frozen=True)
class ScoredChunk:
    """What one of them said of its part of a chunk.

    Attributes:
        name: Whose answer.
        images: About which images, in order.
        answer: The answer, or why there is none.
    """

    name: Unit
    images: Positions
    answer: Answer | Exception


EmbeddingLookup = Callable[[Embedder, Degradation, Positions], Embeddings]


def answers(
    read: SampleLoader,
    size: int,
    chunks: Sequence[Positions],
    asked: Sequence[ScoringRequest],
    embedded: EmbeddingLookup | None,
    workers: int,
) -> Iterator[tuple[PreparedChunk, list[ScoredChunk]]]:
    """Let detectors answer chunk after chunk; each image is decoded, degraded and prepared once for all of them.

    Args:
        read: Decodes the image at a position.
        size: Number of distinct images.
        chunks: Positions of distinct images, each in one chunk at most.
        asked: Who is asked about which.
        embedded: Where embeddings for probes are kept; None where they are made from the images at hand.
        workers: Threads that read and prepare.

    Yields:
        The chunk, and the answers about it; who could not answer is not asked again.
    """
    masks = [(one, members(one.images, size)) for one in asked]
    demands, users = _demands(asked, size, with_probes=embedded is None)
    broken: set[Unit] = set()
    told: dict[Unit, frozenset[str]] = {}

    def live(want: PreparationKey) -> bool:
        return not users[want] <= broken

    for chunk in image_pass(read, size, chunks, demands, workers, live):
        sound = chunk.images[[image not in chunk.unread for image in chunk.images.tolist()]]
        parts = [(one, sound[mask[sound]]) for one, mask in masks if one.name not in broken]
        answered = [_answered(one, images, chunk, embedded, told) for one, images in parts if images.size]
        broken.update({one.name for one in answered if isinstance(one.answer, Exception)})
        yield chunk, answered


def _demands(
    asked: Sequence[ScoringRequest], size: int, *, with_probes: bool
) -> tuple[list[PreparationRequest], dict[PreparationKey, set[Unit]]]:
    """What the leaves want, each want once for all who share it, and who they are.

    Probes whose embeddings are kept want nothing.
    """
    users: dict[PreparationKey, set[Unit]] = defaultdict(set)
    prepare: dict[tuple[Hashable, str], Callable[..., Array]] = {}
    steps: dict[str, Degradation] = {}
    wanted: dict[tuple[Hashable, str], Any] = {}
    for one in asked:
        steps[one.degradation.name] = one.degradation
        for leaf in leaves(one.detector, one.place):
            if isinstance(leaf.detector, Probe) and not with_probes:
                continue
            want = leaf.consumer, one.degradation.name
            users[want].add(one.name)
            prepare.setdefault(want, leaf.detector.prepare)
            wanted[want] = wanted.get(want, np.zeros(size, bool)) | members(one.images, size)
    demands = [
        PreparationRequest(consumer, steps[name], prepare[consumer, name], np.flatnonzero(mask))
        for (consumer, name), mask in wanted.items()
    ]
    return demands, users


def _answered(
    one: ScoringRequest,
    images: Positions,
    chunk: PreparedChunk,
    embedded: EmbeddingLookup | None,
    told: dict[Unit, frozenset[str]],
) -> ScoredChunk:
    def prepared(consumer: Hashable) -> list[Array]:
        return chunk.batch((consumer, one.degradation.name), images)

    def embeddings(embedder: Embedder) -> Embeddings:
        if embedded is None:
            return embedder.embed(prepared(embedder.key))
        return embedded(embedder, one.degradation, images)

    inputs = BatchInputs(prepared, once_each(embeddings))
    try:
        found = checked(answer(one.detector, inputs, one.place), len(images))
        _require_alike(told.setdefault(one.name, frozenset(found.diagnostics)), frozenset(found.diagnostics))
        return ScoredChunk(one.name, images, found)
    except Exception as error:  # noqa: BLE001 - one detector's fault must not stop the others
        return ScoredChunk(one.name, images, in_plain_words(error))


def _require_alike(first: frozenset[str], now: frozenset[str]) -> None:
    if first != now:
        msg = f"the diagnostics of all images must be the same; got {sorted(now)} after {sorted(first)}"
        raise ValueError(msg)


def once_each(embedded: Callable[[Embedder], Embeddings]) -> Callable[[Embedder], Embeddings]:
    """The same, but embedders of one key embed once: members of a composite often share theirs."""
    kept: dict[str, Embeddings] = {}

    def shared(embedder: Embedder) -> Embeddings:
        if embedder.key not in kept:
            kept[embedder.key] = embedded(embedder)
        return kept[embedder.key]

    return shared


def joined(parts: Sequence[Answer]) -> Answer:
    """Answers about consecutive images as one."""
    names = list(parts[0].diagnostics) if parts else []
    scores: Scores = np.concatenate([np.zeros(0, np.float32), *(part.scores for part in parts)])
    return Answer(scores, {name: np.concatenate([part.diagnostics[name] for part in parts]) for name in names})


class AnswerSheet:
    """What a detector said of distinct images so far, image by image."""

    def __init__(self, size: int) -> None:
        self._row = np.full(size, -1, np.int32)  # of each image among the answers
        self._count = 0
        self._parts: list[Answer] = []

    def add(self, images: Positions, part: Answer) -> None:
        """Remember the answer about some images."""
        self._row[images] = np.arange(self._count, self._count + len(images))
        self._count += len(images)
        self._parts.append(part)

    def __getitem__(self, images: Positions) -> Answer:
        """The answer about these images, in this order; one may stand several times."""
        self._parts = [joined(self._parts)]
        rows, whole = self._row[images], self._parts[0]
        return Answer(whole.scores[rows], {name: values[rows] for name, values in whole.diagnostics.items()})
