"""One pass over images: each is decoded once, degraded once per degradation, and prepared once for all who want it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.engine.selections import Positions
from bench.images.decoding.decoder import UnreadableImage
from bench.platform.executors import in_order
from detectors.api import Array, Sample
from detectors.types import read_only
from protocols.degradations import Degradation

SampleLoader = Callable[[int], Sample]
PreparationKey = tuple[Hashable, str]  # who, and under which degradation
Result = TypeVar("Result")


class ChangedInPlace(TypeError):
    """A detector or a degradation wrote to what it shares with others."""


@dataclass(frozen=True)
class PreparationRequest:
    """What one consumer wants: images under one degradation, prepared its way.

    Attributes:
        consumer: Who: the same name, the same preparation.
        degradation: What images go through first.
        prepare: How a sample is prepared; pure.
        images: Which images, positions among the distinct ones.
    """

    consumer: Hashable
    degradation: Degradation
    prepare: Callable[[Sample], Array]
    images: Positions

    @property
    def want(self) -> PreparationKey:
        """Consumer and degradation."""
        return self.consumer, self.degradation.name


@dataclass(frozen=True)
class PreparedChunk:
    """A chunk of images as everybody wanted it.

    Attributes:
        images: Its images, in order.
        arrays: By want and image: a prepared array that cannot be written to, or why there is none.
        unread: Why images could not be decoded.
        decoded: How many files were decoded.
    """

    images: Positions
    arrays: Mapping[PreparationKey, Mapping[int, Array | Exception]]
    unread: Mapping[int, str]
    decoded: int

    def batch(self, want: PreparationKey, images: Iterable[int]) -> list[Array]:
        """The prepared arrays of these images. Raises the first exception among them."""
        arrays: list[Array] = []
        for image in images:
            one = self.arrays[want][int(image)]
            if isinstance(one, Exception):
                raise one
            arrays.append(one)
        return arrays


def in_chunks(images: Positions, size: int) -> list[Positions]:
    """Consecutive images that are embedded or scored together.

    Chunks are cut from what is planned, never from what is still missing: a run that was killed and repeated computes
    the very batches of an undisturbed one.
    """
    return [images[start : start + size] for start in range(0, len(images), size)]


def members(images: Positions, size: int) -> NDArray[np.bool_]:
    """Which of `size` distinct images these are, bools (size,)."""
    mask = np.zeros(size, bool)
    mask[images] = True
    return mask


def image_pass(
    read: SampleLoader,
    size: int,
    chunks: Sequence[Positions],
    demands: Sequence[PreparationRequest],
    workers: int,
    live: Callable[[PreparationKey], bool] = lambda _: True,
) -> Iterator[PreparedChunk]:
    """Prepare chunk after chunk, in order, reading ahead on worker threads. An image that nobody wants is not read.

    Args:
        read: Decodes the image at a position.
        size: Number of distinct images.
        chunks: Positions of distinct images, each in one chunk at most.
        demands: Who wants which of them; one for each want.
        workers: Threads.
        live: Whether a want is still to be met: who broke needs nothing more.
    """
    wanted = [(demand, members(demand.images, size)) for demand in demands]
    anybody = np.logical_or.reduce([mask for _, mask in wanted]) if wanted else np.zeros(size, bool)
    kept = [part for chunk in chunks if (part := chunk[anybody[chunk]]).size]
    tasks = (
        (read, image, [demand for demand, mask in wanted if mask[image] and live(demand.want)])
        for chunk in kept
        for image in chunk.tolist()
    )
    results = in_order(_prepare, tasks, workers)
    for chunk in kept:
        arrays: dict[PreparationKey, dict[int, Array | Exception]] = {demand.want: {} for demand in demands}
        unread: dict[int, str] = {}
        decoded = 0
        for image in chunk.tolist():
            done = next(results)
            decoded += done is not None
            if isinstance(done, str):
                unread[image] = done
                continue
            for want, one in done or ():
                arrays[want][image] = one
        yield PreparedChunk(chunk, arrays, unread, decoded)


def _prepare(
    task: tuple[SampleLoader, int, Sequence[PreparationRequest]],
) -> list[tuple[PreparationKey, Array | Exception]] | str | None:
    """One image, decoded once; the reason where it cannot be, and None where nobody wants it any more."""
    read, image, demands = task
    if not demands:
        return None
    try:
        sample = read(image)
    except UnreadableImage as error:
        return error.reason
    except OSError as error:
        return f"it cannot be read: {error.strerror or error}"
    degraded: dict[str, Sample | Exception] = {}
    results: list[tuple[PreparationKey, Array | Exception]] = []
    for demand in demands:
        name = demand.degradation.name
        if name not in degraded:
            degraded[name] = _caught(demand.degradation, sample)
        one = degraded[name]
        results.append((demand.want, one if isinstance(one, Exception) else _caught(demand.prepare, one)))
    return [(want, one if isinstance(one, Exception) else read_only(one)) for want, one in results]


def _caught(work: Callable[[Sample], Result], sample: Sample) -> Result | Exception:
    """What `work` makes of a sample, or what it raised: one detector's fault must not stop the others."""
    try:
        return work(sample)
    except Exception as error:  # noqa: BLE001 - it becomes the reason of a failed cell
        return in_plain_words(error)


def in_plain_words(error: Exception) -> Exception:
    """The same error, but one that says what to do where something shared was written to."""
    if "read-only" in str(error).replace("readonly", "read-only"):
        return ChangedInPlace(f"it writes to an array that it shares with other detectors ({error}): copy it first")
    return error
