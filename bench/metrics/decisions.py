"""Measures of decisions: what is right at one threshold, the native one unless a user chose another.

The threshold is never adapted to the images that are measured; what it would give is `oracle_accuracy`.
"""

from __future__ import annotations

from functools import partial

import numpy as np

from bench.metrics.bootstrap import bootstrap_interval
from bench.metrics.metric import CellImages, Metric
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


def precision_interval(
    prevalence: float | None, images: CellImages, sources: Array, draws: int, level: float
) -> tuple[float, float]:
    """The interval of precision, from those of both rates, which are of different images.

    Its log odds are a difference of the logarithms of the rates, so that distances from it add in squares (Zou and
    Donner, Statistics in Medicine 27, 2008). Without a false alarm or a hit the farthest end of each rate counts: no
    false alarm in a few images is no certainty.

    Args:
        prevalence: The share of generated images that it is stated for; None for that of these images.
        images: The scores of one detector.
        sources: Strings (N,), the source of each image.
        draws: Of the sources.
        level: Of confidence.
    """
    share = float(np.mean(images.labels == 1)) if prevalence is None else prevalence
    (hit_rate, hit_ends), (alarm_rate, alarm_ends) = (
        _called_with_interval(label, images, sources, draws, level) for label in (1, 0)
    )
    ends = (hit_ends[0], alarm_ends[1]), (hit_ends[1], alarm_ends[0])
    if not hit_rate or not alarm_rate:
        low, high = (precision_of_rates(share, *rates) if any(rates) else 1.0 for rates in ends)
        return low, high
    middle = np.log(hit_rate / alarm_rate)
    with np.errstate(divide="ignore"):  # an end of 0 is as far away as can be
        distances = [np.hypot(np.log(hits / hit_rate), np.log(alarms / alarm_rate)) for hits, alarms in ends]
    low, high = (precision_of_rates(share, 1.0, np.exp(-middle - by)) for by in (-distances[0], distances[1]))
    return float(low), float(high)


def _called_with_interval(
    label: int, images: CellImages, sources: Array, draws: int, level: float
) -> tuple[float, tuple[float, float]]:
    """The share of one class that is called generated, with its interval."""
    own = images.labels == label
    part = CellImages(images.labels[own], images.scores[own], called=images.decisions[own])
    rate = Metric("called", lambda _labels, called: float(called.mean()), needs=(label,), reads="decisions")
    return part.measure(rate), bootstrap_interval(rate, part, np.asarray(sources)[own], draws, level)


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
        interval=partial(precision_interval, None),
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
        interval=partial(precision_interval, prevalence),
    )
