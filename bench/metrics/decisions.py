"""Measures of decisions: what is right at one threshold, the native one unless a user chose another.

The threshold is never adapted to the images that are measured; what it would give is `oracle_accuracy`.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from bench.metrics.metric import Metric
from bench.records import columns
from detectors.types import Array


def accuracy(labels: Array, called: Array) -> float:
    """Share of images called what they are, of labels (N,) and bools (N,), whether each is called generated."""
    return float((called == labels).mean())


def real_accuracy(labels: Array, called: Array) -> float:
    """Share of real images called real, the true negative rate."""
    return float((~called[labels == 0]).mean())


def generated_accuracy(labels: Array, called: Array) -> float:
    """Share of generated images called generated, the true positive rate."""
    return float(called[labels == 1].mean())


def balanced_accuracy(labels: Array, called: Array) -> float:
    """Mean of the accuracies of both classes."""
    return (real_accuracy(labels, called) + generated_accuracy(labels, called)) / 2


def precision(labels: Array, called: Array) -> float:
    """Share of the images called generated that are; NaN where none is called so."""
    return float(labels[called].mean()) if called.any() else float("nan")


def f1(labels: Array, called: Array) -> float:
    """Harmonic mean of precision and recall; 0 where no generated image is called generated."""
    hits = np.count_nonzero(called & (labels == 1))
    return 2 * hits / (np.count_nonzero(called) + np.count_nonzero(labels == 1))


def precision_at(prevalence: float, labels: Array, called: Array) -> float:
    """Precision where a share `prevalence` of all images is generated; NaN where none is called generated."""
    return precision_of_rates(prevalence, generated_accuracy(labels, called), float(called[labels == 0].mean()))


def precision_of_rates(prevalence: float, hit_rate: float, alarm_rate: float) -> float:
    """Precision of a share of generated and a share of real images called generated; NaN where both are 0."""
    hits, alarms = prevalence * hit_rate, (1 - prevalence) * alarm_rate
    return hits / (hits + alarms) if hits + alarms else float("nan")


NOTHING_CALLED = "no image is called generated"
DEFAULT = (
    Metric(
        columns.ACCURACY,
        accuracy,
        needs=(),
        reads="decisions",
        about="Share of images that are called what they are.",
        formula="right decisions / images",
        source="CNNDetection, arXiv 1912.11035, for the threshold",
    ),
    Metric(
        columns.REAL_ACCURACY,
        real_accuracy,
        needs=(0,),
        reads="decisions",
        about="Share of real images that are called real.",
        formula="TNR = real images called real / real images",
        source="Yerushalmy, Public Health Reports 62, 1947",
    ),
    Metric(
        columns.GENERATED_ACCURACY,
        generated_accuracy,
        needs=(1,),
        reads="decisions",
        about="Share of generated images that are called generated.",
        formula="TPR = generated images called generated / generated images",
        source="Yerushalmy, Public Health Reports 62, 1947",
    ),
    Metric(
        columns.BALANCED_ACCURACY,
        balanced_accuracy,
        "balanced",
        reads="decisions",
        about="Mean of the accuracies on real and on generated images: 50% is guessing, whatever their numbers.",
        formula="(TPR + TNR) / 2",
        source="Brodersen et al., ICPR 2010",
    ),
)
ON_REQUEST = (
    Metric(
        "precision",
        precision,
        "precision",
        reads="decisions",
        about="Share of the images called generated that are, among as many generated images as are tested.",
        formula="generated images called generated / images called generated",
        source="van Rijsbergen, Information Retrieval, 1979",
        otherwise=NOTHING_CALLED,
    ),
    Metric(
        "recall",
        generated_accuracy,
        "recall",
        needs=(1,),
        reads="decisions",
        about="Share of generated images that are called generated: the same as generated_accuracy.",
        formula="TPR = generated images called generated / generated images",
        source="van Rijsbergen, Information Retrieval, 1979",
    ),
    Metric(
        "f1",
        f1,
        "F1",
        reads="decisions",
        about="Harmonic mean of precision and recall; it says nothing of real images that are called real.",
        formula="2 TP / (2 TP + FP + FN)",
        source="van Rijsbergen, Information Retrieval, 1979",
    ),
)


def precision_at_prevalence(prevalence: float) -> Metric:
    """Precision where generated images are rarer, or commoner, than in the test: a metric.

    Args:
        prevalence: Share of all images that are generated, between 0 and 1, both excluded.
    """
    share = f"{100 * prevalence:.12g}"
    return Metric(
        f"precision_at_prevalence_{share}pct",
        partial(precision_at, prevalence),
        f"precision at {share}%",
        reads="decisions",
        about=f"Share of the images called generated that are, where {share}% of all images are generated.",
        formula="p TPR / (p TPR + (1 - p) (1 - TNR)), p the stated prevalence",
        source="Bayes' theorem, as in Axelsson, ACM TISSEC 3, 2000",
        otherwise=NOTHING_CALLED,
        prevalence=prevalence,
    )
