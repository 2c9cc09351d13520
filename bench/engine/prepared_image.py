"""One image under many conditions: decoded once, each step of a degradation taken once, and kept while any is left.

A sweep has dozens of conditions. Their inputs for a whole chunk of images may take gigabytes, the images themselves far
less, so conditions are prepared some at a time, and the image is kept in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import NamedTuple, TypeVar

import numpy as np

from bench.engine.selections import Positions
from bench.images.decoding.decoder import UnreadableImage
from detectors.api import Array, Sample
from detectors.isolation.calls import contained
from detectors.types import read_only
from protocols.degradations import Degradation

PreparationKey = tuple[Hashable, str]  # consumer, and name of the degradation
PreparationResult = Array | Exception
DegradationSteps = tuple[Degradation, ...]  # of a chain, each as a degradation of its own
Beginning = tuple[str, ...]  # names of the first steps of a chain; none for the image as it is
Result = TypeVar("Result")


class ChangedInPlace(TypeError):
    """A detector or a degradation wrote to an array that it shares with others."""


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


class PixelMemory:
    """Bytes of pixels that images may keep for later conditions, all of them together; safe in several threads."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._lock = Lock()

    def change(self, more: int) -> bool:
        """Keep so many bytes more, or fewer where negative; False, and nothing is changed, where they do not fit."""
        with self._lock:
            if more > self._free:
                return False
            self._free -= more
            return True


class ImageResult(NamedTuple):
    """What became of an image under some conditions.

    Attributes:
        results: By preparation, a read-only prepared array, or the exception that preparing raised.
        unread: Why the image could not be decoded; empty where it could, or nothing was needed of it.
        decoded: Whether a decoder was asked for it now.
    """

    results: Mapping[PreparationKey, PreparationResult]
    unread: str
    decoded: bool


class PreparedImage:
    """An image, and what was made of it by steps that conditions begin with which are still to come.

    Where its pixels do not fit into the memory for such, every condition is prepared at once instead: of an image that
    large, the inputs of detectors are the smaller part.

    Args:
        read: Decodes it.
        requests: What is needed of it, in the order of their conditions.
        steps: Of each condition by its name.
        memory: For the pixels of all images.
    """

    def __init__(
        self,
        read: Callable[[], Sample],
        requests: Sequence[PreparationRequest],
        steps: Mapping[str, DegradationSteps],
        memory: PixelMemory,
    ) -> None:
        self._read = read
        self._steps = steps
        self._memory = memory
        self._requests: dict[str, list[PreparationRequest]] = {}  # by condition, those still to come
        for request in requests:
            self._requests.setdefault(request.degradation.name, []).append(request)
        self._left = Counter(beginning for name in self._requests for beginning in _beginnings(steps[name]))
        self._stages: dict[Beginning, Sample | Exception] = {}
        self._ready: dict[PreparationKey, PreparationResult] = {}  # prepared before their turn
        self._unread: str | None = None  # None before it was read
        self._kept = 0  # bytes of pixels
        self._lock = Lock()  # its next conditions may be begun before these are done

    def prepare(self, names: Sequence[str], is_needed: Callable[[PreparationKey], bool]) -> ImageResult:
        """Prepare it under some conditions, each of which is asked for once.

        Args:
            names: Of the conditions.
            is_needed: Whether a preparation is still needed.
        """
        with self._lock:
            read_before = self._unread is not None
            results = {key: self._ready.pop(key) for key in list(self._ready) if key[1] in names}
            for name in names:
                results |= self._under(name, is_needed)
            if not self._keep():
                for name in list(self._requests):
                    self._ready |= self._under(name, is_needed)
                self._keep()
            return ImageResult(results, self._unread or "", self._unread is not None and not read_before)

    def _under(self, name: str, is_needed: Callable[[PreparationKey], bool]) -> dict[PreparationKey, PreparationResult]:
        """What is needed under one condition; nothing of an image that cannot be decoded."""
        requests = [request for request in self._requests.get(name, ()) if is_needed(request.key)]
        results: dict[PreparationKey, PreparationResult] = {}
        if requests and self._is_read():
            degraded = self._after(self._steps[name])
            for request in requests:
                made = degraded if isinstance(degraded, Exception) else _prepared(request, degraded)
                results[request.key] = made if isinstance(made, Exception) else read_only(_of_its_own(made))
        if self._requests.pop(name, None) is not None:
            self._forget(self._steps[name])
        return results

    def _is_read(self) -> bool:
        """Whether the image could be decoded, which is tried once."""
        if self._unread is None:
            self._unread = ""
            try:
                self._stages[()] = self._read()
            except UnreadableImage as error:
                self._unread = error.reason
            except OSError as error:
                self._unread = f"it cannot be read: {error.strerror or error}"
        return not self._unread

    def _after(self, steps: DegradationSteps) -> Sample | Exception:
        """The image after a chain, or what a step raised; steps that were taken for another chain are not repeated."""
        beginnings = list(_beginnings(steps))
        known = max(place for place, beginning in enumerate(beginnings) if beginning in self._stages)
        for place in range(known, len(steps)):
            before = self._stages[beginnings[place]]
            after = before if isinstance(before, Exception) else _degraded(steps[place], before)
            self._stages[beginnings[place + 1]] = after
        return self._stages[beginnings[-1]]

    def _forget(self, steps: DegradationSteps) -> None:
        """Drop what no other chain begins with."""
        for beginning in _beginnings(steps):
            self._left[beginning] -= 1
            if not self._left[beginning]:
                self._stages.pop(beginning, None)

    def _keep(self) -> bool:
        """Count the pixels that are kept for later conditions. False where they do not fit."""
        needed = sum(stage.pixels.nbytes for stage in self._stages.values() if isinstance(stage, Sample))
        if not self._memory.change(needed - self._kept):
            return False
        self._kept = needed
        return True


def _beginnings(steps: DegradationSteps) -> Iterator[Beginning]:
    """Of a chain, from the image as it is to the whole."""
    names = tuple(step.name for step in steps)
    yield from (names[:length] for length in range(len(names) + 1))


def _of_its_own(prepared: Array) -> Array:
    """An array that keeps no larger one alive, as a crop does of its image."""
    base: object = prepared
    while isinstance(base, np.ndarray) and isinstance(base.base, np.ndarray):
        base = base.base
    return prepared.copy() if isinstance(base, np.ndarray) and base.nbytes > prepared.nbytes else prepared


def _prepared(request: PreparationRequest, sample: Sample) -> Array | Exception:
    """What a detector prepares of a sample, or what it raises: a fault of one must not stop the others."""
    return result_or_error(request.prepare, sample, f"preparing for {request.consumer}")


def _degraded(step: Degradation, sample: Sample) -> Sample | Exception:
    """A sample after one step, or what that raises."""
    return result_or_error(step, sample, f"degrading by {step.name}")


def result_or_error(work: Callable[[Sample], Result], sample: Sample, what: str) -> Result | Exception:
    """What `work`, called `what`, returns for a sample, or what it raises."""
    try:
        with contained(what, batch=True):
            return work(sample)
    except Exception as error:  # noqa: BLE001 - it becomes the reason of a failed cell
        return explain_error(error)


def explain_error(error: Exception) -> Exception:
    """The same error, but one that says what to do where a shared array was written to."""
    if "read-only" in str(error).replace("readonly", "read-only"):
        return ChangedInPlace(f"it writes to an array that it shares with other detectors ({error}): copy it first")
    return error
