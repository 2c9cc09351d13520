"""What averages and differences over cells say of generators that were not tried: generators as a sample.

A cell is a detector trained on one generator and tested on another: rows and columns of a matrix. Cells of a row share
a training and cells of a column share test images, so cells are no sample; generators are. The variance of a mean over
cells is estimated from mean squares between generators, as in an analysis of variance with random effects. Where rows
and columns are the same generators, an effect as trained and an effect as tested belong to one generator and may
cancel or add up: the generator is the unit, in both roles. Tests that take cells for a sample call equal detectors
different far too often (a Wilcoxon test over the cells of one embedded run in 14 to 36% at a nominal 5%).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, stdtr, stdtrit

from detectors.types import Array

FEWEST_GENERATORS = 6  # of a margin; with fewer, a verdict across generators is unresolved
_ZERO = 1e-12  # variances below it, of values in [-1, 1], are rounding


@dataclass(frozen=True)
class GeneratorMean:
    """Means over cells, and their variance if other generators had been drawn.

    Attributes:
        value: Floats (P,), the mean over the cells that are there.
        variance: Floats (P,), of the mean.
        freedom: Floats (P,), degrees of freedom of the variance.
        of_cells: Floats (P,), the part of the variance that falls with the number of cells; the rest falls with the
            number of generators.
        generators: Number of generators on the shorter margin.
        image_variance: Floats (P,), the part of the variance that more generators do not change.
    """

    value: NDArray[np.floating[Any]]
    variance: NDArray[np.floating[Any]]
    freedom: NDArray[np.floating[Any]]
    of_cells: NDArray[np.floating[Any]]
    generators: int
    image_variance: NDArray[np.floating[Any]]


@dataclass(frozen=True)
class _Design:
    """Which cells stand together.

    Attributes:
        weights: Floats (M,), share of each observation in the mean.
        bases: Per margin, orthonormal floats (M, freedom) of the contrasts between its generators.
        factors: Per margin, what a mean square between generators adds to the variance of the mean.
        share: Of the noise of cells that mean squares between generators hold too often, what is taken off again.
        overlap: For two margins, number of generators on both over the geometric mean of their lengths.
        residual: Orthonormal floats (M, freedom) of all that margins explain, the mean included.
    """

    weights: NDArray[np.floating[Any]]
    bases: tuple[NDArray[np.floating[Any]], ...]
    factors: tuple[float, ...]
    share: float
    overlap: float
    residual: NDArray[np.floating[Any]]


def across_generators(
    values: Array, trained: Sequence[str] | None, tested: Sequence[str], image_variance: float | Array = 0.0
) -> GeneratorMean | None:
    """Means over the cells of matrices, with the variance of a new draw of generators.

    Mean squares between generators, of rows and of columns, or of generators in both roles where both margins hold
    the same names, give the variance of the mean by the method of moments; it is never below what the largest of them
    would give were cells a sample. Of generators in both roles, a third of what is due is taken off for the noise of
    cells, and where some names alone are on both margins, their two effects are taken to add up: with few generators
    the plain moments are too often too small. Satterthwaite's degrees of freedom (Biometrics Bulletin 2, 1946), at
    least those of the shortest margin.

    Args:
        values: Floats (P, R, C), P matrices with the same cells, NaN where a cell is left out (the diagonal); averages
            of one detector or differences of two, over any number of seeds.
        trained: R names of the generators of the rows; None where rows are no sample of generators (R is 1), as with
            released detectors, or where each is trained on all but the one that it is tested on.
        tested: C names of the generators of the columns.
        image_variance: Variance of the means that all cells share, such as that of real images that stand in every
            cell, one or P. Margins do not show it; that of the images of a single cell, row or column they do.

    Returns:
        None where a margin has fewer than six generators, or cells do not tell its generators apart: unresolved.

    Raises:
        ValueError: The matrices differ in which cells are left out.
    """
    values = np.asarray(values, dtype=np.float64)
    there = ~np.isnan(values)
    if (there != there[:1]).any():
        msg = "matrices of one comparison differ in which cells are left out"
        raise ValueError(f"{msg}: leave out every cell that one of them lacks")
    names = [list(tested)] if trained is None else [list(trained), list(tested)]
    kept = there[0].any(axis=0)
    lengths = [int(np.count_nonzero(kept)), len(tested) if trained is None else int(there[0].any(axis=1).sum())]
    fewest = min(lengths)
    if fewest < FEWEST_GENERATORS:
        return None
    if trained is None:
        observed, units = values[:, 0, kept], [np.eye(fewest)]
        sizes, fixed = np.ones(fewest), np.ones((fewest, 1))
    elif set(names[0]) == set(names[1]):
        observed, units, sizes, fixed = _pairs(values, there[0], names)
    else:
        observed, units, sizes, fixed = _crossed(values, there[0])
    shared = len(set(names[0]) & set(names[-1])) if len(units) > 1 else 0
    design = _design(units, sizes, fixed, shared)
    shared_noise = np.broadcast_to(np.asarray(image_variance, dtype=np.float64), len(values))
    return None if design is None else _variance(observed, design, fewest, shared_noise)


def _crossed(values: Array, there: Array) -> tuple[Array, list[Array], Array, Array]:
    """Cells as observations (P, M), the row and the column of each, equal sizes, and the mean as all that is fixed."""
    rows, columns = np.nonzero(there)
    units = [np.eye(size)[index] for size, index in zip(there.shape, (rows, columns), strict=True)]
    return values[:, rows, columns], units, np.ones(rows.size), np.ones((rows.size, 1))


def _pairs(values: Array, there: Array, names: list[list[str]]) -> tuple[Array, list[Array], Array, Array]:
    """Unordered pairs of generators as observations, the mean of both directions, and who is in each.

    Own cells, trained and tested on one generator, are observations whose mean may differ: a fixed effect.
    """
    order = {name: position for position, name in enumerate(names[0])}
    rows, columns = np.nonzero(there)
    ends = np.stack([rows, [order[names[1][column]] for column in columns]])
    keys, pair = np.unique(ends.min(axis=0) * len(order) + ends.max(axis=0), return_inverse=True)
    sizes = np.bincount(pair)
    both = np.zeros((pair.size, keys.size))
    both[np.arange(pair.size), pair] = 1 / sizes[pair]
    low, high = np.divmod(keys, len(order))
    units = np.eye(len(order))[low] + np.eye(len(order))[high]
    own = (low == high).astype(np.float64)
    fixed = np.stack([np.ones(keys.size), own], axis=1) if 0 < own.sum() < own.size else np.ones((keys.size, 1))
    return values[:, rows, columns] @ both, [units], sizes, fixed


def _basis(columns: Array, against: Array) -> Array:
    """Orthonormal basis (M, rank) of the columns after a projection on those they are adjusted for."""
    left = columns - against @ (np.linalg.pinv(against) @ columns) if against.size else columns
    vectors, singular, _ = np.linalg.svd(left, full_matrices=False)
    kept: NDArray[np.bool_] = singular > 1e-8 * max(1.0, float(np.linalg.norm(columns)))
    return np.asarray(vectors)[:, kept]


def _design(units: list[Array], sizes: Array, fixed: Array, shared: int) -> _Design | None:
    """The contrasts of each margin, adjusted for the others; None where there are none to compare."""
    weights = sizes / sizes.sum()
    bases, factors = [], []
    for position, unit in enumerate(units):
        others = [other for place, other in enumerate(units) if place != position]
        basis = _basis(unit, np.hstack([fixed, *others]))
        if not basis.shape[1]:
            return None
        bases.append(basis)
        loading = np.sum((basis.T @ unit) ** 2) / basis.shape[1]
        factors.append(float(np.sum((weights @ unit) ** 2) / loading))
    residual = _basis(np.hstack([fixed, *units]), np.empty((len(sizes), 0)))
    # of a half instead of a third, verdicts at levels corrected for many pairs come too often (docs/simulations)
    share = 1.0 if len(units) > 1 else 1 / 3
    overlap = shared / float(np.sqrt(units[0].shape[1] * units[-1].shape[1]))
    return _Design(weights, tuple(bases), tuple(factors), share, overlap, residual)


def _variance(observed: Array, design: _Design, generators: int, image_variance: Array) -> GeneratorMean:
    """The mean of observations (P, M), its variance by moments, and Satterthwaite's degrees of freedom."""
    mean = observed @ design.weights
    freedoms = [basis.shape[1] for basis in design.bases]
    squares = [np.sum((observed @ basis) ** 2, axis=1) / basis.shape[1] for basis in design.bases]
    left = len(design.weights) - design.residual.shape[1]
    noise = np.sum(observed**2, axis=1) - np.sum((observed @ design.residual) ** 2, axis=1)
    noise = np.maximum(0.0, noise) / left if left > 0 else np.zeros(len(observed))
    scale = float(np.sum(design.weights**2))
    parts = [factor * square for factor, square in zip(design.factors, squares, strict=True)]
    rest = design.share * (scale - sum(design.factors)) * noise
    moments = sum(parts) + rest
    floors = [factor + design.share * (scale - factor) for factor in design.factors]
    variance = moments
    for floor, square in zip(floors, squares, strict=True):
        variance = np.maximum(variance, floor * square)
    if design.overlap:  # the two effects of a generator on both margins may add up; how far, so few cannot say
        own = [np.maximum(0.0, part - factor * noise) for part, factor in zip(parts, design.factors, strict=True)]
        variance = variance + 2 * design.overlap * np.sqrt(own[0] * own[1])
    below = sum(part**2 / freedom for part, freedom in zip(parts, freedoms, strict=True))
    below = below + rest**2 / max(1, left)
    if design.overlap:  # and mean squares of the same effects err together
        below = below + 2 * design.overlap**2 * parts[0] * parts[1] / np.sqrt(freedoms[0] * freedoms[1])
    satterthwaite = np.divide(moments**2, below, out=np.zeros(len(observed)), where=below > 0)
    freedom = np.clip(satterthwaite, min(freedoms), sum(freedoms))
    total = variance + image_variance
    freedom = freedom * np.divide(total, variance, out=np.ones(len(observed)), where=variance > 0) ** 2
    of_cells = np.minimum(variance, scale * noise)
    rounding = variance < _ZERO * np.maximum(_ZERO, mean**2)
    return GeneratorMean(mean, np.where(rounding, image_variance, total), freedom, of_cells, generators, image_variance)


def generator_test(mean: GeneratorMean) -> NDArray[np.floating[Any]]:
    """Two-sided p (P,) of differences that are 0 over all generators; 1 where the mean is 0.

    A difference that is the same in every cell has a variance of 0: its p is that of as many equal signs as there are
    generators.
    """
    there = np.abs(mean.value) > _ZERO
    error = np.sqrt(mean.variance)
    statistic = np.divide(np.abs(mean.value), error, out=np.zeros(error.shape), where=there & (error > 0))
    p = 2 * stdtr(mean.freedom, -statistic)
    p = np.where(there & (error == 0), 2.0 ** (1 - mean.generators), p)
    return np.where(there, p, 1.0)


def generator_difference_interval(mean: GeneratorMean, level: float = 0.95) -> tuple[Array, Array]:
    """Ends (P,) in [-1, 1] of the interval across generators of differences of two averages in [0, 1]."""
    reach = stdtrit(mean.freedom, (1 + level) / 2) * np.sqrt(mean.variance)
    return np.maximum(-1.0, mean.value - reach), np.minimum(1.0, mean.value + reach)


def generator_interval(mean: GeneratorMean, level: float = 0.95) -> tuple[Array, Array]:
    """Ends (P,) in [0, 1] of the interval across generators of averages in [0, 1].

    Student's interval of the log odds of the average. Where all cells are 0 or all are 1, the end within is
    that of Clopper and Pearson for as many generators (Biometrika 26, 1934): a quantity in [0, 1] that was 1 for each
    of G generators may on average be as low as their lower limit.
    """
    value = np.clip(mean.value, 0.0, 1.0)
    spread = value * (1 - value)
    inside = spread > _ZERO
    held = np.where(inside, value, 0.5)
    reach = stdtrit(mean.freedom, (1 + level) / 2) * np.sqrt(mean.variance) / np.where(inside, spread, 1.0)
    centre = np.log(held) - np.log1p(-held)
    room = ((1 - level) / 2) ** (1 / mean.generators)
    low = np.where(inside, expit(centre - reach), np.where(value > 0.5, room, 0.0))
    high = np.where(inside, expit(centre + reach), np.where(value > 0.5, 1.0, 1 - room))
    return low, high
