"""Which detectors of a ranking are told apart: every pair, on these generators and across generators.

On these generators a difference is held against the choice of images and, with several training seeds, of training.
Across generators it is held against the choice of generators, as trained and as tested: what another draw of them
would show. Where that can be said, it ranks; with fewer than six generators it cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import numpy as np
import pandas as pd

from bench.evaluation.asked.metric_averages import MetricAverage
from bench.evaluation.asked.rank_measures import USUAL, RankMeasure
from bench.evaluation.averages import Average
from bench.evaluation.cells import MeasuredCells
from bench.evaluation.decided_blocks import Mask, answers
from bench.evaluation.pairwise.generator_tests import Margins, generator_matrices, generator_tests, in_several_tests
from bench.evaluation.pairwise.image_tests import Trainings, image_tests
from bench.evaluation.pairwise.pair_tests import PairTests
from bench.evaluation.worst_values import WorstAverage
from bench.records import columns
from bench.records.run import Run
from bench.statistics.intervals import Floats, random_generator
from bench.statistics.ranks import (
    NOT_TESTED,
    better_beyond_chance,
    rank_bounds,
    rank_intervals,
    unresolved_groups,
    verdict,
    without_rounding,
)

TINY = 1e-12
NORMAL = 1.96  # half the width of a 95% interval in standard deviations


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is said of a difference of two averages.

    Attributes:
        low: Lower end of its 95% interval, for this pair alone.
        high: Upper end.
        p: Two-sided, corrected for all pairs of the ranking.
        verdict: Of the first against the second: "better", "worse", "same" for equal answers, "unresolved", or "not
            tested".
    """

    low: float
    high: float
    p: float
    verdict: str


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """Two detectors of a ranking.

    Attributes:
        first: The one with the higher average.
        second: The other.
        difference: The average of the first minus that of the second, in [-1, 1].
        images: On these generators: over images and, with several seeds, over trainings.
        generators: Across generators; None where that is unresolved.
    """

    first: str
    second: str
    difference: float
    images: Evidence
    generators: Evidence | None


@dataclass(frozen=True)
class PoolComparison:
    """The detectors of a ranking against one another.

    Attributes:
        detectors: A names.
        averages: Floats (A,), of the measure that ranks; negative where less is better.
        same: Bools (A, A), whether two of them answered alike in every cell of the average.
        images: Tests on these generators.
        generators: Tests across generators; None where they are unresolved.
        ends: Floats (A, 2), the ends of each average's interval across generators; NaN where it is unresolved.
        scope: Over which margins generators are a sample; or why nothing is said across generators.
        seed: Names that the draws behind the intervals of ranks follow from.
    """

    detectors: tuple[str, ...]
    averages: Floats
    same: Mask
    images: PairTests
    generators: PairTests | None
    ends: Floats
    scope: str
    seed: tuple[str, ...]

    @property
    def deciding(self) -> PairTests:
        """The tests that rank."""
        return self.generators or self.images

    @cached_property
    def better(self) -> Mask:
        """Bools (A, A), whether the detector of a row is better than that of a column beyond chance."""
        return better_beyond_chance(self.averages, self.deciding.p)

    def rank_bounds(self) -> list[tuple[int, int]]:
        """The first and the last rank that the tests leave to each detector; equal averages have the same ones."""
        first, last = rank_bounds(self.better)
        alike = [self.averages == average for average in self.averages]
        return [(int(first[one].min()), int(last[one].max())) for one in alike]

    def pairs(self) -> list[PairVerdict]:
        """Every pair, the higher average first."""
        order = np.argsort(-self.averages, kind="stable")
        return [self.pair(first, second) for first, second in combinations(order.tolist(), 2)]

    def pair(self, first: int, second: int) -> PairVerdict:
        """Two detectors, by their positions."""
        return PairVerdict(
            self.detectors[first],
            self.detectors[second],
            float(self.averages[first] - self.averages[second]),
            self._evidence(self.images, self._better_on_images, first, second),
            None if self.generators is None else self._evidence(self.generators, self.better, first, second),
        )

    @cached_property
    def _better_on_images(self) -> Mask:
        return better_beyond_chance(self.averages, self.images.p)

    def _evidence(self, tests: PairTests, better: Mask, first: int, second: int) -> Evidence:
        low, high, p = (float(one[first, second]) for one in (tests.low, tests.high, tests.p))
        said = NOT_TESTED if np.isnan(p) else verdict(better, self.same, first, second)
        return Evidence(low, high, p, said)

    def groups(self) -> tuple[tuple[str, ...], ...]:
        """Sets of detectors of which no two are told apart, as `unresolved_groups` gives them."""
        return tuple(tuple(self.detectors[one] for one in bar) for bar in unresolved_groups(self.averages, self.better))

    def rank_intervals(self) -> list[tuple[int, int]]:
        """The 95% interval of each rank, over draws of images or of generators."""
        low, high = rank_intervals(self.averages, self.deciding.covariance, random_generator(self.seed))
        return list(zip(low.tolist(), high.tolist(), strict=True))


def compare_pool(
    evaluation: MeasuredCells,
    cells: Mask,
    name: str,
    detectors: Sequence[str],
    measure: str = columns.RANKED,
    *,
    paired_trainings: bool = False,
) -> PoolComparison:
    """Compare the detectors of a ranking, all of whose cells are scored.

    Args:
        evaluation: The measured cells.
        cells: The cells of the average that ranks, bools (cells,), of all detectors.
        name: Of that average.
        detectors: Two or more of those whose average is complete.
        measure: What is averaged, one of `WITH_INTERVALS` that is defined in all of these cells.
        paired_trainings: Whether trainings of one seed are alike, as those of two versions of one method: then the
            differences of each seed are what varies.
    """
    found = [evaluation.averages[detector][name][measure] for detector in detectors]
    return _compared(evaluation, cells, (name, detectors, measure), found, paired_trainings=paired_trainings)


def compare_pool_by(
    evaluation: MeasuredCells,
    cells: Mask,
    name: str,
    detectors: Sequence[str],
    by: RankMeasure = USUAL,
    worst: Mapping[str, WorstAverage] | None = None,
) -> PoolComparison:
    """Compare the detectors of a ranking by the measure that a user asked for.

    A metric is not tested on these generators. Across generators its tests take all of what images add to an average
    for what its cells share, which is at most too much.

    Args:
        evaluation: The measured cells.
        cells: The cells of the average that ranks, bools (cells,), of all detectors.
        name: Of that average.
        detectors: Two or more of those whose average is complete.
        by: What ranks.
        worst: Of each detector, where that ranks. That it is the worst is not in the tests.
    """
    if by.kind == "metric":
        return _compared_by_metric(evaluation, cells, (name, detectors), by)
    if by.kind == "average" or worst is None:
        return compare_pool(evaluation, cells, name, detectors, by.name)
    own = np.logical_or.reduce([worst[detector].cells for detector in detectors])
    averages = [worst[detector].average for detector in detectors]
    compared = _compared(evaluation, own, (by.title, detectors, by.name), averages)
    return replace(
        compared,
        generators=None,
        ends=np.full((len(detectors), 2), np.nan),
        scope="unresolved, as the worst generator of a detector is a single one",
    )


def _compared(
    evaluation: MeasuredCells,
    cells: Mask,
    what: tuple[str, Sequence[str], str],
    found: Sequence[Average],
    *,
    paired_trainings: bool = False,
) -> PoolComparison:
    """Compare averages over cells: the name of the average, detectors and their measure, and those of each detector."""
    name, detectors, measure = what
    averages = without_rounding(np.array([one.value for one in found]))
    table, matrices, margins = _cells_of(evaluation, cells, detectors, measure)
    same = _answer_alike(evaluation.run, cells, detectors, measure, averages)
    trainings = Trainings.of(table, detectors, measure, paired=paired_trainings)
    influences = np.stack([one.influences for one in found])
    images = image_tests(found, averages, influences, trainings, same)
    shared = in_several_tests(evaluation, cells, detectors)
    shares = np.stack([one.shares[shared] for one in found])
    generators, ends = generator_tests(matrices, margins, influences[:, shared], shares, same)
    scope, seed = margins.said(ends), _seed(evaluation, name)
    return PoolComparison(tuple(detectors), averages, same, images, generators, ends, scope, seed)


def _compared_by_metric(
    evaluation: MeasuredCells, cells: Mask, what: tuple[str, Sequence[str]], by: RankMeasure
) -> PoolComparison:
    """Compare averages of a metric: the name of the average and detectors.

    Tests are of how good it is in [0, 1]: the metric, or where less is better 1 less it, in twice its largest value
    where that has no bound.
    """
    name, detectors = what
    found = [evaluation.metric_averages[detector][name][by.name] for detector in detectors]
    table, matrices, margins = _cells_of(evaluation, cells, detectors, by.name)
    trainings = Trainings.of(table, detectors, by.name, paired=False)
    sign = 1 if by.higher_is_better else -1
    unit = 1.0 if by.is_share else max(2 * float(np.nanmax(matrices)), TINY)
    changes = sign * _changes(found)
    same = _all_alike(changes) & _all_alike(matrices) if found[0].draws.size else _all_alike(matrices)
    untested = np.where(np.eye(len(detectors), dtype=bool) | same, 1.0, np.nan)
    covariance = changes @ changes.T + np.diag(trainings.own)
    images = PairTests(untested, untested * 0, untested * 0, 0, covariance)
    good = (matrices if sign > 0 else unit - matrices) / unit
    generators, ends = generator_tests(good, margins, changes / unit, np.zeros(changes.shape[1]), same)
    if generators is not None:
        generators = replace(
            generators,
            low=unit * generators.low,
            high=unit * generators.high,
            covariance=unit**2 * generators.covariance,
        )
    scope, seed = margins.said(ends), _seed(evaluation, f"{name} {by.name}")
    ends = unit * (ends if sign > 0 else 1 - ends[:, ::-1])
    averages = sign * np.array([one.value for one in found])
    return PoolComparison(tuple(detectors), averages, same, images, generators, ends, scope, seed)


def _changes(found: Sequence[MetricAverage]) -> Floats:
    """Columns whose squares add up to the variances of averages over images, (A, C), and products to covariances.

    Without draws averages count as independent, which makes differences of the same images vary too much.
    """
    if not found[0].draws.size:
        return np.diag([(one.high - one.low) / 2 / NORMAL for one in found])
    draws = np.stack([one.draws for one in found])
    draws = draws[:, np.isfinite(draws).all(axis=0)]
    if draws.shape[1] < 2:
        return np.full((len(found), 1), np.nan)
    centred: Floats = (draws - draws.mean(axis=1, keepdims=True)) / np.sqrt(draws.shape[1] - 1)
    return centred


def _cells_of(
    evaluation: MeasuredCells, cells: Mask, detectors: Sequence[str], measure: str
) -> tuple[pd.DataFrame, Floats, Margins]:
    """The cells of these detectors, as a table and as matrices, and their margins."""
    table = evaluation.table.loc[cells, [columns.DETECTOR, columns.TRAIN, columns.TEST, columns.SEED, measure]]
    table = table[table[columns.DETECTOR].isin(list(detectors))]
    matrices, margins = generator_matrices(table, detectors, evaluation.run, measure)
    return table, matrices, margins


def _all_alike(found: Floats) -> Mask:
    return np.array([[np.array_equal(first, second, equal_nan=True) for second in found] for first in found])


def _seed(evaluation: MeasuredCells, name: str) -> tuple[str, ...]:
    return evaluation.run.manifest.data.digest, evaluation.run.manifest.protocol.name, name


def _answer_alike(run: Run, cells: Mask, detectors: Sequence[str], measure: str, averages: Floats) -> Mask:
    """Bools (A, A), whether two detectors answered alike in all of these cells, so that no test may tell them apart."""
    equal: Mask = averages[:, None] == averages[None, :]
    same = np.eye(len(averages), dtype=bool)
    tied = np.flatnonzero(equal.sum(axis=1) > 1)
    if tied.size:
        names = [detectors[one] for one in tied.tolist()]
        given = answers(run, cells & run.cells[columns.DETECTOR].isin(names).to_numpy(), measure)
        same[np.ix_(tied, tied)] = [[given[one] == given[other] for other in names] for one in names]
    return same & equal
