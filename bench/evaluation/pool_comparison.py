"""Which detectors of a ranking are told apart: every pair, on these generators and across generators.

On these generators a difference is held against the choice of images and, with several training seeds, of training.
Across generators it is held against the choice of generators, as trained and as tested: what another draw of them
would show. Where that can be said, it ranks; with fewer than six generators it cannot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from bench.evaluation.asked.metric_averages import MetricAverage
from bench.evaluation.asked.rank_measures import USUAL, RankMeasure
from bench.evaluation.averages import Average, Codes
from bench.evaluation.cells import MeasuredCells
from bench.evaluation.decided_blocks import Mask, answers
from bench.evaluation.worst_values import WorstAverage
from bench.records import columns
from bench.records.run import Run
from bench.statistics.comparisons import difference_test, unpaired_test
from bench.statistics.generator_margins import (
    FEWEST_GENERATORS,
    GeneratorMean,
    across_generators,
    generator_difference_interval,
    generator_interval,
    generator_test,
)
from bench.statistics.intervals import (
    CONFIDENCE,
    Floats,
    SampleSize,
    difference_interval,
    random_generator,
    source_variances,
)
from bench.statistics.ranks import (
    NOT_TESTED,
    better_beyond_chance,
    correct_for_pairs,
    rank_bounds,
    rank_intervals,
    unresolved_groups,
    verdict,
    without_rounding,
)

PAIRS_AT_A_TIME = 4_000_000  # influences of differences in memory
TINY = 1e-12
NORMAL = 1.96  # half the width of a 95% interval in standard deviations


@dataclass(frozen=True)
class PairTests:
    """Tests of all pairs of A detectors.

    Attributes:
        p: Floats (A, A), two-sided, corrected for the number of pairs; 1 on the diagonal; NaN where pairs were not
            tested.
        low: Floats (A, A), lower ends of the 95% intervals of the differences row - column, for each pair alone.
        high: Floats (A, A), upper ends.
        pairs: Number of pairs that p is corrected for.
        covariance: Floats (A, A), of the averages.
        of_trainings: Floats (A, A), what of the variance of each difference is over trainings, in tests on these
            generators.
        means: Of tests across generators, the differences of all pairs in the order of `np.triu_indices`.
    """

    p: Floats
    low: Floats
    high: Floats
    pairs: int
    covariance: Floats
    of_trainings: Floats | None = None
    means: GeneratorMean | None = None


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

    @property
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
            self._evidence(self.images, first, second),
            None if self.generators is None else self._evidence(self.generators, first, second),
        )

    def _evidence(self, tests: PairTests, first: int, second: int) -> Evidence:
        low, high, p = (float(one[first, second]) for one in (tests.low, tests.high, tests.p))
        better = better_beyond_chance(self.averages, tests.p)
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
    shared = _in_several_tests(evaluation, cells, detectors)
    shares = np.stack([one.shares[shared] for one in found])
    generators, ends = _generator_tests(matrices, margins, influences[:, shared], shares, same)
    scope, seed = _scope(margins, ends), _seed(evaluation, name)
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
    generators, ends = _generator_tests(good, margins, changes / unit, np.zeros(changes.shape[1]), same)
    if generators is not None:
        generators = replace(
            generators,
            low=unit * generators.low,
            high=unit * generators.high,
            covariance=unit**2 * generators.covariance,
        )
    scope, seed = _scope(margins, ends), _seed(evaluation, f"{name} {by.name}")
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
) -> tuple[pd.DataFrame, Floats, _Margins]:
    """The cells of these detectors, as a table and as matrices, and their margins."""
    table = evaluation.table.loc[cells, [columns.DETECTOR, columns.TRAIN, columns.TEST, columns.SEED, measure]]
    table = table[table[columns.DETECTOR].isin(list(detectors))]
    matrices, margins = _matrices(table, detectors, evaluation.run, measure)
    return table, matrices, margins


def _all_alike(found: Floats) -> Mask:
    return np.array([[np.array_equal(first, second, equal_nan=True) for second in found] for first in found])


def _scope(margins: _Margins, ends: Floats) -> str:
    return _too_few(margins) if margins.tested and np.isnan(ends).all() else margins.scope


def _seed(evaluation: MeasuredCells, name: str) -> tuple[str, ...]:
    return evaluation.run.manifest.data.digest, evaluation.run.manifest.protocol.name, name


@dataclass(frozen=True)
class _Margins:
    """Which generators cells are a sample of.

    Attributes:
        trained: Those of the rows of matrices; None where rows are no sample.
        tested: Those of the columns; None where columns are none either.
        scope: In words, or why there are none.
    """

    trained: list[str] | None
    tested: list[str] | None
    scope: str


def _margins(cells: pd.DataFrame, run: Run) -> _Margins:
    """The margins of the cells of one detector."""
    manifest = run.manifest
    known = {name for data in (manifest.data, *manifest.further.values()) for name in data.generators}
    trains, tests = (list(dict.fromkeys(cells[axis])) for axis in (columns.TRAIN, columns.TEST))
    if not set(tests) <= known:
        return _Margins(None, None, "unresolved, as test sets are not single generators")
    each_its_own = cells.groupby(columns.TEST)[columns.TRAIN].nunique().max() == 1
    if not manifest.protocol.trains or each_its_own:
        single = (
            trains[0] if manifest.protocol.trains and len(trains) == 1 else ""
        )  # that of imported scores has no name
        note = f", trained on {single} alone" if single else ""
        return _Margins(None, tests, f"{_generators(len(tests))} as tested{note}")
    if not set(trains) <= known:
        return _Margins(None, None, "unresolved, as train sets are not single generators")
    return _Margins(trains, tests, f"{_generators(len(trains))} as trained and {len(tests)} as tested")


def _too_few(margins: _Margins) -> str:
    return f"unresolved ({margins.scope}; fewer than {FEWEST_GENERATORS} say nothing of others)"


def _generators(count: int) -> str:
    return f"{count} generator{'s' if count > 1 else ''}"


def _matrices(table: pd.DataFrame, detectors: Sequence[str], run: Run, measure: str) -> tuple[Floats, _Margins]:
    """The cells of each detector as a matrix (A, R, C) of generators, NaN where there is none, and their margins."""
    margins = _margins(table[table[columns.DETECTOR].eq(detectors[0])], run)
    rows, across = margins.trained or [""], list(table[columns.TEST].unique())
    train = table[columns.TRAIN] if margins.trained else pd.Series("", index=table.index, name=columns.TRAIN)
    means = table.groupby([table[columns.DETECTOR], train, table[columns.TEST]])[measure].mean().unstack()
    places = pd.MultiIndex.from_product([detectors, rows])
    found = means.reindex(index=places, columns=across).to_numpy().reshape(len(detectors), len(rows), len(across))
    there = ~np.isnan(found)
    if (there != there[:1]).any():
        margins = _Margins(None, None, "unresolved, as detectors were not tested on the same cells")
    return found, margins


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


@dataclass(frozen=True)
class Trainings:
    """What the choice of training seeds adds to variances.

    Attributes:
        own: Floats (A,), to that of each average.
        pairs: Floats (A, A), to that of each difference.
        freedom: Floats (A, A), degrees of freedom of `pairs`.
    """

    own: Floats
    pairs: Floats
    freedom: Floats

    @classmethod
    def of(cls, table: pd.DataFrame, detectors: Sequence[str], measure: str, *, paired: bool) -> Trainings:
        """From the cells of these detectors; of a single seed nothing is known, and nothing is added."""
        by_seed = table.groupby([columns.DETECTOR, columns.SEED])[measure].mean().unstack().loc[list(detectors)]
        own, freedom = _variances_of_means(by_seed.to_numpy(float))
        if paired:
            return cls(own, *_variances_of_means(by_seed.to_numpy(float)[:, None] - by_seed.to_numpy(float)[None, :]))
        pairs, fourth = own[:, None] + own[None, :], own**2 / freedom
        total = fourth[:, None] + fourth[None, :]
        return cls(own, pairs, np.divide(pairs**2, total, out=np.ones(pairs.shape), where=total > 0))


def _variances_of_means(by_seed: Floats) -> tuple[Floats, Floats]:
    """The variances of means over the seeds (..., K) that are there, NaN for none, and their degrees of freedom."""
    count = np.count_nonzero(~np.isnan(by_seed), axis=-1)
    means = np.nansum(by_seed, axis=-1) / np.maximum(count, 1)
    squares = np.nansum((by_seed - means[..., None]) ** 2, axis=-1)
    freedom = np.maximum(count - 1, 1).astype(np.float64)
    return np.where(count > 1, squares / freedom / np.maximum(count, 1), 0.0), freedom


class _PairImages(NamedTuple):
    """On what two averages are compared.

    Attributes:
        there: Bools (S,), the sources that stand in either.
        shares: Floats (sources that are there,), the larger of both shares.
        sample: The smaller of both.
        equal: Whether both are over the same images.
    """

    there: Mask
    shares: Floats
    sample: SampleSize
    equal: bool

    @classmethod
    def of(cls, first: Average, second: Average) -> _PairImages:
        """Those of two averages."""
        shares = np.maximum(first.shares, second.shares)
        images, freedom, losses = zip(first.sample, second.sample, strict=True)
        sample = SampleSize(np.minimum(*images), np.minimum(*freedom), np.maximum(*losses))
        return cls(shares > 0, shares[shares > 0], sample, first is second)


def _pairs_on_the_same_images(found: Sequence[Average]) -> Iterator[tuple[Codes, Codes, _PairImages]]:
    """All pairs, some at a time, with their images, which scores of other tools need not all have.

    What one detector lacks changes nothing between two others.
    """
    kinds: list[Average] = []
    kind = np.array([_place_among(kinds, one) for one in found], np.intp)
    first, second = np.triu_indices(len(found), 1)
    both = np.sort([kind[first], kind[second]], axis=0)
    step = max(1, PAIRS_AT_A_TIME // len(found[0].shares))
    for one, other in np.unique(both, axis=1).T:
        own = np.flatnonzero((both[0] == one) & (both[1] == other))
        images = _PairImages.of(kinds[one], kinds[other])
        for start in range(0, len(own), step):
            pairs = own[start : start + step]
            yield first[pairs], second[pairs], images


def _place_among(kinds: list[Average], one: Average) -> int:
    """The place of the average over the same images in a list, which it is added to where there is none."""
    for place, known in enumerate(kinds):
        if np.allclose(np.array(known.sample), np.array(one.sample)) and np.array_equal(known.shares, one.shares):
            return place
    kinds.append(one)
    return len(kinds) - 1


def image_tests(
    found: Sequence[Average], averages: Floats, influences: Floats, trainings: Trainings, same: Mask
) -> PairTests:
    """Tests on these generators, over images and, with several seeds, over trainings.

    Averages over different images are compared as independent ones besides: the weaker evidence of the two counts.

    Args:
        found: Of A detectors, an average over the same cells, perhaps not of the same images.
        averages: Floats (A,), their values.
        influences: Floats (A, S), theirs.
        trainings: What the choice of training seeds adds.
        same: Bools (A, A), whether two of them answered alike.
    """
    corrected = np.stack(
        [one / np.sqrt(np.maximum(1 - average.shares, 0.5)) for one, average in zip(influences, found, strict=True)]
    )
    p, low, high = np.ones(same.shape), np.zeros(same.shape), np.zeros(same.shape)
    for one, other, images in _pairs_on_the_same_images(found):
        changes = (corrected[one] - corrected[other])[:, images.there]
        differences = averages[one] - averages[other]
        of_images = difference_test(differences, changes.T)
        of_both = _test_with_training(differences, changes, trainings.pairs[one, other], trainings.freedom[one, other])
        p[one, other] = np.maximum(of_images, of_both)
        spread = source_variances((influences[one] - influences[other])[:, images.there], images.shares)
        ends = difference_interval(differences, spread, images.sample, same[one, other], found[0].rule)
        if not images.equal:
            own_ends = (np.array([found[place].interval for place in side.tolist()]) for side in (one, other))
            apart, of_own = unpaired_test(averages[one], averages[other], *own_ends)
            p[one, other] = np.maximum(p[one, other], of_own)
            ends = np.minimum(ends[0], apart[0]), np.maximum(ends[1], apart[1])
        p[other, one] = p[one, other]
        reach = stdtrit(trainings.freedom[one, other], (1 + CONFIDENCE) / 2) ** 2 * trainings.pairs[one, other]
        low[one, other], high[one, other] = _widened(differences, ends, reach)
        low[other, one], high[other, one] = -high[one, other], -low[one, other]
    p[same] = 1.0
    tests, pairs = correct_for_pairs(p, same)
    covariance = corrected @ corrected.T + np.diag(trainings.own)
    return PairTests(tests, low, high, pairs, covariance, trainings.pairs)


def _widened(differences: Floats, ends: tuple[Floats, Floats], reach: Floats) -> tuple[Floats, Floats]:
    """Intervals over images, widened by trainings: the squares of both distances from the difference add up."""
    low = differences - np.sqrt((differences - ends[0]) ** 2 + reach)
    high = differences + np.sqrt((ends[1] - differences) ** 2 + reach)
    return np.where(reach > 0, np.maximum(low, -1), ends[0]), np.where(reach > 0, np.minimum(high, 1), ends[1])


def _test_with_training(differences: Floats, changes: Floats, variances: Floats, freedom: Floats) -> Floats:
    """Two-sided p (P,) of differences over images and trainings together.

    Welch's test (Biometrika 34, 1947) of a difference whose variance is a sum of some that are estimated apart.

    Args:
        differences: Floats (P,), of two averages.
        changes: Floats (P, S), what each source adds to them.
        variances: Floats (P,), what trainings add to the variance.
        freedom: Floats (P,), their degrees of freedom.
    """
    squares = changes**2
    total = squares.sum(axis=1) + variances
    fourth = (squares**2).sum(axis=1) + variances**2 / freedom
    there = (np.abs(differences) > 0) & (fourth > 0)
    freedom = np.divide(total**2, fourth, out=np.ones(len(total)), where=there)
    statistic = np.divide(np.abs(differences), np.sqrt(total), out=np.zeros(len(total)), where=there)
    found: Floats = np.where(there, 2 * stdtr(freedom, -statistic), 0.0)  # without variance the other test says it
    return found


def _in_several_tests(evaluation: MeasuredCells, cells: Mask, detectors: Sequence[str]) -> Mask:
    """Which sources stand in the test sets of several generators, bools (S,)."""
    own = cells & evaluation.table[columns.DETECTOR].isin(list(detectors)).to_numpy()
    tests = np.zeros(evaluation.sources.count, np.intp)
    for _, keys in evaluation.table.loc[own].groupby(columns.TEST)[columns.KEY]:
        tests += evaluation.sources.standing_in(evaluation.run.score_table.only(keys).test_images())
    return tests > 1


def _generator_tests(
    matrices: Floats, margins: _Margins, shared: Floats, shares: Floats, same: Mask
) -> tuple[PairTests | None, Floats]:
    """Tests across generators, None where they are unresolved, and the ends (A, 2) of the intervals of averages."""
    nothing = np.full((len(matrices), 2), np.nan)
    corrected = shared / np.sqrt(np.maximum(1 - shares, 0.5))
    first, second = np.triu_indices(len(matrices), 1)
    alone = _across(matrices, margins, corrected)
    if alone is None:
        return None, nothing
    ends = np.stack(generator_interval(alone), axis=1)
    pairs = _across(matrices[first] - matrices[second], margins, corrected[first] - corrected[second])
    if pairs is None:
        return None, ends
    p = np.ones(same.shape)
    p[first, second] = p[second, first] = generator_test(pairs)
    p[same] = 1.0
    tests, count = correct_for_pairs(p, same)
    low, high = np.zeros(same.shape), np.zeros(same.shape)
    low[first, second], high[first, second] = generator_difference_interval(pairs)
    low[second, first], high[second, first] = -high[first, second], -low[first, second]
    covariance = np.diag(alone.variance)
    between = (alone.variance[first] + alone.variance[second] - pairs.variance) / 2
    covariance[first, second] = covariance[second, first] = between
    return PairTests(tests, low, high, count, covariance, means=pairs), ends


def _across(matrices: Floats, margins: _Margins, influences: Floats) -> GeneratorMean | None:
    """Means of matrices across generators; None where that is unresolved. Influences are those of shared sources."""
    if margins.tested is None or not len(matrices):
        return None
    return across_generators(matrices, margins.trained, margins.tested, (influences**2).sum(axis=1))
