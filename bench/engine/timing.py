"""How fast a detector is, stage by stage: images per second and milliseconds per image.

One CPU thread decodes, degrades and prepares; the device embeds or scores whole batches; the head decides. Each repeat
goes over the same images, one repeat warms up and is not counted, and a CUDA device is synchronised before the clock is
read. `images_per_s` counts decode, prepare, device and head, one after the other: the detector on clean files with
nothing overlapped. Degrading is shown beside it.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from bench.engine.plan import PlannedCell
from bench.engine.run import Engine
from bench.engine.scoring import BatchInputs, answer, leaves, only_probes
from bench.engine.selections import Selections
from bench.images.image_set import ImageSet
from bench.platform.progress import Reporter
from bench.records import columns
from detectors.api import Array, Detector, Embedder, Embeddings, Probe, Recipe, Runtime
from protocols.degradations import Degradation, degradation

IMAGES = 50
REPEATS = 5
Result = TypeVar("Result")
Prepared = dict[Hashable, list[Array]]  # by the consumer of a leaf


@dataclass(frozen=True)
class TimingConditions:
    """Under what a timing holds.

    Attributes:
        data: Digest of the images.
        processor: Name of the processor or card.
        runtime: Device and precision.
        batch_size: As asked: a batch holds no more than the images timed.
    """

    data: str
    processor: str
    runtime: Runtime
    batch_size: int

    def of(self, recipe: Recipe) -> tuple[Any, ...]:
        """The values of `columns.TIMED_UNDER` for a recipe."""
        where = self.runtime.device, self.runtime.precision, self.batch_size
        return recipe.key, self.data, self.processor, *where


@dataclass(frozen=True)
class DeviceClock:
    """Reads the time once the device has finished what it was given."""

    runtime: Runtime

    def __call__(self) -> float:
        """Seconds."""
        if self.runtime.device.startswith("cuda"):
            import torch

            torch.cuda.synchronize(self.runtime.device)
        return time.perf_counter()

    def time(self, work: Callable[[], Result]) -> tuple[float, Result]:
        """Seconds that `work` took, and its result."""
        start = self()
        result = work()
        return self() - start, result


def timings(
    wanted: Sequence[PlannedCell],
    planned: Sequence[PlannedCell],
    engine: Engine,
    conditions: TimingConditions,
    selections: Selections,
    reporter: Reporter,
) -> pd.DataFrame:
    """Time the detectors of some cells on a few of their test images, columns `columns.THROUGHPUT`."""
    steps = [degradation(name) for name in sorted({degradation(item.cell.test.degradation).name for item in planned})]
    rows = []
    with reporter.stage("time detectors", len(wanted)) as advance:
        for item in wanted:
            few = selections[item.cell.test].images.select_at_most(IMAGES // 2)
            try:
                detector = engine.detector(item)
                figures = measure(detector, few, [step for step in steps if step.steps], conditions)
                under = dict(zip(columns.TIMED_UNDER, conditions.of(item.recipe), strict=True))
                rows.append({columns.DETECTOR: item.cell.detector, **under, **figures})
            except Exception as error:  # noqa: BLE001 - scores are recorded: a speed alone is missing, and said so
                reporter.say(f"{item.cell.detector} could not be timed: {type(error).__name__}: {error}")
            advance(1)
    return pd.DataFrame(rows, columns=list(columns.THROUGHPUT))


def measure(
    detector: Detector, images: ImageSet, degradations: Sequence[Degradation], conditions: TimingConditions
) -> dict[str, Any]:
    """Time one fitted detector.

    Args:
        detector: Any fitted detector.
        images: A few images, `IMAGES` or so.
        degradations: What the protocol applies; their mean cost is shown.
        conditions: Where the detector runs, and in batches of how many images.

    Returns:
        The columns of `columns.THROUGHPUT` that are figures: medians over `REPEATS` repeats, and the slowest and
        fastest repeat as `images_per_s_low` and `images_per_s_high`.
    """
    clock = DeviceClock(conditions.runtime)
    if conditions.runtime.device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(conditions.runtime.device)
    size = conditions.batch_size
    repeats = [_once(detector, images, degradations, size, clock) for _ in range(1 + REPEATS)][1:]
    seconds = np.array(repeats) / len(images)
    rates = 1 / (seconds.sum(axis=1) - seconds[:, columns.STAGES.index("degrade")])
    return {
        "images": len(images),
        "repeats": REPEATS,
        columns.IMAGES_PER_S: float(np.median(rates)),
        "images_per_s_low": float(rates.min()),
        "images_per_s_high": float(rates.max()),
        **{f"{stage}_ms": float(np.median(seconds[:, place]) * 1e3) for place, stage in enumerate(columns.STAGES)},
        "peak_memory_mb": peak_memory(conditions.runtime),
    }


def _once(
    detector: Detector, images: ImageSet, degradations: Sequence[Degradation], batch_size: int, clock: DeviceClock
) -> list[float]:
    """Seconds of each stage over all images."""
    decode, samples = clock.time(lambda: [images[index] for index in range(len(images))])
    degrade, _ = clock.time(lambda: [step(sample) for step in degradations for sample in samples])
    parts = {leaf.consumer: leaf.detector for leaf in leaves(detector, ())}
    prepare, prepared = clock.time(
        lambda: {consumer: [part.prepare(sample) for sample in samples] for consumer, part in parts.items()}
    )
    batches = [range(start, min(start + batch_size, len(images))) for start in range(0, len(images), batch_size)]
    device, head = _device(detector, prepared, batches, clock)
    return [decode, degrade / max(1, len(degradations)), prepare, device, head]


def _device(
    detector: Detector, prepared: Prepared, batches: Sequence[range], clock: DeviceClock
) -> tuple[float, float]:
    """Seconds on the device and in the head, which a detector with a network has on the device too."""
    embedders = {
        leaf.consumer: leaf.detector.embedder for leaf in leaves(detector, ()) if isinstance(leaf.detector, Probe)
    }
    device, embedded = clock.time(lambda: [_embedded(embedders, prepared, rows) for rows in batches])
    rest, _ = clock.time(
        lambda: [
            answer(detector, _inputs(prepared, rows, kept), ()) for rows, kept in zip(batches, embedded, strict=True)
        ]
    )
    return (device, rest) if only_probes(detector, ()) else (device + rest, 0.0)


def _embedded(embedders: dict[Hashable, Embedder], prepared: Prepared, rows: range) -> dict[str, Embeddings]:
    return {one.key: one.embed(prepared[consumer][rows.start : rows.stop]) for consumer, one in embedders.items()}


def _inputs(prepared: Prepared, rows: range, embedded: dict[str, Embeddings]) -> BatchInputs:
    return BatchInputs(
        lambda consumer: prepared[consumer][rows.start : rows.stop], lambda embedder: embedded[embedder.key]
    )


def peak_memory(runtime: Runtime) -> float:
    """MiB: on CUDA the most that was allocated on the device, on the CPU the largest size of this process so far."""
    if runtime.device.startswith("cuda"):
        import torch

        return float(torch.cuda.max_memory_allocated(runtime.device)) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
