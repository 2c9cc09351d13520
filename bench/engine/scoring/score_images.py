"""The one way from images to answers: one pass that prepares each image once for all detectors that score it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from bench.engine.embeddings import EmbeddingRequest, EmbeddingService, require_decoded
from bench.engine.image_pass import ImageReader, PreparedChunk, image_pass, position_mask
from bench.engine.plan import DetectorPath, ScoringKey
from bench.engine.prepared_image import PreparationKey, PreparationRequest, explain_error
from bench.engine.scoring.batch_answers import BaseDetector, BatchInputs, answer_batch, base_detectors, validated_answer
from bench.engine.selections import Positions, unique_positions
from bench.platform.errors import InputError
from detectors.api import Answer, Array, Detector, Embedder, Embeddings, Probe, Scores
from detectors.isolation.calls import contained
from detectors.types import read_only
from protocols.degradations import Degradation


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

    @property
    def text(self) -> str:
        """The request in words, the same for all fits and degradations: a detector is given up as a whole."""
        return f"scoring by {'/'.join(self.path)}"


@dataclass(frozen=True)
class ScoredChunk:
    """The answer to one request about its images of a chunk.

    Attributes:
        key: Of the request.
        images: The images, in order.
        answer: The answer, or the exception that took its place.
        unprepared: Whether the exception is of one image, which cannot be degraded or prepared, and not the detector's.
    """

    key: ScoringKey
    images: Positions
    answer: Answer | Exception
    unprepared: bool = False

    @property
    def failed(self) -> bool:
        """Whether there is no answer."""
        return isinstance(self.answer, Exception)


@dataclass
class ScoredImages:
    """The images of a chunk under all conditions.

    Attributes:
        images: Its images, in order.
        answers: The answers to the requests about them.
        unread: By image, why it could not be decoded.
        decoded: Number of images that a decoder was asked for.
    """

    images: Positions = field(default_factory=lambda: np.zeros(0, np.intp))
    answers: list[ScoredChunk] = field(default_factory=list)
    unread: dict[int, str] = field(default_factory=dict)
    decoded: int = 0

    def add(self, chunk: PreparedChunk, answers: Sequence[ScoredChunk]) -> None:
        """Add a part of the chunk with its answers."""
        self.images = chunk.images
        self.answers += answers
        self.unread |= chunk.unread
        self.decoded += chunk.decoded


def score_images(
    reader: ImageReader,
    chunks: Sequence[Positions],
    requests: Sequence[ScoringRequest],
    embeddings: EmbeddingService | None,
    is_open: Callable[[ScoringKey], bool] = lambda _: True,
) -> Iterator[ScoredImages]:
    """Let detectors answer chunk after chunk; each image is decoded, degraded and prepared once for all of them.

    Args:
        reader: How images are read.
        chunks: Positions of distinct images, each in one chunk at most.
        requests: Which detector scores which of them.
        embeddings: Keeps the embeddings of probes, and has those that were made before; None to keep none.
        is_open: Whether a request still needs answers; asked again for every image.

    Yields:
        The images of a chunk, and the answers about them. A request whose detector failed gets no further answers,
        unless it is `apart`; an image that cannot be prepared costs no other its answer.
    """
    shared = {id(request.images): request.images for request in requests}  # of many requests
    mask_of = {key: position_mask(images, reader.size) for key, images in shared.items()}
    masks = [(request, mask_of[id(request.images)]) for request in requests]
    preparations, users = _preparation_requests(requests, embeddings)
    failed: set[ScoringKey] = set()
    going_on = {request.key for request in requests if request.apart}
    diagnostics: dict[ScoringKey, frozenset[str]] = {}

    def is_needed(key: PreparationKey) -> bool:
        return any(user not in failed and is_open(user) for user in users[key])

    done = ScoredImages()
    for chunk in image_pass(reader, chunks, preparations, is_needed, _images_by_condition(requests)):
        sound = chunk.images[[image not in chunk.unread for image in chunk.images.tolist()]]
        lookup = _ChunkEmbeddings(chunk, embeddings)
        left = [
            (request, mask)
            for request, mask in masks
            if request.degradation.name in chunk.conditions and request.key not in failed and is_open(request.key)
        ]
        parts = [(request, sound[mask[sound]]) for request, mask in left]
        found = [one for request, images in parts if images.size for one in _answers(request, images, chunk, lookup)]
        scored = [with_same_diagnostics(part, diagnostics) for part in found]
        faults = {part.key for part in scored if isinstance(part.answer, Exception) and not part.unprepared}
        failed.update(faults - going_on)
        done.add(chunk, scored)
        is_last = chunk.last
        del chunk, lookup  # what was prepared goes before more is
        if is_last:
            yield done
            done = ScoredImages()


def _images_by_condition(requests: Sequence[ScoringRequest]) -> dict[str, Positions]:
    """The images that are scored under each degradation, by its name."""
    images: dict[str, list[Positions]] = defaultdict(list)
    for request in requests:
        images[request.degradation.name].append(request.images)
    return {name: unique_positions(parts) for name, parts in images.items()}


def score_pool(
    chunks: Sequence[Positions],
    requests: Sequence[ScoringRequest],
    embeddings: EmbeddingService,
    *,
    keep: bool = True,
    is_open: Callable[[ScoringKey], bool] = lambda _: True,
) -> Iterator[ScoredImages]:
    """`score_images` over the distinct images of a run; decoded images are counted.

    Args:
        chunks: As there.
        requests: As there, those of one degradation one after the other.
        embeddings: Reads images.
        keep: Whether embeddings are kept in its cache, and taken from it.
        is_open: As there.

    Raises:
        InputError: An image cannot be decoded any more.
    """
    kept = embeddings if keep else None
    for scored in score_images(embeddings.reader, chunks, requests, kept, is_open):
        require_decoded(embeddings.pool, scored.unread)
        embeddings.counts["images decoded"] += scored.decoded
        yield scored


def _preparation_requests(
    requests: Sequence[ScoringRequest], embeddings: EmbeddingService | None
) -> tuple[list[PreparationRequest], dict[PreparationKey, set[ScoringKey]]]:
    """What base detectors need prepared, each preparation once, and by its key who uses it.

    Args:
        requests: Which detector scores which images.
        embeddings: Has embeddings of images that need not be prepared for probes.
    """
    users: dict[PreparationKey, set[ScoringKey]] = defaultdict(set)
    images: dict[PreparationKey, list[Positions]] = defaultdict(list)
    first: dict[PreparationKey, tuple[BaseDetector, Degradation]] = {}
    for request in requests:
        for base in base_detectors(request.detector, request.path):
            key = base.consumer, request.degradation.name
            users[key].add(request.key)
            images[key].append(request.images)
            first.setdefault(key, (base, request.degradation))
    preparations = []
    for key, (base, degradation) in first.items():
        needed = unique_positions(images[key])
        if isinstance(base.detector, Probe) and embeddings is not None:
            needed = embeddings.missing(EmbeddingRequest(base.detector.embedder, degradation, needed))
        preparations.append(PreparationRequest(base.consumer, degradation, base.detector.prepare, needed))
    return preparations, users


class _ChunkEmbeddings:
    """Embeddings of the images of a chunk, made once for all who ask, and kept where they are to be.

    Those of one degradation are held at a time: a sweep has dozens.
    """

    def __init__(self, chunk: PreparedChunk, service: EmbeddingService | None) -> None:
        self._chunk = chunk
        self._service = service
        self._degradation = ""
        self._held: dict[tuple[str, bytes], Embeddings] = {}
        self._failed: dict[PreparationKey, Exception | None] = {}

    def __call__(self, embedder: Embedder, degradation: Degradation, images: Positions) -> Embeddings:
        """Embeddings of some of the images, float32 (N, dim), read-only. Raises what preparing or embedding raises."""
        if degradation.name != self._degradation:
            self._degradation, self._held = degradation.name, {}
        key = embedder.key, images.tobytes()
        if key not in self._held:
            self._held[key] = read_only(self._embeddings(embedder, degradation, images))
        return self._held[key]

    def _embeddings(self, embedder: Embedder, degradation: Degradation, images: Positions) -> Embeddings:
        key = embedder.key, degradation.name
        if self._service is None:
            return embedder.embed(self._chunk.batch(key, images))
        if key not in self._failed:
            self._failed[key] = self._embed_prepared(embedder, degradation)
        if (error := self._failed[key]) is not None:
            raise error
        return self._service.lookup(embedder, degradation, images)

    def _embed_prepared(self, embedder: Embedder, degradation: Degradation) -> Exception | None:
        """Embed what was prepared as one batch, whichever part of it is asked for; why it failed, or None."""
        results = self._chunk.results[embedder.key, degradation.name]
        prepared = [image for image, result in results.items() if not isinstance(result, Exception)]
        request = EmbeddingRequest(embedder, degradation, np.array(prepared, np.intp))
        if self._service is None or not (missing := self._service.missing(request)).size:
            return None
        try:
            self._service.embed_prepared(embedder, degradation, missing, self._chunk)
        except InputError:
            raise
        except Exception as error:  # noqa: BLE001 - it becomes the reason of the cells that need it
            return error
        return None


def _score_chunk(
    request: ScoringRequest, images: Positions, chunk: PreparedChunk, lookup: _ChunkEmbeddings
) -> ScoredChunk:
    """The answer of one detector about some images of a chunk."""

    def prepared(consumer: Hashable) -> list[Array]:
        return chunk.batch((consumer, request.degradation.name), images)

    def embeddings(embedder: Embedder) -> Embeddings:
        return lookup(embedder, request.degradation, images)

    try:
        with contained(request.text, batch=True):
            answer = answer_batch(request.detector, BatchInputs(prepared, embeddings), request.path)
            return ScoredChunk(request.key, images, validated_answer(answer, len(images)))
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - one detector's fault must not stop the others
        return ScoredChunk(request.key, images, explain_error(error))


def _answers(
    request: ScoringRequest, images: Positions, chunk: PreparedChunk, lookup: _ChunkEmbeddings
) -> list[ScoredChunk]:
    """The answer of one detector about some images of a chunk; in place of a failure those about each, if `apart`.

    Images that cannot be prepared come first, each by itself with the reason.
    """
    keys = [(base.consumer, request.degradation.name) for base in base_detectors(request.detector, request.path)]
    found = []
    for image in images.tolist():
        results = (chunk.results[key].get(image) for key in keys if key in chunk.results)
        if (error := next((one for one in results if isinstance(one, Exception)), None)) is not None:
            found.append(ScoredChunk(request.key, np.array([image], np.intp), error, unprepared=True))
    bad = {int(part.images[0]) for part in found}
    sound = images[[image not in bad for image in images.tolist()]]
    if not sound.size:
        return found
    whole = _score_chunk(request, sound, chunk, lookup)
    if not (request.apart and isinstance(whole.answer, Exception) and len(sound) > 1):
        return [*found, whole]
    return [*found, *(_score_chunk(request, sound[[row]], chunk, lookup) for row in range(len(sound)))]


def with_same_diagnostics(part: ScoredChunk, known: dict[ScoringKey, frozenset[str]]) -> ScoredChunk:
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

    def __init__(self, images: Positions) -> None:
        """Make room for these images, each of which stands in it once; an array in order is not copied."""
        self._images = images if (images[1:] > images[:-1]).all() else np.sort(images)
        self._row = np.full(len(images), -1, np.int32)  # of each image among the answers
        self._count = 0
        self._answers: list[Answer] = []

    def add(self, images: Positions, answer: Answer) -> None:
        """Remember the answer about some of the images."""
        self._row[np.searchsorted(self._images, images)] = np.arange(self._count, self._count + len(images))
        self._count += len(images)
        self._answers.append(answer)

    def __getitem__(self, images: Positions) -> Answer:
        """The answer about these images, in this order; an image may stand in it several times."""
        self._answers = [concatenate(self._answers)]
        rows, whole = self._row[np.searchsorted(self._images, images)], self._answers[0]
        diagnostics = {name: values[rows] for name, values in whole.diagnostics.items()}
        return Answer(whole.scores[rows], diagnostics, None if whole.log_odds is None else whole.log_odds[rows])
