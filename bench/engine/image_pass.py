"""One pass over images: each is decoded once, degraded once per degradation, and prepared once for all consumers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.engine.selections import Positions
from bench.images.decoding.decoder import UnreadableImage
from bench.platform.executors import map_in_order
from detectors.api import Array, Sample
from detectors.types import read_only
from protocols.degradations import Degradation

SampleLoader = Callable[[int], Sample]
PreparationKey = tuple[Hashable, str]  # consumer, and name of the degradation
PreparationResult = Array | Exception
DegradationSteps = tuple[Degradation, ...]  # of a chain, each as a degradation of its own
Result = TypeVar("Result")
NO_IMAGES: Positions = np.zeros(0, np.intp)


class ChangedInPlace(TypeError):
    """A detector or a degradation wrote to an array that it shares with others."""


@dataclass(frozen=True)
class ImageReader:
    """How the images of a pass are read.

    Attributes:
        read: Decodes the image at a position.
        size: Number of distinct images.
        workers: Threads that decode, degrade and prepare.
        ahead: Whether they go on while the chunk before is embedded or scored. It pays where that happens on another
            device; on a processor both would compete for the same cores, and both would be slower.
    """

    read: SampleLoader
    size: int
    workers: int
    ahead: bool


@dataclass(frozen=True)
class PreparationRequest:
    """Images under one degradation that one consumer needs prepared.

    Attributes:
        consumer: Identity of the preparation: equal consumers prepare alike.
        degradation: Applied to every image first.
        prepare: How a sample is prepared; pure.
        images: Positions among the distinct images.
    """

    consumer: Hashable
    degradation: Degradation
    prepare: Callable[[Sample], Array]
    images: Positions

    @property
    def key(self) -> PreparationKey:
        """Consumer and degradation."""
        return self.consumer, self.degradation.name


@dataclass(frozen=True)
class PreparedChunk:
    """A chunk of images, prepared for every consumer.

    Attributes:
        images: Its images, in order.
        results: By preparation and image: a read-only prepared array, or the exception that preparing raised.
        unread: By image, why it could not be decoded.
        decoded: Number of images that a decoder was asked for.
    """

    images: Positions
    results: Mapping[PreparationKey, Mapping[int, PreparationResult]]
    unread: Mapping[int, str]
    decoded: int

    def batch(self, key: PreparationKey, images: Iterable[int]) -> list[Array]:
        """The prepared arrays of these images. Raises the first exception among them."""
        arrays: list[Array] = []
        for image in images:
            result = self.results[key][int(image)]
            if isinstance(result, Exception):
                raise result
            arrays.append(result)
        return arrays


def split_into_chunks(images: Positions, size: int) -> list[Positions]:
    """Consecutive images that are embedded or scored together.

    Chunks are cut from what is planned, never from what is still missing: a run that was killed and repeated computes
    the very batches of an undisturbed one.
    """
    return [images[start : start + size] for start in range(0, len(images), size)]


def position_mask(images: Positions, size: int) -> NDArray[np.bool_]:
    """Which of `size` distinct images these are, bools (size,)."""
    mask = np.zeros(size, bool)
    mask[images] = True
    return mask


def image_pass(
    reader: ImageReader,
    chunks: Sequence[Positions],
    requests: Sequence[PreparationRequest],
    is_needed: Callable[[PreparationKey], bool] = lambda _: True,
    unprepared: Positions = NO_IMAGES,
) -> Iterator[PreparedChunk]:
    """Prepare chunk after chunk, in order, on worker threads. An image of no request is not read.

    Args:
        reader: How images are read.
        chunks: Positions of distinct images, each in one chunk at most.
        requests: One for each preparation.
        is_needed: Whether a preparation is still needed; asked again for every image.
        unprepared: Images that come in the chunks whether or not anything is prepared of them.
    """
    masks = [(request, position_mask(request.images, reader.size)) for request in requests]
    requested = np.logical_or.reduce([position_mask(unprepared, reader.size), *(mask for _, mask in masks)])
    needed_chunks = [images for chunk in chunks if (images := chunk[requested[chunk]]).size]
    keys = [request.key for request in requests]
    steps = {request.degradation.name: request.degradation.apart() for request in requests}

    def prepare(chunks: Iterable[Positions]) -> Iterator[ImageResult]:
        tasks = (
            (reader.read, image, [request for request, mask in masks if mask[image] and is_needed(request.key)], steps)
            for chunk in chunks
            for image in chunk.tolist()
        )
        return map_in_order(_prepare, tasks, reader.workers)

    ahead = prepare(needed_chunks) if reader.ahead else None
    for chunk in needed_chunks:
        yield _collect(chunk, keys, ahead or prepare([chunk]))


ImageResult = Mapping[PreparationKey, PreparationResult] | str | None


def _collect(chunk: Positions, keys: Iterable[PreparationKey], prepared: Iterator[ImageResult]) -> PreparedChunk:
    """A chunk made of the results of its images, which come next."""
    results: dict[PreparationKey, dict[int, PreparationResult]] = {key: {} for key in keys}
    unread: dict[int, str] = {}
    decoded = 0
    for image in chunk.tolist():
        found = next(prepared)
        decoded += found is not None
        if isinstance(found, str):
            unread[image] = found
            continue
        for key, result in (found or {}).items():
            results[key][image] = result
    return PreparedChunk(chunk, results, unread, decoded)


def _prepare(
    task: tuple[SampleLoader, int, Sequence[PreparationRequest], Mapping[str, DegradationSteps]],
) -> ImageResult:
    """Decode one image and prepare it for every request; the reason where it cannot be decoded, None for no request."""
    read, image, requests, steps = task
    if not requests:
        return None
    try:
        sample = read(image)
    except UnreadableImage as error:
        return error.reason
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    by_chain: dict[str, list[PreparationRequest]] = defaultdict(list)
    for request in requests:
        by_chain[request.degradation.name].append(request)
    results: dict[PreparationKey, PreparationResult] = {}
    for name, degraded in _degraded(sample, [(name, steps[name]) for name in by_chain]):
        for request in by_chain[name]:
            result = degraded if isinstance(degraded, Exception) else _result_or_error(request.prepare, degraded)
            results[request.key] = result if isinstance(result, Exception) else read_only(result)
    return results


def _degraded(
    sample: Sample, chains: Iterable[tuple[str, DegradationSteps]]
) -> Iterator[tuple[str, Sample | Exception]]:
    """An image after each of some chains, by name: steps that several begin with are taken once.

    An image is kept no longer than chains need it, for there may be dozens of them, and images are large.
    """
    beginning_with: dict[str, list[tuple[str, DegradationSteps]]] = defaultdict(list)
    for name, steps in chains:
        if steps:
            beginning_with[steps[0].name].append((name, steps))
        else:
            yield name, sample
    for group in beginning_with.values():
        after = _result_or_error(group[0][1][0], sample)
        if isinstance(after, Exception):
            yield from ((name, after) for name, _ in group)
        else:
            yield from _degraded(after, [(name, steps[1:]) for name, steps in group])


def _result_or_error(work: Callable[[Sample], Result], sample: Sample) -> Result | Exception:
    """What `work` returns for a sample, or what it raises: a fault of one detector must not stop the others."""
    try:
        return work(sample)
    except Exception as error:  # noqa: BLE001 - it becomes the reason of a failed cell
        return explain_error(error)


def explain_error(error: Exception) -> Exception:
    """The same error, but one that says what to do where a shared array was written to."""
    if "read-only" in str(error).replace("readonly", "read-only"):
        return ChangedInPlace(f"it writes to an array that it shares with other detectors ({error}): copy it first")
    return error
