"""What a planned run would take on several nodes, in words, with what of it is measured and what is assumed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from bench.platform.printable import size_text
from bench.rehearsal.cluster.nodes import ClusterConditions, DriverWork, NodeTime, time_on
from bench.rehearsal.cluster.units import (
    ANSWER_BYTES,
    EMBED,
    FINE_TUNE,
    FIT,
    SCORE,
    STAGES,
    UnitPricing,
    Units,
)
from bench.rehearsal.durations import duration, span
from bench.rehearsal.estimate import Estimate
from bench.rehearsal.workload import Workload

USUAL_NODES = (1, 8, 64)
ASSUMED = ClusterConditions(start=15.0, unit=0.002, network=1.25e9)
# bytes of the process with its libraries, of an image, and of an answer of a cell, measured on simulated runs of up to
# ten million images (tests/benchmarks/driver_memory.py)
PROCESS, IMAGE, ANSWER = 7e8, 1100, 20
NOUNS = {EMBED: "shards to embed", FIT: "fits", FINE_TUNE: "fine-tunings", SCORE: "shards to score"}


@dataclass(frozen=True)
class ClusterRehearsal:
    """What a planned run would take on several nodes.

    Attributes:
        units: Its units of work.
        times: What it takes, by number of nodes in ascending order.
        memory: Bytes that the process which leads it needs.
        unmeasured: What is in no sum, for it has no rate, each with the reason.
    """

    units: Sequence[Units]
    times: Sequence[NodeTime]
    memory: float
    unmeasured: Mapping[str, str]


def rehearse_on(pricing: UnitPricing, cost: Estimate, nodes: Sequence[int]) -> ClusterRehearsal:
    """What a workload takes on so many nodes.

    Args:
        pricing: Of its units.
        cost: What it costs on one machine.
        nodes: Numbers of nodes.
    """
    work, workers, units = pricing.work, pricing.workers, pricing.units()
    driver = DriverWork(
        cost.costs["check files"].elapsed(workers),
        cost.costs["record"].elapsed(workers),
        cost.costs["time"].elapsed(workers),
        cost.disk.fits,
        sum(one.answers for one in work.scoring_pass.conditions) * ANSWER_BYTES + cost.disk.scores,
    )
    times = [time_on(units, driver, ASSUMED, count) for count in sorted(set(nodes))]
    memory = PROCESS + work.images * IMAGE + work.recorded * ANSWER
    return ClusterRehearsal(units, times, memory, pricing.prices.unmeasured)


def cluster_lines(found: ClusterRehearsal, work: Workload, workers: int) -> Iterator[str]:
    """It in words."""
    if not found.units:
        yield "On a cluster: no unit of work"
        return
    yield f"On a cluster: {', '.join(filter(None, (_count(found.units, stage) for stage in STAGES)))}"
    longest = max(found.units, key=lambda one: one.longest)
    yield f"  longest unit  {longest.what}: {span(longest.largest, longest.longest)}"
    for one in found.times:
        nodes = f"{one.nodes:,} node{'s' if one.nodes > 1 else ''}"
        share = one.limits[one.limit] / one.least
        yield f"  {nodes:<12}{span(one.least, one.most):>18}   {share:.0%} of it {one.limit}"
    yield f"Over the network with {found.times[-1].nodes:,} nodes: {_moved(found)}"
    yield f"Memory of the driver: {size_text(found.memory)} for {work.images:,} images and {work.recorded:,} scores"
    yield (
        "Measured here: seconds of every image, fit and score, and bytes of files. Assumed: nodes like this machine, "
        f"each with {workers} workers; {duration(ASSUMED.start)} to start, {1000 * ASSUMED.unit:g} ms of the driver "
        f"for a unit, and {size_text(ASSUMED.network)}/s over the network for all nodes together"
    )


def _count(units: Sequence[Units], stage: str) -> str:
    """How many units of a stage there are, and their size."""
    group = [one for one in units if one.stage == stage]
    if not group:
        return ""
    size = f" of up to {max(one.size for one in group):,} images" if stage in {EMBED, SCORE} else ""
    return f"{sum(one.count for one in group):,} {NOUNS[stage]}{size}"


def _moved(found: ClusterRehearsal) -> str:
    """Bytes over the network."""
    images = sum(one.images_read for one in found.units)
    last = found.times[-1]
    return f"{size_text(last.network)}, of which {size_text(images)} of image files, each as often as it is decoded"
