"""One pass over images: each is decoded once, degraded once per degradation, and prepared for every consumer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bench.executors import in_order
from bench.plan import Selection
from detectors.api import Array, Sample
from protocols.degradations import Degradation

Prepare = Callable[[Sample], Array]


@dataclass(frozen=True)
class Wanted:
    """What one consumer wants of a chunk: its images under one degradation, prepared its way."""

    consumer: str
    degradation: Degradation
    prepare: Prepare


@dataclass(frozen=True)
class Chunk:
    """Consecutive images of a subset that are embedded or scored as one batch.

    Chunks are cut from subsets in order and by batch size alone, never by what happens to be done already: a run that
    was killed and repeated computes the very batches of an undisturbed one.
    """

    selection: Selection
    rows: range
    wanted: tuple[Wanted, ...]


Prepared = dict[tuple[str, str], list[Array | Exception]]  # by consumer and degradation, one per image of the chunk


def chunk_rows(size: int, batch_size: int) -> list[range]:
    """Row ranges of the chunks of a subset of `size` images."""
    return [range(start, min(start + batch_size, size)) for start in range(0, size, batch_size)]


def _prepare(task: tuple[Chunk, int]) -> list[Array | Exception]:
    chunk, row = task
    sample = chunk.selection.images[row]
    degraded: dict[str, Sample] = {}
    results: list[Array | Exception] = []
    for wanted in chunk.wanted:
        name = wanted.degradation.name
        try:
            if name not in degraded:
                degraded[name] = wanted.degradation(sample)
            results.append(wanted.prepare(degraded[name]))
        except Exception as error:  # noqa: BLE001 - one detector's fault must not stop the others
            results.append(error)
    return results


def run_pass(chunks: Sequence[Chunk], workers: int) -> Iterator[tuple[Chunk, Prepared]]:
    """Prepare chunk after chunk, in order, reading ahead on worker threads."""
    tasks: Iterable[tuple[Chunk, int]] = ((chunk, row) for chunk in chunks for row in chunk.rows)
    results = in_order(_prepare, tasks, workers)
    for chunk in chunks:
        prepared: Prepared = {(wanted.consumer, wanted.degradation.name): [] for wanted in chunk.wanted}
        for _ in chunk.rows:
            for arrays, one in zip(prepared.values(), next(results), strict=True):
                arrays.append(one)
        yield chunk, prepared


def batch(prepared: Sequence[Array | Exception]) -> list[Array]:
    """The prepared arrays of one consumer. Raises the first exception among them."""
    arrays: list[Array] = []
    for one in prepared:
        if isinstance(one, Exception):
            raise one
        arrays.append(one)
    return arrays
