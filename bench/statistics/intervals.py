"""Confidence intervals of measures and of their differences, from the influences of sources.

Closed formulas for many measures at once; how often they contain the truth is simulated in
docs/simulations/coverage.py. Images of one source (a photograph and its reconstructions, a real image in the pools of
several generators) are right or wrong together, so a source is the unit. Intervals are those of the choice of images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtrit

from detectors.types import Array

Floats = NDArray[np.floating[Any]]


CONFIDENCE = 0.95  # level of intervals
EXACT = 1e-9  # what is less is 0 but for rounding
SUDDENNESS = 4  # how suddenly a variance is trusted once more contribute to it
DOUBT = 1.5  # how fast the doubt about a variance goes with the number that contribute to it


def random_generator(names: Sequence[str]) -> np.random.Generator:
    """A random generator whose seed is a hash of the names in their order."""
    digest = hashlib.sha256("\n".join(names).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


class Spread(NamedTuple):
    """How far K measures may be from the truth.

    Attributes:
        variances: Float64 (K,), of the measures over samples of as many sources.
        contributors: Float64 (K,), the effective number of sources that make the variance up; 0 where it is 0. A
            variance to which few contribute says little of sources that were not seen.
    """

    variances: Floats
    contributors: Floats


class IntervalRule(NamedTuple):
    """What the interval of a measure allows for beside its variance; set by simulation, docs/simulations/coverage.py.

    Attributes:
        few: Number of contributors to the variance at which it says as much as it leaves unsaid.
        doubled: Number of contributors at which the variance is taken for double, towards both ends, since samples in
            which few images of weight happen to be have too small a one. 0 where it is taken as it is; what was not
            seen then moves neither end in the middle of the range, where it would change a measure as little as what
            was seen. A difference takes the larger of this and `few` for its own `few`.
        largest_step: Between Jeffreys' interval, 1/2, and Clopper and Pearson's, 1: what measures that move in steps
            and few contributors ask for at most.
    """

    few: float
    doubled: float
    largest_step: float


SHARES = IntervalRule(few=3, doubled=0, largest_step=0.75)  # accuracy, rates
# of averages of them over cells, in which the few images that many cells share weigh most
AVERAGE_SHARES = SHARES._replace(few=4, largest_step=1)
# areas under the ROC curve and other means over many different values, which do not move in steps
AREAS = IntervalRule(few=5, doubled=0, largest_step=0.5)
# average precisions, of which the real images of the highest scores make up most of the variance
PRECISIONS = IntervalRule(few=3.5, doubled=5.5, largest_step=0.75)


class SampleSize(NamedTuple):
    """What measures were taken of.

    Attributes:
        images: Effective number of images, the same for all measures or (K,).
        freedom: Degrees of freedom of the variance, at most.
        largest_loss: The most that a single source could take from the measure, in (0, 1].
    """

    images: float | Floats
    freedom: float | Floats
    largest_loss: float | Floats


def sample_size(weights: Floats, sources: Array, shares: Floats, largest_loss: float) -> SampleSize:
    """The size of a sample, by how much each image and each source weighs in the measure.

    Args:
        weights: Floats (N,), the weight of each image, of sum 1: of the accuracy of a cell 1 / N, of balanced accuracy,
            area and average precision 1 / 2 over the number of its class, of an average the mean over the cells.
        sources: Integers (N,), the source of each image, 0 to S - 1.
        shares: Floats (S,), as for `source_variances`.
        largest_loss: The largest of the measure's losses, `influences.SourceLayout`.

    Returns:
        Kish's number of images, and Satterthwaite's degrees of freedom of sources that are as uncertain as they weigh.
    """
    squares = np.bincount(sources, weights, len(shares)) ** 2
    freedom = np.sum(squares) * np.sum(squares * (1 - shares)) / np.sum(squares**2)
    return SampleSize(float(1 / np.sum(weights**2)), float(freedom), largest_loss)


def source_variances(sums: Floats, shares: Floats) -> Spread:
    """Variances of measures from the influences of their sources.

    The squares of the sums are added up, as `corrected_influences` corrects them.

    Args:
        sums: Floats (K, S), the sum of the influences of each source's images.
        shares: Floats (S,) in [0, 1], the largest share of one class of one cell that a source has.

    Returns:
        The spread of each measure; the variance is in the square of the measure's unit.
    """
    squares = corrected_influences(sums, shares) ** 2
    variances = squares.sum(axis=1)
    fourth = np.einsum("ks,ks->k", squares, squares)
    return Spread(variances, np.divide(variances**2, fourth, out=np.zeros(len(sums)), where=fourth > 0))


def corrected_influences(sums: Floats, shares: Floats) -> Floats:
    """Influences of sources whose squares add up to a variance, and whose products add up to a covariance.

    An influence is measured from a mean to which the source itself belongs, so it is divided by the root of 1 less its
    share of its class (CR2 of Bell and McCaffrey, Survey Methodology 28, 2002). A source that is a whole class stays.

    Args:
        sums: Floats (..., S), the sum of the influences of each source's images.
        shares: Floats (S,) or as `sums`, in [0, 1], the largest share of one class of one cell that a source has.
    """
    rest = np.sqrt(1 - np.asarray(shares, np.float64))
    found: Floats = np.divide(sums, rest, out=np.array(sums, np.float64), where=np.broadcast_to(rest, sums.shape) > 0)
    return found


def bounded_interval(
    centres: Floats,
    spread: Spread,
    sample: SampleSize,
    rule: IntervalRule = SHARES,
    *,
    values: Floats | None = None,
    level: float = CONFIDENCE,
) -> tuple[Floats, Floats]:
    """Confidence intervals of measures in [0, 1], by beta distributions (Clopper and Pearson, Biometrika 26, 1934).

    A measure counts as the share of successes in an effective number of trials, centre (1 - centre) / variance, which
    is less for the degrees of freedom of the variance (Korn and Graubard, Survey Methodology 24, 1998). Towards the
    end that is further away the number is drawn to 1 / largest loss, the more the fewer sources contribute to the
    variance and the nearer the measure is to the other end: where two images make it up, one like them that was not
    seen could move the measure as much again. Where the rule doubts the variance itself, the number is first divided by
    1 + (doubled / contributors)^1.5, down to 1 / largest loss; towards the nearer end the less, the nearer it is. A
    measure of 0 or 1 has the exact interval of 1 / largest loss trials, with an end of exactly 0 or 1.

    Args:
        centres: Floats (K,) in [0, 1], the middle of each interval.
        spread: The variance of each measure.
        sample: What was measured.
        rule: What the interval allows for.
        values: Floats (K,), the measures, which the intervals contain; as `centres` where they are left out.
        level: Of confidence.

    Returns:
        Lower and upper ends, float64 (K,) each.
    """
    centres = np.clip(np.asarray(centres, np.float64), 0, 1)
    values = centres if values is None else values
    chance = centres * (1 - centres)
    flat = spread.variances <= EXACT * np.maximum(chance, EXACT) / sample.images
    contributors = np.where(flat, 0, spread.contributors)
    unseen, doubt = _weight_of_unseen(contributors, rule.few), 1 + (rule.doubled / np.maximum(contributors, 1)) ** DOUBT
    trials, kept = _trials(chance, spread, sample, flat, (1 + level) / 2)
    few = np.minimum(trials, 1 / sample.largest_loss)
    middle = 4 * chance  # 1 there, 0 at the ends of the range
    further, nearer = (np.ones(middle.shape), middle) if rule.doubled else (1 - middle, np.zeros(middle.shape))
    far, near = (
        kept * np.maximum(trials / doubt**part, few) ** (1 - unseen * part) * few ** (unseen * part)
        for part in (further, nearer)
    )
    steps = np.minimum(trials / sample.images, 1)
    step = 0.5 + (rule.largest_step - 0.5) * np.maximum(unseen * further, steps)
    high_side = centres >= 0.5
    below, above = np.where(high_side, far, near), np.where(high_side, near, far)
    tail = (1 - level) / 2
    low = betaincinv(np.maximum(centres * below + 1 - step, EXACT), (1 - centres) * below + step, tail)
    high = betaincinv(centres * above + step, np.maximum((1 - centres) * above + 1 - step, EXACT), 1 - tail)
    edge = tail ** np.broadcast_to(sample.largest_loss, centres.shape)
    ends = chance < EXACT
    low = np.where(ends, np.where(high_side, edge, 0), low)
    high = np.where(ends, np.where(high_side, 1, 1 - edge), high)
    return np.minimum(low, values), np.maximum(high, values)


def _trials(chance: Floats, spread: Spread, sample: SampleSize, flat: Array, upper: float) -> tuple[Floats, Floats]:
    """Effective numbers of trials, and the part of them that is kept for the degrees of freedom of the variance.

    Of a share of independent images the variance follows from the value, so its own error adds nothing. The error that
    it has beside that follows from how much fewer sources contribute than of as many trials would. Where there is no
    variance (`flat`), trials are as many as the largest loss allows.
    """
    images = np.asarray(sample.images, np.float64)
    independent = images / np.maximum(images - 2, 1)  # the correction that single images have
    trials = np.where(flat, 1 / sample.largest_loss, chance * independent / np.where(flat, 1, spread.variances))
    expected = np.maximum(trials * chance / np.maximum(1 - 3 * chance, 0.25), EXACT)
    excess = np.maximum(1 / np.maximum(spread.contributors, EXACT) - 1 / expected, EXACT)
    freedom = np.maximum(np.where(flat, sample.freedom, np.minimum(sample.freedom, 2 / excess)), 1)
    kept = (stdtrit(np.maximum(images - 1, 1), upper) / stdtrit(freedom, upper)) ** 2
    return trials, np.minimum(kept, 1)


def difference_interval(
    differences: Floats, spread: Spread, sample: SampleSize, identical: Array, rule: IntervalRule = SHARES
) -> tuple[Floats, Floats]:
    """Confidence intervals of differences of two measures of the same images.

    Student's interval, with one contributor more in the variance than was seen: an image on which one of the two
    detectors is wrong (Bonett and Price, Journal of Educational and Behavioral Statistics 37, 2012, add two). It is of
    the size of those that were seen, drawn to the largest loss the fewer there are; so two detectors without an error,
    which do not differ on a single image, have an interval of some width.

    Args:
        differences: Floats (K,), first measure - second measure.
        spread: That of the influences of the first - those of the second.
        sample: What both were measured on.
        identical: Bools (K,), whether both gave the same scores: the interval is then exactly 0 to 0.
        rule: That of the two measures.

    Returns:
        Lower and upper ends, float64 (K,) each, in [-1, 1].
    """
    flat = spread.variances <= EXACT**2
    contributors = np.where(flat, 1, np.maximum(spread.contributors, 1))
    sooner = 0.75 * max(rule.few, rule.doubled)  # what was not seen may be for either measure
    unseen = np.where(flat, 1, _weight_of_unseen(contributors, sooner))
    largest = np.asarray(sample.largest_loss, np.float64) ** 2
    size = np.where(flat, largest, spread.variances / contributors)
    added = size ** (1 - unseen) * np.maximum(size, largest) ** unseen
    half = stdtrit(np.maximum(sample.freedom, 1), (1 + CONFIDENCE) / 2) * np.sqrt(spread.variances + added)
    half = np.where(identical, 0, half)
    centres = np.where(identical, 0, differences)
    return np.clip(centres - half, -1, 1), np.clip(centres + half, -1, 1)


def _weight_of_unseen(contributors: Floats, few: float) -> Floats:
    """How much is left to sources that were not seen, in [0, 1], where so many contribute to a variance."""
    weight: Floats = 1 / (1 + (contributors / few) ** SUDDENNESS)
    return weight
