"""Measures of many rows of images at once, each with the influence of every image.

A row is one detector's answers to N images; rows of one call share the images. The influence of an image is the
derivative of the measure with respect to the image's weight, at all weights 1, where each class keeps its total weight
whatever its images weigh (the infinitesimal jackknife: Jaeckel, Bell Laboratories MM 72-1215-11, 1972; Efron,
Biometrika 68, 1981). The numbers of real and of generated images are a choice, not a result, so influences sum to 0
over each class, and the average precision is that of the prevalence in the cell.

The variance of a measure is the sum of the squares of its influences, summed by source first
(`intervals.source_variances`); an average of measures has the average of their influences.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bench.statistics.intervals import Floats
from detectors.types import Array

BLOCK_SIZE = 1 << 14  # scores that are ranked at a time, so that they stay in the processor's cache


class RowMeasures(NamedTuple):
    """One measure of K rows of N images.

    Attributes:
        values: Float64 (K,), the measure.
        influences: Float64 (K, N), the influence of each image; each class sums to 0.
        centres: Float64 (K,), the measure without the bias that few images give it, for the middle of its interval.
    """

    values: Floats
    influences: Floats
    centres: Floats


def mean_influences(quantities: Array, labels: Array, *, balanced: bool = False) -> RowMeasures:
    """Mean of a quantity of each image: of whether it was right (accuracy), of its squared error (Brier), of its loss.

    Args:
        quantities: Bools or finite floats (K, N).
        labels: Integers (N,), 0 real, 1 generated.
        balanced: Whether both classes count the same, whatever their numbers (balanced accuracy).

    Returns:
        The means. A class without images counts nothing.

    Raises:
        ValueError: Where `balanced` is asked of one class, or there are no images.
    """
    of_class = [np.flatnonzero(labels == label) for label in (0, 1)]
    _check(of_class, both=balanced)
    quantities = np.asarray(quantities, np.float64)
    values, influences = np.zeros(len(quantities)), np.zeros(quantities.shape)
    for images in of_class:
        if images.size:
            share = 0.5 if balanced else images.size / len(labels)
            own = quantities[:, images]
            means = own.mean(axis=1)
            values += share * means
            influences[:, images] = (own - means[:, None]) * (share / images.size)
    return RowMeasures(values, influences, values)


def ranking_influences(order: Array, labels: Array) -> tuple[RowMeasures, RowMeasures]:
    """Area under the ROC curve and average precision.

    The area counts a pair of equal scores as half. The average precision is the sum, from the highest score to the
    lowest, of the precision times the gain of recall; images of equal score are one step. Both are scikit-learn's. The
    precision at a generated image counts the image itself, which makes the average of few images too high: the centre
    of the average precision takes the precision among the other images instead.

    Args:
        order: Finite floats (K, N), of which the order in each row alone counts; generated images should be higher.
        labels: Integers (N,), 0 real, 1 generated; both are there.

    Returns:
        The areas and the average precisions.

    Raises:
        ValueError: Where a class has no images.
    """
    _check([np.flatnonzero(labels == label) for label in (0, 1)], both=True)
    shape = order.shape
    area, precision = (RowMeasures(np.empty(len(order)), np.empty(shape), np.empty(len(order))) for _ in range(2))
    block = max(1, BLOCK_SIZE // order.shape[1])
    for start in range(0, len(order), block):
        scores = order[start : start + block]
        places = np.argsort(-scores, axis=1)
        ranked = np.take_along_axis(scores, places, axis=1)
        tied = (ranked[:, 1:] == ranked[:, :-1]).any(axis=1)
        for rows, ties in (np.flatnonzero(~tied), False), (np.flatnonzero(tied), True):
            if rows.size:
                steps = _ranked_steps((labels == 1)[places[rows]], ranked[rows] if ties else None)
                for measure, ranked_measure in (area, _ranked_area(steps)), (precision, _ranked_precision(steps)):
                    measure.values[start + rows] = ranked_measure.values
                    measure.centres[start + rows] = ranked_measure.centres
                    into = np.empty((rows.size, shape[1]))
                    np.put_along_axis(into, places[rows], ranked_measure.influences, axis=1)
                    measure.influences[start + rows] = into
    return area, precision


def sum_by_source(influences: Floats, sources: Array, count: int) -> Floats:
    """Influences of sources.

    Args:
        influences: Floats (K, N).
        sources: Integers (N,), the source of each image, 0 to `count` - 1.
        count: Number of sources.

    Returns:
        Float64 (K, `count`), the sum of the influences of each source's images.
    """
    sums = np.zeros((len(influences), count))
    order = np.argsort(sources, kind="stable")
    present, first = np.unique(sources[order], return_index=True)
    if present.size == len(sources):  # a source each
        sums[:, sources] = influences
    else:
        sums[:, present] = np.add.reduceat(influences[:, order], first, axis=1)
    return sums


class SourceLayout(NamedTuple):
    """How the images of a cell come from S sources, and what one source could do to a measure.

    The layout of an average over cells is that of the average's influences: the largest share of each source, the mean
    of its losses, a source that a cell does not have counting 0, the number of different images.

    Attributes:
        images: Number of images.
        shares: Float64 (S,), the larger of the shares that a source has of the real and of the generated images.
        accuracy: Float64 (S,), what the accuracy loses where all images of the source are wrong.
        balanced_accuracy: Float64 (S,), the same of the balanced accuracy.
        roc_auc: Float64 (S,), what the area loses where the images of one class come out last of all.
        average_precision: Float64 (S,), the same of the average precision.
    """

    images: int
    shares: Floats
    accuracy: Floats
    balanced_accuracy: Floats
    roc_auc: Floats
    average_precision: Floats


def source_layout(labels: Array, sources: Array, count: int) -> SourceLayout:
    """The layout of one cell.

    Args:
        labels: Integers (N,), 0 real, 1 generated.
        sources: Integers (N,), the source of each image, 0 to `count` - 1.
        count: Number of sources.

    Returns:
        The layout; a class without images has no share and loses nothing.
    """
    own = np.stack([np.bincount(sources[labels == label], minlength=count) for label in (0, 1)])
    many = own.sum(axis=1, keepdims=True)
    shares = own / np.maximum(many, 1)
    recall = np.arange(1, int(many[1, 0]) + 1)
    sizes, place = np.unique(own[0], return_inverse=True)  # few: one loss for each source would be as many as images
    missed = [np.mean(size / (recall + size)) if recall.size else 0.0 for size in sizes]  # of the precision
    above = np.array(missed)[place]  # where the source's real images are before all others
    return SourceLayout(
        len(labels),
        shares.max(axis=0),
        own.sum(axis=0) / max(len(labels), 1),
        shares.sum(axis=0) / max(np.count_nonzero(many), 1),
        shares.max(axis=0),
        np.maximum(above, shares[1] * many[0, 0] / max(len(labels), 1)),
    )


def _check(of_class: list[Array], *, both: bool) -> None:
    real, generated = (images.size for images in of_class)
    if not (real and generated if both else real or generated):
        needed = "images of both classes" if both else "images"
        raise ValueError(f"A measure needs {needed}; given were {real} real and {generated} generated ones.")


class _Steps(NamedTuple):
    """Rows of images from the highest score to the lowest, images of equal score as one step.

    Attributes:
        generated: Bools (R, N).
        hits: Float64 (R, N), number of generated images from the highest score to the end of each image's step.
        alarms: Float64 (R, N), the same of real ones.
        first: Integers (R, N), the place of the first image of each image's step; None where no two scores are equal.
    """

    generated: Array
    hits: Floats
    alarms: Floats
    first: Array | None


def _ranked_steps(generated: Array, ranked: Floats | None) -> _Steps:
    """The steps of ranked rows, whose scores are None where no two are equal."""
    count = generated.shape[1]
    hits = np.cumsum(generated, axis=1, dtype=np.float64)
    alarms = np.arange(1.0, count + 1) - hits
    if ranked is None:
        return _Steps(generated, hits, alarms, None)
    begins = np.ones(generated.shape, np.bool_)
    begins[:, 1:] = ranked[:, 1:] != ranked[:, :-1]
    ends = np.ones(generated.shape, np.bool_)
    ends[:, :-1] = begins[:, 1:]
    places = np.arange(count)
    first = np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    last = np.minimum.accumulate(np.where(ends, places, count)[:, ::-1], axis=1)[:, ::-1]
    return _Steps(generated, np.take_along_axis(hits, last, 1), np.take_along_axis(alarms, last, 1), first)


def _before(sums: Floats, first: Array | None, own: Array) -> Floats:
    """Running sums (R, N) without the step of each image; `own` is what an image that is a step adds to them."""
    if first is None:
        return sums - own
    padded = np.concatenate([np.zeros((len(sums), 1)), sums], axis=1)
    return np.take_along_axis(padded, first, axis=1)


def _ranked_area(steps: _Steps) -> RowMeasures:
    generated, hits, alarms, first = steps
    many, real = hits[:, -1:], alarms[:, -1:]
    beaten = real - 0.5 * (alarms + _before(alarms, first, ~generated))  # real images below, of equal score half
    beating = 0.5 * (hits + _before(hits, first, generated))
    values = np.where(generated, beaten, 0).sum(axis=1) / (many * real)[:, 0]
    influences = np.where(generated, beaten / real - values[:, None], 0) / many
    influences += np.where(generated, 0, beating / many - values[:, None]) / real
    return RowMeasures(values, influences, values)


def _ranked_precision(steps: _Steps) -> RowMeasures:
    generated, hits, alarms, first = steps
    many, real = hits[:, -1:], alarms[:, -1:]
    above = hits + alarms
    precision = hits / above
    values = np.where(generated, precision, 0).sum(axis=1) / many[:, 0]
    slope = np.where(generated, precision / above, 0)  # what a real image at or above takes from the precision here
    gain = np.where(generated, alarms / above**2, 0)  # what a generated one adds to it
    own = np.where(generated, precision + _from_here(gain, first), -_from_here(slope, first)) / many
    of_generated = np.where(generated, own, 0).sum(axis=1, keepdims=True) / many
    of_real = np.where(generated, 0, own).sum(axis=1, keepdims=True) / real
    return RowMeasures(values, own - np.where(generated, of_generated, of_real), _precision_of_others(steps, values))


def _from_here(terms: Floats, first: Array | None) -> Floats:
    """Sums (R, N) of the terms from the step of each image to the lowest score."""
    sums = np.cumsum(terms[:, ::-1], axis=1)[:, ::-1]
    return sums if first is None else np.take_along_axis(sums, first, axis=1)


def _precision_of_others(steps: _Steps, values: Floats) -> Floats:
    """Mean (R,) over the generated images of the precision among the other images at or above each.

    An image with none above it counts nothing; of a single generated image the mean is that of `values`.
    """
    many = steps.hits[0, -1]
    if many < 2:
        return values
    hits = (steps.hits - 1) * (many / (many - 1))
    others = hits + steps.alarms
    counted = steps.generated & (others > 0)
    precision = np.divide(hits, others, out=np.zeros(hits.shape), where=counted)
    mean: Floats = precision.sum(axis=1) / np.count_nonzero(counted, axis=1)
    return mean
