"""How long units of work take on some nodes: bounds that hold in whatever order the units come to whichever node.

Units that begin as soon as a place is free take no longer than the mean over the places and the longest unit together,
and no less than either (R. L. Graham, "Bounds for Certain Multiprocessing Anomalies", Bell System Technical Journal 45,
1966).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from bench.rehearsal.cluster.units import SCORE, STAGES, Units

COMPUTING, NETWORK, DRIVER = "computing", "the network", "the driver"


@dataclass(frozen=True)
class ClusterConditions:
    """What a cluster has beside its nodes.

    Attributes:
        start: Seconds until the first unit begins.
        unit: Seconds that the driver spends on one unit.
        network: Bytes a second that all nodes together read from the store and write to it, and that the driver does.
    """

    start: float
    unit: float
    network: float


@dataclass(frozen=True)
class DriverWork:
    """What the process that leads a run does by itself.

    Attributes:
        before: Seconds before the first unit: files that were never inspected are looked at.
        merging: Seconds to write answers, beside the units that are scored.
        after: Seconds after the last unit: detectors are timed.
        fit_bytes: What fits learned, which every node reads.
        answer_bytes: What it reads of answers, and writes of records.
    """

    before: float
    merging: float
    after: float
    fit_bytes: float
    answer_bytes: float


@dataclass(frozen=True)
class NodeTime:
    """What a run takes on some nodes.

    Attributes:
        nodes: Their number.
        least: Seconds where everything goes on at a time that can, and trainings need one epoch.
        most: Seconds where nothing does but the units of a stage, and trainings need all their epochs.
        limits: What the least time is spent on or waiting for, in words, to its seconds.
        network: Bytes over the network.
    """

    nodes: int
    least: float
    most: float
    limits: dict[str, float]
    network: float

    @property
    def limit(self) -> str:
        """What most of the least time is spent on or waiting for."""
        return max(self.limits, key=lambda name: self.limits[name])


def bounds(units: Sequence[Units], nodes: int, *, longest: bool = False) -> tuple[float, float]:
    """Seconds that units take at least in any order, and at most where each begins as soon as there is a place for it.

    For the latter, those that a node does side by side begin when all others are done.

    Args:
        units: The units, one at least.
        nodes: Number of nodes.
        longest: Whether trainings need all their epochs.
    """
    by_places: dict[int, list[Units]] = defaultdict(list)
    for one in units:
        by_places[nodes * one.side_by_side].append(one)
    mean = waiting = largest = 0.0
    for places, group in by_places.items():
        mean += sum(one.seconds + (one.further if longest else 0.0) for one in group) / places
        of_one = max(one.longest if longest else one.largest for one in group)
        largest = max(largest, of_one)
        waiting += (1 - 1 / places) * of_one
    return max(mean, largest), mean + waiting


def time_on(units: Sequence[Units], driver: DriverWork, conditions: ClusterConditions, nodes: int) -> NodeTime:
    """What a run takes on so many nodes.

    Args:
        units: All its units.
        driver: What is done by one process.
        conditions: What the cluster has beside its nodes.
        nodes: Number of nodes.
    """
    limits: dict[str, float] = defaultdict(float)
    limits["starting"] = conditions.start
    limits["checking files, by the driver"] = driver.before
    limits["timing detectors, by the driver"] = driver.after
    most, moved = conditions.start + driver.before + driver.after, 0.0
    for stage in STAGES:
        group = [one for one in units if one.stage == stage]
        if not group:
            continue
        bytes_moved = sum(one.images_read + one.read + one.written for one in group)
        of_driver = conditions.unit * sum(one.count for one in group)
        if stage == SCORE:
            bytes_moved += nodes * driver.fit_bytes + driver.answer_bytes
            of_driver += driver.merging
        longest = max(group, key=lambda one: one.largest)
        least = bounds(group, nodes)[0]
        waits = {
            (COMPUTING if longest.largest < least else f"its longest unit, {longest.what}"): least,
            NETWORK: bytes_moved / conditions.network,
            DRIVER: of_driver,
        }
        name = max(waits, key=lambda one: waits[one])
        limits[name] += waits[name]
        most += bounds(group, nodes, longest=True)[1] + waits[NETWORK] + waits[DRIVER]
        moved += bytes_moved
    return NodeTime(nodes, sum(limits.values()), most, dict(limits), moved)
