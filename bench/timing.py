"""How fast a detector is, stage by stage: images per second and milliseconds per image.

One CPU thread decodes, degrades and prepares; the device embeds or scores whole batches; the head decides. Each repeat
goes over the same images, one repeat warms up and is not counted, and a CUDA device is synchronised before the clock is
read. `images_per_s` counts decode, prepare, device and head, one after the other: the detector on clean files with
nothing overlapped. Degrading is shown beside it.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.images.imageset import ImageSet
from bench.records import STAGES
from detectors.api import Array, Detector, Probe, Runtime
from protocols.degradations import Degradation

IMAGES = 50
REPEATS = 5


@dataclass(frozen=True)
class Clock:
    """Reads the time once the device has finished what it was given."""

    runtime: Runtime

    def __call__(self) -> float:
        """Seconds."""
        if self.runtime.device.startswith("cuda"):
            import torch

            torch.cuda.synchronize(self.runtime.device)
        return time.perf_counter()

    def time(self, work: Callable[[], Any]) -> tuple[float, Any]:
        """Seconds that `work` took, and its result."""
        start = self()
        result = work()
        return self() - start, result


def _once(
    detector: Detector, images: ImageSet, degradations: Sequence[Degradation], batch_size: int, clock: Clock
) -> list[float]:
    """Seconds of each stage over all images."""
    decode, samples = clock.time(lambda: [images[index] for index in range(len(images))])
    degrade, _ = clock.time(lambda: [step(sample) for step in degradations for sample in samples])
    prepare, prepared = clock.time(lambda: [detector.prepare(sample) for sample in samples])
    batches = [prepared[start : start + batch_size] for start in range(0, len(prepared), batch_size)]
    device, head = _device(detector, batches, clock)
    return [decode, degrade / max(1, len(degradations)), prepare, device, head]


def _device(detector: Detector, batches: Sequence[Sequence[Array]], clock: Clock) -> tuple[float, float]:
    """Seconds on the device and in the head."""
    if not isinstance(detector, Probe):
        return clock.time(lambda: [detector.score(batch) for batch in batches])[0], 0.0
    device, embedded = clock.time(lambda: [detector.embedder.embed(batch) for batch in batches])
    return device, clock.time(lambda: [detector.decide(embeddings) for embeddings in embedded])[0]


def peak_memory(runtime: Runtime) -> float:
    """MiB: on CUDA the most that was allocated on the device, on the CPU the largest size of this process so far."""
    if runtime.device.startswith("cuda"):
        import torch

        return float(torch.cuda.max_memory_allocated(runtime.device)) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def measure(
    detector: Detector, images: ImageSet, degradations: Sequence[Degradation], batch_size: int, runtime: Runtime
) -> dict[str, Any]:
    """Time one fitted detector.

    Args:
        detector: Any fitted detector.
        images: A few images, `IMAGES` or so.
        degradations: What the protocol applies; their mean cost is shown.
        batch_size: Images per batch on the device.
        runtime: Where the detector runs.

    Returns:
        The columns of `bench.records.THROUGHPUT_COLUMNS`, apart from `detector` and `recipe`: medians over `REPEATS`
        repeats, and the slowest and fastest repeat as `images_per_s_low` and `images_per_s_high`.
    """
    clock = Clock(runtime)
    if runtime.device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(runtime.device)
    repeats = [_once(detector, images, degradations, batch_size, clock) for _ in range(1 + REPEATS)][1:]
    seconds = np.array(repeats) / len(images)
    rates = 1 / (seconds.sum(axis=1) - seconds[:, STAGES.index("degrade")])
    return {
        "device": runtime.device,
        "precision": runtime.precision,
        "batch_size": batch_size,  # as asked: a batch holds no more than `images`
        "images": len(images),
        "repeats": REPEATS,
        "images_per_s": float(np.median(rates)),
        "images_per_s_low": float(rates.min()),
        "images_per_s_high": float(rates.max()),
        **{f"{stage}_ms": float(np.median(seconds[:, place]) * 1e3) for place, stage in enumerate(STAGES)},
        "peak_memory_mb": peak_memory(runtime),
    }
