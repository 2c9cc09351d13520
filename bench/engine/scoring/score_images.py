"""The one way from images to answers: one pass that prepares each image once for all detectors that score it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.engine.embeddings import EmbeddingService, require_decoded
from bench.engine.image_pass import (
    ImageReader,
    PreparationKey,
    PreparationRequest,
    PreparedChunk,
    explain_error,
    image_pass,
    position_mask,
)
from bench.engine.plan import DetectorPath, ScoringKey
from bench.engine.scoring.batch_answers import BatchInputs, answer_batch, base_detectors, memoize, validated_answer
from bench.engine.selections import Positions
from detectors.api import Answer, Array, Detector, Embedder, Embeddings, Probe, Scores
from protocols.degradations import Degradation

EmbeddingLookup = Callable[[Embedder, Degradation, Positions], Embeddings]


@dataclass(frozen=True)
class ScoringRequest:
    """A fitted detector that is to score images under one degradation.

    Attributes:
        key: Requests of one key are of one detector and of different images.
        detector: The fitted detector.
        path: The key of its recipe.
        degradation: Applied to every image first.
        images: Positions among the distinct images.
        apart: Whether a detector that fails on a chunk is asked about its images one by one, and about later chunks.
    """

    key: ScoringKey
    detector: Detector
    path: DetectorPath
    degradation: Degradation
    images: Positions
    apart: bool = False


@dataclass(frozen=True)
class ScoredChunk:
    """The answer to one request about its images of a chunk.

    Attributes:
        key: Of the request.
        images: The images, in order.
        answer: The answer, or the exception that took its place.
    """

    key: ScoringKey
    images: Positions
    answer: Answer | Exception


def score_images(
    reader: ImageReader,
    chunks: Sequence[Positions],
    requests: Sequence[ScoringRequest],
    lookup: EmbeddingLookup | None,
) -> Iterator[tuple[PreparedChunk, list[ScoredChunk]]]:
    """Let detectors answer chunk after chunk; each image is decoded, degraded and prepared once for all of them.

    Args:
        reader: How images are read.
        chunks: Positions of distinct images, each in one chunk at most.
        requests: Which detector scores which of them.
        lookup: Looks embeddings of probes up; None to embed the images at hand.

    Yields:
        The chunk, and the answers about it. A request that failed gets no further answers, unless it is `apart`.
    """
    masks = [(request, position_mask(request.images, reader.size)) for request in requests]
    preparations, users = _preparation_requests(requests, with_probes=lookup is None)
    failed: set[ScoringKey] = set()
    going_on = {request.key for request in requests if request.apart}
    diagnostics: dict[ScoringKey, frozenset[str]] = {}

    def is_needed(key: PreparationKey) -> bool:
        return not users[key] <= failed

    for chunk in image_pass(reader, chunks, preparations, is_needed):
        sound = chunk.images[[image not in chunk.unread for image in chunk.images.tolist()]]
        parts = [(request, sound[mask[sound]]) for request, mask in masks if request.key not in failed]
        found = [one for request, images in parts if images.size for one in _answers(request, images, chunk, lookup)]
        scored = [_with_same_diagnostics(part, diagnostics) for part in found]
        failed.update({part.key for part in scored if isinstance(part.answer, Exception)} - going_on)
        yield chunk, scored


def score_pool(
    chunks: Sequence[Positions],
    requests: Sequence[ScoringRequest],
    embeddings: EmbeddingService,
    *,
    from_cache: bool = True,
) -> Iterator[tuple[PreparedChunk, list[ScoredChunk]]]:
    """`score_images` over the distinct images of a run; decoded images are counted.

    Args:
        chunks: As there.
        requests: As there.
        embeddings: Reads images.
        from_cache: Whether the embeddings of all of them are in its cache; else they are made and not kept.

    Raises:
        InputError: An image cannot be decoded any more.
    """
    lookup = embeddings.lookup if from_cache else None
    for chunk, scored in score_images(embeddings.reader, chunks, requests, lookup):
        require_decoded(embeddings.pool, chunk.unread)
        embeddings.counts["images decoded"] += chunk.decoded
        yield chunk, scored


def _preparation_requests(
    requests: Sequence[ScoringRequest], *, with_probes: bool
) -> tuple[list[PreparationRequest], dict[PreparationKey, set[ScoringKey]]]:
    """What base detectors need prepared, each preparation once, and by its key who uses it.

    Args:
        requests: Which detector scores which images.
        with_probes: Whether images are prepared for probes too.
    """
    users: dict[PreparationKey, set[ScoringKey]] = defaultdict(set)
    preparations: dict[PreparationKey, PreparationRequest] = {}
    for request in requests:
        for base in base_detectors(request.detector, request.path):
            if isinstance(base.detector, Probe) and not with_probes:
                continue
            new = PreparationRequest(base.consumer, request.degradation, base.detector.prepare, request.images)
            users[new.key].add(request.key)
            known = preparations.get(new.key, new)
            preparations[new.key] = replace(known, images=np.union1d(known.images, new.images))
    return list(preparations.values()), users


def _score_chunk(
    request: ScoringRequest, images: Positions, chunk: PreparedChunk, lookup: EmbeddingLookup | None
) -> ScoredChunk:
    """The answer of one detector about some images of a chunk."""

    def prepared(consumer: Hashable) -> list[Array]:
        return chunk.batch((consumer, request.degradation.name), images)

    def embeddings(embedder: Embedder) -> Embeddings:
        if lookup is None:
            return embedder.embed(prepared(embedder.key))
        return lookup(embedder, request.degradation, images)

    try:
        answer = answer_batch(request.detector, BatchInputs(prepared, memoize(embeddings)), request.path)
        return ScoredChunk(request.key, images, validated_answer(answer, len(images)))
    except Exception as error:  # noqa: BLE001 - one detector's fault must not stop the others
        return ScoredChunk(request.key, images, explain_error(error))


def _answers(
    request: ScoringRequest, images: Positions, chunk: PreparedChunk, lookup: EmbeddingLookup | None
) -> list[ScoredChunk]:
    """The answer of one detector about some images of a chunk; in place of a failure those about each, if `apart`."""
    whole = _score_chunk(request, images, chunk, lookup)
    if not (request.apart and isinstance(whole.answer, Exception) and len(images) > 1):
        return [whole]
    return [_score_chunk(request, images[[row]], chunk, lookup) for row in range(len(images))]


def _with_same_diagnostics(part: ScoredChunk, known: dict[ScoringKey, frozenset[str]]) -> ScoredChunk:
    """The same, with a `ValueError` for an answer whose diagnostics are others than the first answer's.

    Args:
        part: An answer about a chunk.
        known: Names of the diagnostics by request; the first answer of a request is added.
    """
    if isinstance(part.answer, Exception):
        return part
    names = frozenset(part.answer.diagnostics)
    first = known.setdefault(part.key, names)
    if first == names:
        return part
    msg = f"the diagnostics of all images must be the same; got {sorted(names)} after {sorted(first)}"
    return replace(part, answer=ValueError(msg))


def concatenate(answers: Sequence[Answer]) -> Answer:
    """Answers about consecutive images as one."""
    names = list(answers[0].diagnostics) if answers else []
    scores: Scores = np.concatenate([np.zeros(0, np.float32), *(answer.scores for answer in answers)])
    odds = [answer.log_odds for answer in answers if answer.log_odds is not None]
    return Answer(
        scores,
        {name: np.concatenate([answer.diagnostics[name] for answer in answers]) for name in names},
        np.concatenate(odds) if odds and len(odds) == len(answers) else None,
    )


class AnswerTable:
    """The answers of a detector about distinct images so far, found by image."""

    def __init__(self, size: int) -> None:
        self._row = np.full(size, -1, np.int32)  # of each image among the answers
        self._count = 0
        self._answers: list[Answer] = []

    def add(self, images: Positions, answer: Answer) -> None:
        """Remember the answer about some images."""
        self._row[images] = np.arange(self._count, self._count + len(images))
        self._count += len(images)
        self._answers.append(answer)

    def __getitem__(self, images: Positions) -> Answer:
        """The answer about these images, in this order; an image may stand in it several times."""
        self._answers = [concatenate(self._answers)]
        rows, whole = self._row[images], self._answers[0]
        diagnostics = {name: values[rows] for name, values in whole.diagnostics.items()}
        return Answer(whole.scores[rows], diagnostics, None if whole.log_odds is None else whole.log_odds[rows])
