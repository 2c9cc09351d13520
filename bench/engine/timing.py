"""How fast a detector is, stage by stage: images per second and milliseconds per image.

One CPU thread reads, decodes, degrades and prepares; the device embeds or scores whole batches; the head decides. Each
repeat goes over the same images, one repeat warms up and is not counted, and a CUDA device is synchronised before the
clock is read. There are `REPEATS` at least, and as many more as fit into `LEAST_SECONDS`. `images_per_s` counts all
stages but degrading, one after the other: the detector on clean files with nothing overlapped. Degrading is shown
beside it, and so is the load of the machine: a timing beside other work is marked as disturbed.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from bench.engine.plan import PlannedCell
from bench.engine.run import Engine
from bench.engine.scoring.batch_answers import (
    BatchInputs,
    answer_batch,
    base_detectors,
    needs_only_embeddings,
    prepare_samples,
)
from bench.engine.selections import Selections
from bench.images.image_set import ImageSet
from bench.inference.backends import library_name
from bench.platform.errors import InputError
from bench.platform.machine_load import LoadWatch, MachineLoad
from bench.platform.progress import Reporter
from bench.records import columns
from detectors.api import Array, Detector, Embedder, Embeddings, Probe, Runtime, Sample
from detectors.isolation.calls import contained, first_line
from detectors.network_kinds import network_kinds
from protocols.degradations import Degradation

IMAGES = 50
REPEATS = 3  # at least
LEAST_SECONDS = 1.0  # that the repeats of a detector take together, at least
Result = TypeVar("Result")
PreparedArrays = dict[Hashable, list[Array]]  # by consumer of a base detector


@dataclass(frozen=True)
class TimingConditions:
    """The conditions under which a timing holds.

    Attributes:
        data: Digest of the images.
        processor: Name of the processor or card.
        runtime: Device and precision.
        batch_size: As the run has it: a batch holds no more than the images timed.
    """

    data: str
    processor: str
    runtime: Runtime
    batch_size: int

    def values(self, item: PlannedCell) -> tuple[Any, ...]:
        """The values of `columns.TIMING_CONDITIONS` for the recipe of a cell."""
        runtime, library = self.runtime, library_name(self.runtime, network_kinds(item.recipe))
        place = self.data, self.processor, runtime.device, runtime.precision
        return item.recipe_key, *place, self.batch_size, library


@dataclass(frozen=True)
class DeviceClock:
    """Reads the time once the device has finished its work.

    Attributes:
        runtime: The device.
    """

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


def time_detectors(
    items: Sequence[PlannedCell],
    planned: Sequence[PlannedCell],
    engine: Engine,
    conditions: TimingConditions,
    selections: Selections,
    reporter: Reporter,
) -> pd.DataFrame:
    """Time detectors on a few test images each.

    Args:
        items: One cell for each detector.
        planned: All cells of the run: their degradations are timed.
        engine: Gives the fitted detectors.
        conditions: Recorded beside the figures.
        selections: The images of every subset.
        reporter: Shows progress, and why a detector could not be timed.

    Returns:
        One row per detector, columns `columns.THROUGHPUT`.
    """
    shown = map(PlannedCell.degradation, planned, (item.cell.test for item in planned))
    by_name = {degradation.name: degradation for degradation in shown if degradation.steps}
    steps = [by_name[name] for name in sorted(by_name)]
    rows = []
    with reporter.stage("time detectors", len(items)) as advance:
        for item in items:
            images = selections[item.cell.test].images.select_at_most(IMAGES // 2)
            try:
                with contained(f"timing of {item.cell.detector}"):
                    figures = _measure_speed(engine.detector(item), images, steps, conditions)
                under = dict(zip(columns.TIMING_CONDITIONS, conditions.values(item), strict=True))
                rows.append({columns.DETECTOR: item.cell.detector, **under, **figures})
            except InputError:
                raise
            except Exception as error:  # noqa: BLE001 - scores are recorded: a speed alone is missing, and said so
                reporter.say(f"{item.cell.detector} could not be timed: {first_line(error)}")
            advance(1)
    return pd.DataFrame(rows, columns=list(columns.THROUGHPUT))


def _measure_speed(
    detector: Detector, images: ImageSet, degradations: Sequence[Degradation], conditions: TimingConditions
) -> dict[str, Any]:
    """Time one fitted detector.

    Args:
        detector: Any fitted detector.
        images: A few images, `IMAGES` or so.
        degradations: Those of the protocol; the mean time of one is given.
        conditions: Where the detector runs, and in batches of how many images.

    Returns:
        The columns of `columns.THROUGHPUT` that are figures: medians over the repeats, the slowest and fastest repeat
        as `images_per_s_low` and `images_per_s_high`, and the load of the machine.
    """
    clock, size = DeviceClock(conditions.runtime), conditions.batch_size
    repeats, load = _repeated(lambda: _stage_seconds(detector, images, degradations, size, clock))
    seconds = np.array(repeats) / len(images)
    rates = 1 / (seconds.sum(axis=1) - seconds[:, columns.STAGES.index("degrade")])
    return {
        columns.IMAGES: len(images),
        columns.REPEATS: len(repeats),
        columns.IMAGES_PER_S: float(np.median(rates)),
        columns.IMAGES_PER_S_LOW: float(rates.min()),
        columns.IMAGES_PER_S_HIGH: float(rates.max()),
        **{
            f"{stage}_ms": float(np.median(seconds[:, position]) * 1e3) for position, stage in enumerate(columns.STAGES)
        },
        columns.PEAK_MEMORY: _peak_memory(
            conditions.runtime, lambda: _stage_seconds(detector, images, (), size, clock)
        ),
        columns.LOAD_BEFORE: load.before,
        columns.CPU_SHARE: load.cpu_share,
        columns.OTHER_CORES: load.other_cores,
        columns.DISTURBED: load.disturbed,
    }


def _repeated(measure: Callable[[], Result]) -> tuple[list[Result], MachineLoad]:
    """What is measured in every repeat after the one that warms up, and the load of the machine meanwhile."""
    measure()
    watch, start, found = LoadWatch(), time.perf_counter(), list[Result]()
    while len(found) < REPEATS or time.perf_counter() - start < LEAST_SECONDS:
        found.append(measure())
    return found, watch.load()


def _stage_seconds(
    detector: Detector, images: ImageSet, degradations: Sequence[Degradation], batch_size: int, clock: DeviceClock
) -> list[float]:
    """Seconds of each stage over all images."""
    read, files = clock.time(lambda: [images.encoded(index) for index in range(len(images))])
    decode, samples = clock.time(lambda: [images.decoded(index, data) for index, data in enumerate(files)])
    degrade, _ = clock.time(lambda: _degrade(samples, degradations))
    prepare, prepared = clock.time(lambda: prepare_samples(detector, samples))
    batches = [range(start, min(start + batch_size, len(images))) for start in range(0, len(images), batch_size)]
    device, head = _device_and_head_seconds(detector, prepared, batches, clock)
    copy = min(device, _copy_seconds(prepared, batches, clock))
    return [read, decode, degrade / max(1, len(degradations)), prepare, copy, device - copy, head]


def _copy_seconds(prepared: PreparedArrays, batches: Sequence[range], clock: DeviceClock) -> float:
    """Seconds of copying what was prepared to the device, which detectors do by themselves; 0 on a CPU."""
    if not clock.runtime.device.startswith("cuda"):
        return 0.0
    import torch

    def copy_all() -> None:
        for arrays, rows in product(prepared.values(), batches):
            batch = arrays[rows.start : rows.stop]
            for whole in [np.stack(batch)] if len({array.shape for array in batch}) == 1 else batch:
                torch.from_numpy(whole).to(clock.runtime.device)

    return clock.time(copy_all)[0]


def _degrade(samples: Sequence[Sample], degradations: Sequence[Degradation]) -> None:
    """Degrade images. That one is refused is the reason of its cell, and of no missing speed."""
    for degradation, sample in product(degradations, samples):
        with suppress(ValueError):
            degradation(sample)


def _device_and_head_seconds(
    detector: Detector, prepared: PreparedArrays, batches: Sequence[range], clock: DeviceClock
) -> tuple[float, float]:
    """Seconds on the device and in the head, which a detector with a network has on the device too."""
    embedders = {
        base.consumer: base.detector.embedder for base in base_detectors(detector) if isinstance(base.detector, Probe)
    }
    device, by_batch = clock.time(lambda: [_embed_batch(embedders, prepared, rows) for rows in batches])
    answer, _ = clock.time(
        lambda: [
            answer_batch(detector, _batch_inputs(prepared, rows, embeddings))
            for rows, embeddings in zip(batches, by_batch, strict=True)
        ]
    )
    return (device, answer) if needs_only_embeddings(detector) else (device + answer, 0.0)


def _embed_batch(embedders: dict[Hashable, Embedder], prepared: PreparedArrays, rows: range) -> dict[str, Embeddings]:
    return {
        embedder.key: embedder.embed(prepared[consumer][rows.start : rows.stop])
        for consumer, embedder in embedders.items()
    }


def _batch_inputs(prepared: PreparedArrays, rows: range, embeddings: dict[str, Embeddings]) -> BatchInputs:
    return BatchInputs(
        lambda consumer: prepared[consumer][rows.start : rows.stop], lambda embedder: embeddings[embedder.key]
    )


def _peak_memory(runtime: Runtime, detect: Callable[[], object]) -> float:
    """Peak memory in MiB: on CUDA what `detect` allocates on the device, on the CPU the size of this process."""
    if runtime.device.startswith("cuda"):
        import torch

        torch.cuda.reset_peak_memory_stats(runtime.device)
        detect()
        return float(torch.cuda.max_memory_allocated(runtime.device)) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
