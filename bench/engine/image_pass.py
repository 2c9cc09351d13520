"""One pass over images: each is decoded once, degraded once per degradation, and prepared once for all consumers.

What is held is bounded: inputs of detectors by `INPUT_MEMORY`, or those of one condition where they take more; images
that wait for their next conditions by `PIXEL_MEMORY`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from bench.engine.prepared_image import (
    ImageResult,
    PixelMemory,
    PreparationKey,
    PreparationRequest,
    PreparationResult,
    PreparedImage,
)
from bench.engine.selections import Positions
from bench.platform.processes.executors import ITEMS_PER_WORKER, map_in_order
from detectors.api import Array, Sample

SampleLoader = Callable[[int], Sample]
INPUT_MEMORY = 1 << 28  # bytes of prepared arrays, of all images of a chunk and consumers under some conditions
PIXEL_MEMORY = 1 << 28  # bytes of images that are kept between one part of their conditions and the next
USUAL_INPUT = 1 << 20  # bytes that a prepared array is taken for before one of its consumer was seen
NOTHING: Mapping[str, Positions] = MappingProxyType({})


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
class PreparedChunk:
    """A chunk of images under some conditions, prepared for every consumer.

    Attributes:
        images: Its images, in order.
        results: By preparation and image: a read-only prepared array, or the exception that preparing raised.
        unread: By image, why it could not be decoded.
        decoded: Number of images that a decoder was asked for.
        conditions: Names of the degradations; each is in one part of a chunk.
        last: Whether no further part of the chunk comes.
    """

    images: Positions
    results: Mapping[PreparationKey, Mapping[int, PreparationResult]]
    unread: Mapping[int, str]
    decoded: int
    conditions: frozenset[str] = frozenset()
    last: bool = True

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
    unprepared: Mapping[str, Positions] = NOTHING,
) -> Iterator[PreparedChunk]:
    """Prepare chunk after chunk, in order, on worker threads. An image of no request is not read.

    A chunk comes in parts, each under some conditions: `INPUT_MEMORY` bounds what is prepared at a time.

    Args:
        reader: How images are read.
        chunks: Positions of distinct images, each in one chunk at most.
        requests: One for each preparation.
        is_needed: Whether a preparation is still needed; asked again for every image.
        unprepared: By the name of a degradation, images that come under it whether or not anything is prepared of them.
    """
    work = _Pass(reader, requests, unprepared, is_needed)
    if reader.ahead:
        prepared = map_in_order(_prepare, work.tasks(work.parts(chunks)), reader.workers)
        while (first := next(prepared, None)) is not None:
            part, _ = first
            yield work.collected(part, chain([first], islice(prepared, len(part.images) - 1)))
        return
    for part in work.parts(chunks):
        yield work.collected(part, map_in_order(_prepare, work.tasks([part]), reader.workers))


@dataclass(frozen=True)
class _Part:
    """Some conditions of a chunk.

    Attributes:
        chunk: Positions of its images.
        images: The same, on their way through all conditions of the chunk.
        conditions: Their names.
        last: Whether they are the last ones of the chunk.
    """

    chunk: Positions
    images: Sequence[PreparedImage]
    conditions: tuple[str, ...]
    last: bool


_Task = tuple[_Part, PreparedImage, Callable[[PreparationKey], bool]]
_Prepared = tuple[_Part, ImageResult]


class _Pass:
    """Cuts the chunks of one pass into parts, by what inputs have taken so far, and collects what was prepared."""

    def __init__(
        self,
        reader: ImageReader,
        requests: Sequence[PreparationRequest],
        unprepared: Mapping[str, Positions],
        is_needed: Callable[[PreparationKey], bool],
    ) -> None:
        self._reader = reader
        self._is_needed = is_needed
        self._memory = PixelMemory(PIXEL_MEMORY)
        self._input_bytes: dict[Hashable, int] = {}  # the most of one image so far, by consumer
        size = reader.size
        steps = {request.degradation.name: request.degradation.apart() for request in requests}
        # conditions that begin alike stand together, so that what their images became is not kept long
        names = sorted(steps, key=lambda name: [step.name for step in steps[name]])
        self._steps = steps
        self._masks = [
            (request, position_mask(request.images, size))
            for request in sorted(requests, key=lambda one: names.index(one.degradation.name))
        ]
        wanted = {name: [position_mask(images, size)] for name, images in unprepared.items()}
        for request, mask in self._masks:
            wanted.setdefault(request.degradation.name, []).append(mask)
        order = [*names, *(name for name in wanted if name not in steps)]
        self._wanted = {name: np.logical_or.reduce(wanted[name]) for name in order}  # images, by condition

    def parts(self, chunks: Iterable[Positions]) -> Iterator[_Part]:
        """All parts, in order; one is cut when it is asked for."""
        for chunk in chunks:
            conditions = [name for name, mask in self._wanted.items() if mask[chunk].any()]
            images = chunk[np.logical_or.reduce([self._wanted[name][chunk] for name in conditions] or [chunk < 0])]
            prepared = [self._image(image) for image in images.tolist()]
            while conditions:
                count = self._fitting(conditions, images)
                yield _Part(images, prepared, tuple(conditions[:count]), count == len(conditions))
                conditions = conditions[count:]

    def _image(self, image: int) -> PreparedImage:
        requests = [request for request, mask in self._masks if mask[image]]
        return PreparedImage(partial(self._reader.read, image), requests, self._steps, self._memory)

    def _fitting(self, conditions: Sequence[str], images: Positions) -> int:
        """How many of some conditions are prepared together: as many as `INPUT_MEMORY` holds, and one at least."""
        ahead = ITEMS_PER_WORKER * self._reader.workers if self._reader.ahead else 0
        share = 1 + ahead / len(images)  # of what is prepared before it is asked for
        taken = 0.0
        for count, name in enumerate(conditions):
            taken += share * sum(
                self._input_bytes.get(request.consumer, USUAL_INPUT) * int(mask[images].sum())
                for request, mask in self._masks
                if request.degradation.name == name
            )
            if count and taken > INPUT_MEMORY:
                return count
        return len(conditions)

    def tasks(self, parts: Iterable[_Part]) -> Iterator[_Task]:
        """What is done for each image of each part."""
        return ((part, image, self._is_needed) for part in parts for image in part.images)

    def collected(self, part: _Part, prepared: Iterable[_Prepared]) -> PreparedChunk:
        """A part made of the results of its images, which come in their order."""
        names = set(part.conditions)
        keys = [request.key for request, _ in self._masks if request.degradation.name in names]
        results: dict[PreparationKey, dict[int, PreparationResult]] = {key: {} for key in keys}
        unread: dict[int, str] = {}
        decoded = 0
        for image, (_, found) in zip(part.chunk.tolist(), prepared, strict=True):
            decoded += found.decoded
            if found.unread:
                unread[image] = found.unread
            for key, result in found.results.items():
                results[key][image] = result
                if isinstance(result, np.ndarray):
                    self._input_bytes[key[0]] = max(result.nbytes, self._input_bytes.get(key[0], 0))
        return PreparedChunk(part.chunk, results, unread, decoded, frozenset(names), part.last)


def _prepare(task: _Task) -> _Prepared:
    """Prepare one image under the conditions of a part."""
    part, image, is_needed = task
    return part, image.prepare(part.conditions, is_needed)
