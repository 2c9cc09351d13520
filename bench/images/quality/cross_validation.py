"""Cross-validated decisions on real and generated images by one attribute, a test and an interval of them.

Images of one source are in one fold, and those of one class of one source count once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from bench.statistics.intervals import CONFIDENCE
from detectors.types import Array

FOLDS = 5


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
    decide: Callable[[Array, Array], Array], images: ComparedImages, is_training: Callable[[Array, int], Array]
) -> Array:
    """The mean decision on the images of each unit, (U,): 1 generated, 0 real, 0.5 where neither is likelier.

    Args:
        decide: From labels, int64 (N,), and which images are learned from, bool (N,), to decisions on all, (N,).
        images: The images.
        is_training: Which of the folds are learned from for the decisions on one fold.
    """
    decisions = np.empty(images.labels.size)
    for fold in range(FOLDS):
        held_out = images.folds == fold
        decisions[held_out] = decide(images.labels, is_training(images.folds, fold))[held_out]
    means: Array = np.bincount(images.units, decisions) / np.bincount(images.units)
    return means


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
