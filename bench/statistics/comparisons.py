"""Two-sided tests between two detectors on the same images.

Images of one source (a photograph and its reconstructions, the frames of a video) are right or wrong together, so a
source is the unit of every test here. Two detectors that never differ have p = 1: a difference of 0 with a variance
of 0 is no evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, ndtr, ndtri, stdtr

from detectors.types import Array

_LARGEST_LATTICE = 20_000  # steps of an exact distribution; above, it is normal to more digits than anybody reads
_FEW_SOURCES = 14  # of which every choice of signs is tried
_NOISE = 1e-9  # shares of the largest term: differences below it are rounding
_ROUNDING = 1e-12  # differences of measures in [0, 1] below it are rounding


def mcnemar_two_sided(lost: Array, won: Array) -> NDArray[np.floating[Any]]:
    """Two-sided exact McNemar test (McNemar, Psychometrika 12, 1947), for images that are each a source of its own.

    Args:
        lost: Integers, numbers of images that the first detector alone decided correctly.
        won: Integers of the same shape, numbers of images that the second alone decided correctly.

    Returns:
        Twice the smaller tail of a fair binomial law of the images on which the two differ, at most 1; 1 where they
        never differ.
    """
    fewer, either = np.minimum(lost, won), np.add(lost, won)
    p: NDArray[np.floating[Any]] = np.minimum(1.0, 2 * bdtr(fewer, either, 0.5))
    return p


def source_sign_flip(changes: Array) -> float:
    """McNemar's test by whole sources: exact over every choice of signs.

    Under the null hypothesis the two detectors could have changed places on any source. Where every source that counts
    has a change of one image, this is McNemar's exact test.

    Args:
        changes: Integers (S,), by source the number of decisions that the first detector alone has right less those
            that the second alone has right, over all its images, cells and seeds.

    Returns:
        The probability of a total at least as far from 0; 1 where no source differs. Where the changes add up to more
        than 20,000 steps of their common divisor, the normal law of the same variance stands for the exact one.
    """
    sizes = np.abs(np.asarray(changes, dtype=np.int64))
    sizes, total = sizes[sizes > 0], int(np.sum(changes))
    if not sizes.size or total == 0:
        return 1.0
    step = int(np.gcd.reduce(sizes))
    sizes, distance = sizes // step, abs(total) // step
    reach = int(sizes.sum())
    if reach > _LARGEST_LATTICE:
        return float(2 * ndtr(-distance / np.sqrt(np.sum(sizes.astype(np.float64) ** 2))))
    law = np.ones(1)
    for size, count in zip(*np.unique(sizes, return_counts=True), strict=True):
        kernel = np.zeros(size * count + 1)
        kernel[::size] = _fair_binomial(int(count))
        law = np.convolve(law, kernel)
    far = np.abs(2 * np.arange(reach + 1) - reach) >= distance
    return float(min(1.0, law[far].sum()))


def _fair_binomial(trials: int) -> NDArray[np.float64]:
    """Probabilities (trials + 1,) of 0 to `trials` heads of a fair coin."""
    cumulated = bdtr(np.arange(trials + 1), trials, 0.5)
    upper = np.diff(cumulated, prepend=0.0)
    half = trials // 2 + 1
    return np.concatenate([upper[:half], upper[: trials + 1 - half][::-1]])  # the lower half has no cancellation


@dataclass(frozen=True)
class AreaComparison:
    """Two areas under ROC curves of the same images.

    Attributes:
        areas: The two areas in [0, 1].
        difference: The first less the second.
        standard_error: Of the difference.
        p: Two-sided.
        influences: Floats (S,), of each source on the difference, sources in the order of their names.
    """

    areas: tuple[float, float]
    difference: float
    standard_error: float
    p: float
    influences: NDArray[np.floating[Any]]


def delong_test(labels: Array, first: Array, second: Array, sources: Array | None = None) -> AreaComparison:
    """Test of two correlated areas under ROC curves (DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988).

    With sources, their images are clusters (Obuchowski, Biometrics 53, 1997). The reference is the normal law, as
    published; for few images or areas near 1 `difference_test` of the same influences keeps its level better. Where
    the standard error is 0 although the areas differ, `difference_test` stands in for it.

    Args:
        labels: Integers (N,), 0 real, 1 generated; at least two images of each.
        first: Floats (N,), scores of the first detector, of which the order alone counts; log odds tie less.
        second: Floats (N,), scores of the second.
        sources: Names (N,) of the sources; each image is its own where there are none.

    Returns:
        The two areas, their difference and p; p is 1 for a detector and any strictly increasing copy of it.

    Raises:
        ValueError: A class has fewer than two images, or fewer than two sources.
    """
    generated = np.asarray(labels) == 1
    clusters = np.arange(generated.size) if sources is None else np.unique(sources, return_inverse=True)[1]
    counts = [np.unique(clusters[generated == side]).size for side in (True, False)]
    if min(counts) < 2:
        msg = f"two areas are compared on at least two sources of each class, not on {counts[0]} generated"
        raise ValueError(f"{msg} and {counts[1]} real: give more images")
    placed = [_placements(generated, np.asarray(scores)) for scores in (first, second)]
    areas = [float(one[generated].mean()) for one in placed]
    gap = placed[0] - placed[1]
    difference = float(gap[generated].mean())
    sides = []
    for side in (generated, ~generated):
        terms = np.where(side, gap - gap[side].mean(), 0.0) / np.count_nonzero(side)
        sides.append(np.bincount(clusters, terms))
    own = sum(count / (count - 1) * float(side @ side) for count, side in zip(counts, sides, strict=True))
    units = np.unique(clusters).size
    error = float(np.sqrt(max(0.0, own + 2 * units / (units - 1) * float(sides[0] @ sides[1]))))
    influences: NDArray[np.floating[Any]] = np.add(*sides)
    if error > _NOISE * abs(difference):
        p = float(2 * ndtr(-abs(difference) / error))
    else:
        p = float(difference_test(np.array([difference]), influences[:, None])[0])
    return AreaComparison((areas[0], areas[1]), difference, error, p, influences)


def _placements(generated: Array, scores: Array) -> NDArray[np.float64]:
    """Of each image (N,), the share of images of the other class that it is on the right side of; ties count half."""
    placed = np.empty(generated.size)
    for side, sign in ((generated, 1), (~generated, -1)):
        others = np.sort(sign * scores[~side])
        below = np.searchsorted(others, sign * scores[side], "left")
        placed[side] = (below + np.searchsorted(others, sign * scores[side], "right")) / (2 * others.size)
    return placed


def difference_test(differences: Array, influences: Array) -> NDArray[np.floating[Any]]:
    """Test of differences of two detectors' measures or averages on these generators, over whole sources.

    A source's share of the difference is its influence plus an equal part of the difference itself: under the null
    hypothesis it could as well have had the other sign. Where at most 14 sources differ, all choices of signs are
    tried. Else the sum of the shares over the root of their sum of squares, which is not 0 where the difference is
    not, is held against Student's law with as many degrees of freedom as there would be sources of equal share; for
    decisions it is close to the exact law, and it never tells apart two detectors that differ on four images.

    Args:
        differences: Floats (P,), the first detector's value less the second's.
        influences: Floats (S, P), the first detector's influence of each source less the second's. Sources that stand
            in none of the cells are left out.

    Returns:
        Two-sided p (P,); 1 where the difference is 0 but for rounding.
    """
    differences = np.asarray(differences, dtype=np.float64)
    shares = influences + differences / len(influences)
    sizes = np.abs(shares)
    squares = np.sum(sizes**2, axis=0)
    there = np.abs(differences) > _ROUNDING
    statistic = np.divide(np.abs(differences), np.sqrt(squares), out=np.zeros(differences.shape), where=there)
    freedom = np.divide(np.sum(sizes, axis=0) ** 2, squares, out=np.ones(differences.shape), where=there)
    p: NDArray[np.floating[Any]] = np.where(there, 2 * stdtr(freedom, -statistic), 1.0)
    large = sizes > _NOISE * sizes.max(axis=0)
    for pair in np.flatnonzero(there & (np.count_nonzero(large, axis=0) <= _FEW_SOURCES)):
        p[pair] = _all_signs(shares[large[:, pair], pair])
    return p


def unpaired_test(
    first: Array, second: Array, first_ends: Array, second_ends: Array
) -> tuple[tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]], NDArray[np.floating[Any]]]:
    """Differences of measures that are not of the same images, from their own intervals.

    The squares of the distances of the ends from the measures add up (Zou and Donner, Statistics in Medicine 27, 2008);
    p is that of a normal law with such a distance towards 0. What both have in common is left out, so that it finds
    less than a test of pairs.

    Args:
        first: Floats (P,) in [0, 1].
        second: Floats (P,).
        first_ends: Floats (P, 2), the 95% intervals of the first.
        second_ends: Floats (P, 2), those of the second.

    Returns:
        The ends of the 95% intervals of first - second, (P,) each, and two-sided p (P,); 1 where the difference is 0
        but for rounding.
    """
    differences = first - second
    below = np.hypot(first - first_ends[:, 0], second_ends[:, 1] - second)
    above = np.hypot(first_ends[:, 1] - first, second - second_ends[:, 0])
    towards = np.where(differences > 0, below, above)
    there = (np.abs(differences) > _ROUNDING) & (towards > 0)
    distance = np.divide(np.abs(differences), towards, out=np.zeros(len(differences)), where=there)
    p: NDArray[np.floating[Any]] = 2 * ndtr(ndtri(0.025) * distance)
    return (np.maximum(differences - below, -1), np.minimum(differences + above, 1)), p


def _all_signs(shares: Array) -> float:
    """Share of the choices of signs whose sum is at least as far from 0 as the sum itself."""
    sums = shares[:1]
    for share in shares[1:]:
        sums = np.concatenate([sums + share, sums - share])  # the first keeps its sign: all others are mirrored
    slack = _NOISE * np.abs(shares).sum()  # equal sums may differ in their last bits
    return float(np.mean(np.abs(sums) >= abs(shares.sum()) - slack))
