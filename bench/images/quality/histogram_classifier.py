"""A histogram classifier of real and generated images by one attribute.

An image is called generated where its bin holds a larger share of the generated training images than of the real ones.
(This is naive Bayes with equal priors on one attribute; smoothing both classes alike would change no decision.) An
image whose bin holds equal shares counts as half right.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from detectors.types import Array

COMMON_SHARE = 0.02  # of the training images of a class: a value that so many have is common, with a bin of its own
COMMON_IMAGES = 5  # that a common value has at least
IMAGES_PER_BIN = 25  # training images in each bin of values that are not common
MAX_BINS = 24  # of values that are not common


def histogram_decisions(codes: Array, numbers: Sequence[Array], labels: Array, train: Array) -> Array:
    """Decisions on all images, (N,): 1 generated, 0 real, 0.5 where a bin holds equal shares of both.

    Args:
        codes: int64 (N,), the value of each image, from 0.
        numbers: float64 (N,) each, by which values that are not common are divided into bins.
        labels: int64 (N,), 0 real, 1 generated.
        train: bool (N,), the images that are learned from.
    """
    bins = _bins(codes, numbers, labels, train)
    counts = np.bincount(2 * bins[train] + labels[train], minlength=2 * (bins.max() + 1))
    real, generated = counts.reshape(-1, 2).T
    signs = np.sign(generated * real.sum() - real * generated.sum())  # whole numbers: equal shares are equal
    decisions: Array = (1 + signs[bins]) / 2
    return decisions


def _bins(codes: Array, all_numbers: Sequence[Array], labels: Array, train: Array) -> Array:
    """The bin of every image, int64 (N,): each common value has a bin of its own, the others share some."""
    common = _common(codes[train], labels[train], codes.max() + 1)
    rare = ~common[codes]
    rare_train = rare & train
    bins = np.clip(np.count_nonzero(rare_train) // IMAGES_PER_BIN, 1, MAX_BINS)
    bins_per_number = round(bins ** (1 / max(1, len(all_numbers))))
    shared_bin, count = np.zeros(labels.size, np.int64), 1
    for numbers in all_numbers if rare_train.any() else ():
        ends = np.quantile(numbers[rare_train], np.arange(1, bins_per_number) / bins_per_number)
        shared_bin = shared_bin * bins_per_number + np.searchsorted(ends, numbers, side="left")
        count *= bins_per_number
    own_bin = np.cumsum(common) - 1 + count
    return np.where(rare, shared_bin, own_bin[codes])


def _common(codes: Array, labels: Array, values: int) -> Array:
    """Which of the values are common in one class, bool (values,)."""
    common = np.zeros(values, bool)
    for label in (0, 1):
        of_class = codes[labels == label]
        common |= np.bincount(of_class, minlength=values) >= max(COMMON_IMAGES, COMMON_SHARE * of_class.size)
    return common
