"""By how much two detectors differ, in which averages and cells, and whether that is more than chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench.evaluation.averages import Average
from bench.evaluation.cells import MeasuredCells, accuracy_name, average_masks, evaluate, first_average_with_cells
from bench.evaluation.comparing.cell_differences import (
    LEVEL,
    DecisionChanges,
    compare_cells,
    correct_cells,
    corrected_p,
    verdict_of,
)
from bench.evaluation.comparing.paired_runs import PairedRun
from bench.evaluation.pairwise.pool_comparison import Evidence, PoolComparison, compare_pool
from bench.records import columns
from bench.records.manifest import ALL_CELLS
from bench.statistics.intervals import corrected_influences
from bench.statistics.power import generators_to_settle, sources_to_settle
from bench.statistics.ranks import SAME, UNRESOLVED


@dataclass(frozen=True, slots=True)
class Needed:
    """What would settle an unresolved difference at a power of 80%, were it the true one.

    Attributes:
        sources: Number of sources, on these generators; None where none would, or it is settled.
        images: Number of images, in proportion.
        generators: Number of generators on each margin; None where none would, it is settled, or there are too few to
            reckon with.
    """

    sources: int | None
    images: int | None
    generators: int | None


@dataclass(frozen=True, slots=True)
class AverageDifference:
    """One average of the two.

    Attributes:
        average: Its name, as `bench.evaluation.cells.average_masks` gives it.
        measure: The column of the measure.
        cells: Number of cells of each.
        images: Number of distinct images.
        sources: Number of their sources.
        first: Of the first, in [0, 1].
        second: Of the second.
        on_these: Of the difference first - second on these generators; p is corrected for the averages compared.
        across: The same across generators; None where that is unresolved.
        scope: Over which margins generators are a sample, or why nothing is said across generators.
        needed: What would settle it.
    """

    average: str
    measure: str
    cells: int
    images: int
    sources: int
    first: float
    second: float
    on_these: Evidence
    across: Evidence | None
    scope: str
    needed: Needed

    @property
    def difference(self) -> float:
        """First - second, in [-1, 1]."""
        return self.first - self.second


@dataclass(frozen=True)
class DetectorComparison:
    """Two detectors on the same cells.

    Attributes:
        paired: The two, as one run.
        accuracy: What is compared: "accuracy", or "balanced accuracy".
        averages: Of the protocol, in reading order, then the area under the ROC curve over all cells where it is
            defined in each.
        tests: Number of averages that p is corrected for, on these generators and across generators.
        decisions: On which decisions they differ.
        cells: As `compare_cells` returns them, corrected.
        tested: Number of cells that p is corrected for: of all compared detectors, those in which any decision differs.
        ranked_by: The average that ranks detectors.
    """

    paired: PairedRun
    accuracy: str
    averages: tuple[AverageDifference, ...]
    tests: tuple[int, int]
    decisions: DecisionChanges
    cells: pd.DataFrame
    tested: int
    ranked_by: str

    @property
    def ranking(self) -> AverageDifference:
        """The average that ranks detectors."""
        return next(one for one in self.averages if (one.average, one.measure) == (self.ranked_by, columns.RANKED))


def compare_detectors(pairs: Sequence[PairedRun]) -> list[DetectorComparison]:
    """Compare the two detectors of each of these runs; p is corrected for all of them together."""
    measured = [evaluate(paired.run) for paired in pairs]
    pools = [_pools(paired, one) for paired, one in zip(pairs, measured, strict=True)]
    averages, tests = _average_differences([pool for own in pools for pool in own])
    following = iter(averages)
    cells = [compare_cells(paired, one) for paired, one in zip(pairs, measured, strict=True)]
    tested = correct_cells([table for table, _ in cells])
    return [
        DetectorComparison(
            paired,
            accuracy_name(one.table),
            tuple(next(following) for _ in own),
            tests,
            changes,
            table,
            tested,
            _ranked_by(paired),
        )
        for paired, one, own, (table, changes) in zip(pairs, measured, pools, cells, strict=True)
    ]


def _ranked_by(paired: PairedRun) -> str:
    """The average of role away, else of role home, else over all cells, whichever has cells."""
    protocol = paired.run.manifest.protocol
    masks = average_masks(paired.run.cells, protocol)
    return first_average_with_cells(masks, protocol.group("away"), protocol.group("home"))


@dataclass(frozen=True)
class _Pool:
    """One average of two detectors, compared."""

    name: str
    measure: str
    cells: int
    averages: tuple[Average, Average]
    comparison: PoolComparison

    @property
    def difference(self) -> float:
        """First - second, 0 where they differ in their last bits alone."""
        first, second = self.comparison.averages
        return float(first - second)


def _pools(paired: PairedRun, measured: MeasuredCells) -> list[_Pool]:
    """The averages of a protocol that have cells, then the area under the ROC curve over all cells."""
    masks = average_masks(paired.run.cells, paired.run.manifest.protocol)
    asked = [(name, columns.RANKED) for name in masks] + [(ALL_CELLS, columns.ROC_AUC)]
    found = []
    for name, measure in asked:
        own = [measured.averages[title].get(name, {}).get(measure) for title in paired.titles]
        first, second = own
        if first is not None and second is not None:
            comparison = compare_pool(
                measured, masks[name], name, paired.titles, measure, paired_trainings=paired.one_method
            )
            found.append(_Pool(name, measure, int(masks[name].sum()) // 2, (first, second), comparison))
    return found


def _average_differences(pools: Sequence[_Pool]) -> tuple[list[AverageDifference], tuple[int, int]]:
    """What is said of each average, and how many tests on these generators and across generators there are."""
    pairs = [pool.comparison.pair(0, 1) for pool in pools]
    on_these, image_tests = _corrected({place: pair.images for place, pair in enumerate(pairs)}, pools)
    known = {place: pair.generators for place, pair in enumerate(pairs) if pair.generators is not None}
    across, generator_tests = _corrected(known, pools)
    tests = image_tests, generator_tests
    return [
        _average_difference(pool, on_these[place], across.get(place), tests) for place, pool in enumerate(pools)
    ], tests


def _corrected(found: Mapping[int, Evidence], pools: Sequence[_Pool]) -> tuple[dict[int, Evidence], int]:
    """The same evidence by Holm's correction over all that is not the same for both, and over how many that is."""
    different = {place: one for place, one in found.items() if one.verdict != SAME}
    corrected = dict(found)
    for (place, one), p in zip(different.items(), corrected_p([one.p for one in different.values()]), strict=True):
        corrected[place] = replace(one, p=p, verdict=verdict_of(pools[place].difference, p))
    return corrected, len(different)


def _average_difference(
    pool: _Pool, on_these: Evidence, across: Evidence | None, tests: tuple[int, int]
) -> AverageDifference:
    first, _ = pool.averages
    values = pool.comparison.averages.tolist()
    return AverageDifference(
        average=pool.name,
        measure=pool.measure,
        cells=pool.cells,
        images=first.images,
        sources=first.sources,
        first=values[0],
        second=values[1],
        on_these=on_these,
        across=across,
        scope=pool.comparison.scope,
        needed=_needed(pool, on_these, across, tests),
    )


def _needed(pool: _Pool, on_these: Evidence, across: Evidence | None, tests: tuple[int, int]) -> Needed:
    """What would settle an average, at the level that Holm's correction asks of the smallest p."""
    first, _ = pool.averages
    sources = images = generators = None
    if on_these.verdict == UNRESOLVED:
        level = LEVEL / max(1, tests[0])
        of_images, unmoved = _variances(pool)
        sources = sources_to_settle(pool.difference, of_images, first.sources, level, unmoved=unmoved)
        images = None if sources is None else int(np.ceil(sources * first.images / first.sources))
    means = None if pool.comparison.generators is None else pool.comparison.generators.means
    if across is not None and across.verdict == UNRESOLVED and means is not None:
        generators = generators_to_settle(means, 0, LEVEL / max(1, tests[1]))
    return Needed(sources, images, generators)


def _variances(pool: _Pool) -> tuple[float, float]:
    """The variance of a difference over images, and what trainings add to it."""
    first, second = pool.averages
    changes = corrected_influences(first.influences - second.influences, first.shares)  # as it is tested
    of_images = float(np.sum(changes**2))
    of_trainings = pool.comparison.images.of_trainings
    return of_images, 0.0 if of_trainings is None else float(of_trainings[0, 1])
