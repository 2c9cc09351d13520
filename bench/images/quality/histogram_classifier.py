"""A histogram classifier of real and generated images by one attribute, cross-validated and tested.

An image is called generated where its bin holds a larger share of the generated training images than of the real ones.
(This is naive Bayes with equal priors on one attribute; smoothing both classes alike would change no decision.) An
image whose bin holds equal shares counts as half right. Images of one source are in one fold, and those of one class of
one source count once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from bench.statistics.intervals import CONFIDENCE
from detectors.types import Array

FOLDS = 5
COMMON_SHARE = 0.02  # of the training images of a class: a value that so many have is common, with a bin of its own
COMMON_IMAGES = 5  # that a common value has at least
IMAGES_PER_BIN = 25  # training images in each bin of values that are not common
MAX_BINS = 24  # of values that are not common


@dataclass(frozen=True, slots=True)
class AttributeColumn:
    """One attribute of the images of one comparison.

    Attributes:
        codes: int64 (N,), position of each image's value among `values`.
        values: The different values.
        numbers: float64 (N,) each, as `Attribute.numbers`.
    """

    codes: Array
    values: Array
    numbers: list[Array]


@dataclass(frozen=True, slots=True)
class ComparedImages:
    """The images of one comparison. The images of one class of one source are a unit, which counts once.

    Attributes:
        labels: int64 (N,), 0 real, 1 generated.
        folds: int64 (N,), 0 to `FOLDS` - 1.
        units: int64 (N,), 0 to U - 1.
        unit_labels: int64 (U,), 0 real, 1 generated.
        unit_folds: int64 (U,), 0 to `FOLDS` - 1.
    """

    labels: Array
    folds: Array
    units: Array
    unit_labels: Array
    unit_folds: Array


def compared_images(labels: Array, sources: Array, shuffle: Array) -> ComparedImages:
    """The images with folds that keep a source together and divide the classes evenly.

    Args:
        labels: int64 (N,), 0 real, 1 generated.
        sources: int64 (N,), the source of each image.
        shuffle: uint64 (N,), a hash of the name of each image's source, by which folds are drawn.
    """
    unique, first, source_of = np.unique(sources, return_index=True, return_inverse=True)
    classes = np.zeros(unique.size, np.int64)  # of which a source has images: 1 real, 2 generated, 3 both
    np.bitwise_or.at(classes, source_of, labels + 1)
    order = np.lexsort((unique, shuffle[first], classes))
    source_folds = np.empty(unique.size, np.int64)
    source_folds[order] = np.arange(unique.size) % FOLDS  # in the order of classes, so that each is evenly divided
    folds = source_folds[source_of]
    _, first_of_unit, units = np.unique(2 * source_of + labels, return_index=True, return_inverse=True)
    return ComparedImages(labels, folds, units, labels[first_of_unit], folds[first_of_unit])


def unit_decisions(
    column: AttributeColumn, images: ComparedImages, is_training: Callable[[Array, int], Array]
) -> Array:
    """The mean decision on the images of each unit, (U,): 1 generated, 0 real, 0.5 where a bin holds equal shares.

    Args:
        column: The attribute.
        images: The images.
        is_training: Which of the folds are learned from for the decisions on one fold.
    """
    decisions = np.empty(images.labels.size)
    for fold in range(FOLDS):
        held_out, train = images.folds == fold, is_training(images.folds, fold)
        bins = _bins(column, images.labels, train)
        counts = np.bincount(2 * bins[train] + images.labels[train], minlength=2 * (bins.max() + 1))
        real, generated = counts.reshape(-1, 2).T
        signs = np.sign(generated * real.sum() - real * generated.sum())  # whole numbers: equal shares are equal
        decisions[held_out] = (1 + signs[bins[held_out]]) / 2
    means: Array = np.bincount(images.units, decisions) / np.bincount(images.units)
    return means


def _bins(column: AttributeColumn, labels: Array, train: Array) -> Array:
    """The bin of every image, int64 (N,): each common value has a bin of its own, the others share some.

    Args:
        column: The attribute.
        labels: int64 (N,), 0 real, 1 generated.
        train: bool (N,), the images that bins are learned from.
    """
    common = _common(column.codes[train], labels[train], column.values.size)
    rare = ~common[column.codes]
    rare_train = rare & train
    bins = np.clip(np.count_nonzero(rare_train) // IMAGES_PER_BIN, 1, MAX_BINS)
    bins_per_number = round(bins ** (1 / max(1, len(column.numbers))))
    shared_bin, count = np.zeros(labels.size, np.int64), 1
    for numbers in column.numbers if rare_train.any() else ():
        ends = np.quantile(numbers[rare_train], np.arange(1, bins_per_number) / bins_per_number)
        shared_bin = shared_bin * bins_per_number + np.searchsorted(ends, numbers, side="left")
        count *= bins_per_number
    own_bin = np.cumsum(common) - 1 + count
    return np.where(rare, shared_bin, own_bin[column.codes])


def _common(codes: Array, labels: Array, values: int) -> Array:
    """Which of the values are common in one class, bool (values,)."""
    common = np.zeros(values, bool)
    for label in (0, 1):
        of_class = codes[labels == label]
        common |= np.bincount(of_class, minlength=values) >= max(COMMON_IMAGES, COMMON_SHARE * of_class.size)
    return common


def p_value(decisions: Array, images: ComparedImages) -> float:
    """One-sided probability that with shuffled labels as many of the generated units are called generated.

    The labels of each fold are shuffled within it, as in the test of Cochran, Mantel and Haenszel, with its normal
    approximation and correction for continuity.
    """
    folds = np.bincount(images.unit_folds, minlength=FOLDS)
    generated = np.bincount(images.unit_folds, images.unit_labels, minlength=FOLDS)
    mean = np.bincount(images.unit_folds, decisions, minlength=FOLDS) / np.maximum(folds, 1)
    spread = np.bincount(images.unit_folds, (decisions - mean[images.unit_folds]) ** 2, minlength=FOLDS)
    variance = np.sum(generated * (folds - generated) / np.maximum(folds * (folds - 1), 1) * spread)
    excess = decisions @ images.unit_labels - generated @ mean
    if variance < 1e-9:  # the decisions of each fold are all the same
        return 1.0
    return float(norm.sf((excess - 0.5) / np.sqrt(variance)))


def accuracy_interval(accuracy: float, rates: Array, sources: Array) -> tuple[float, float]:
    """95% interval of the mean of two rates: Wilson's of each, combined as Newcombe does for a difference.

    Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17, 1998.
    """
    z2 = norm.ppf((1 + CONFIDENCE) / 2) ** 2
    centre = (rates + z2 / (2 * sources)) / (1 + z2 / sources)
    half = np.sqrt(z2 * (rates * (1 - rates) / sources + z2 / (4 * sources**2))) / (1 + z2 / sources)
    below, above = rates - (centre - half), centre + half - rates
    return float(accuracy - np.hypot(*below) / 2), float(accuracy + np.hypot(*above) / 2)
