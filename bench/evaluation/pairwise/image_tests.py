"""Pairs of detectors on these generators: over images and, with several seeds, over trainings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtr, stdtrit

from bench.evaluation.averages import Average, Codes
from bench.evaluation.decided_blocks import Mask
from bench.evaluation.pairwise.pair_tests import PairTests
from bench.records import columns
from bench.statistics.comparisons import difference_test, unpaired_test
from bench.statistics.intervals import (
    CONFIDENCE,
    Floats,
    SampleSize,
    corrected_influences,
    difference_interval,
    source_variances,
)
from bench.statistics.ranks import correct_for_pairs

PAIRS_AT_A_TIME = 4_000_000  # influences of differences in memory


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
        [corrected_influences(one, average.shares) for one, average in zip(influences, found, strict=True)]
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
