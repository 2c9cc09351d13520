"""Measures of the order of the scores: no threshold, or one that only the labels tell.

All are taken where scores differ: images of one score are called alike, so no threshold parts them. Average precision
and ROC AUC are computed here and not by scikit-learn, whose values the tests hold them to: it takes some 5 to 6 ms for
a cell of 200 images, 3 s for 512 cells; these take 0.1 ms.
"""

from __future__ import annotations

from functools import partial
from math import ceil, floor

import numpy as np

from bench.metrics.bootstrap import bootstrap_interval
from bench.metrics.metric import CellImages, Metric
from bench.records import columns
from detectors.types import Array

SLACK = 1e-9  # a product of a rate and a number of images that is whole may differ from it in its last bits


def hits_and_false_alarms(labels: Array, order: Array) -> tuple[Array, Array]:
    """Generated and real images, float64 (T,), called generated at each of the T thresholds that differ, from above."""
    positions = np.argsort(-order, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(order[positions])), labels.size - 1)  # last position of each tied group
    hits = np.cumsum(labels[positions], dtype=np.int64)[ends].astype(np.float64)
    return hits, ends + 1 - hits


def average_precision(labels: Array, order: Array) -> float:
    """Average precision for "generated": sum of precision times gain in recall, without interpolation."""
    hits, false_alarms = hits_and_false_alarms(labels, order)
    recall_gain = np.diff(hits, prepend=0) / hits[-1]
    return float(np.sum(recall_gain * hits / (hits + false_alarms)))


def roc_auc(labels: Array, order: Array) -> float:
    """Probability that a generated image scores above a real one, ties counting half."""
    hits, false_alarms = hits_and_false_alarms(labels, order)
    area = np.trapezoid(np.append(0, hits), np.append(0, false_alarms))
    return float(area / (hits[-1] * false_alarms[-1]))


def hit_rate_at(rate: float, labels: Array, order: Array) -> float:
    """The largest true positive rate of a threshold whose false positive rate is at most `rate`."""
    hits, false_alarms = hits_and_false_alarms(labels, order)
    allowed = np.count_nonzero(false_alarms <= floor(rate * false_alarms[-1] + SLACK))
    return float(hits[allowed - 1] / hits[-1]) if allowed else 0.0


def hit_rate_interval(rate: float, images: CellImages, sources: Array, draws: int, level: float) -> tuple[float, float]:
    """The interval of a true positive rate at a stated false positive rate.

    Which threshold has that rate is known from few real images. At the true one as many of them are false alarms as
    a binomial law of that rate gives, so the ends are those of the rates at its quantiles, whatever the scores are.

    Args:
        rate: The largest false positive rate.
        images: The scores of one detector.
        sources: Strings (N,), the source of each image; real ones of one source count once.
        draws: Of the sources.
        level: Of confidence.
    """
    from scipy.special import bdtr

    if np.isnan(images.measure(tpr_at_fpr(rate))):
        return float("nan"), float("nan")
    count, tail = len(set(sources[images.labels == 0])), (1 - level) / 2
    below = bdtr(np.arange(count + 1), count, rate)  # probabilities of at most so many
    few, many = (int(np.searchsorted(below, at)) / count for at in (tail, 1 - tail))
    low, _ = bootstrap_interval(_hit_rate(few), images, sources, draws, level)
    _, high = bootstrap_interval(_hit_rate(many), images, sources, draws, level)
    return low, high


def _hit_rate(rate: float) -> Metric:
    return Metric("hits", partial(hit_rate_at, rate), needs=(1,), reads="order")


def equal_error_rate(labels: Array, order: Array) -> float:
    """Where the ROC curve, straight between the thresholds that differ, has as many misses as false alarms."""
    hits, false_alarms = hits_and_false_alarms(labels, order)
    alarm_rates = np.append(0, false_alarms / false_alarms[-1])
    excess = alarm_rates - np.append(1, 1 - hits / hits[-1])  # from -1 to 1, never falling
    above = int(np.argmax(excess >= 0))
    step = excess[above] - excess[above - 1]
    share = excess[above] / step
    return float(share * alarm_rates[above - 1] + (1 - share) * alarm_rates[above])


def oracle_accuracy(labels: Array, order: Array) -> float:
    """The largest accuracy of any threshold."""
    hits, false_alarms = hits_and_false_alarms(labels, order)
    gains = np.append(0, hits - false_alarms)  # right decisions beyond calling all images real
    return float((gains.max() + false_alarms[-1]) / labels.size)


def balanced_oracle_accuracy(labels: Array, order: Array) -> float:
    """The largest balanced accuracy of any threshold."""
    hits, false_alarms = hits_and_false_alarms(labels, order)
    gains = np.append(0, hits / hits[-1] - false_alarms / false_alarms[-1])
    return float((1 + gains.max()) / 2)


DEFAULT = (
    Metric(
        columns.AP,
        average_precision,
        "AP",
        reads="order",
        about="Average precision for generated images; guessing gives their share among the test images, not 50%.",
        formula="sum over thresholds of (recall gained) x precision, without interpolation",
        source="Salton and McGill, Introduction to Modern Information Retrieval, 1983",
    ),
    Metric(
        columns.ROC_AUC,
        roc_auc,
        "ROC AUC",
        reads="order",
        about="Probability that a generated image scores above a real one: 50% is guessing.",
        formula="(pairs in order + tied pairs / 2) / pairs of a generated and a real image",
        source="Hanley and McNeil, Radiology 143, 1982",
    ),
)
ON_REQUEST = (
    Metric(
        "eer",
        equal_error_rate,
        "EER",
        reads="order",
        about="Error rate at the threshold where real and generated images are mistaken equally often.",
        formula="FPR = 1 - TPR on the ROC curve, linear between thresholds that differ",
        source="NIST speaker recognition evaluations; Martin et al., Eurospeech 1997",
        higher_is_better=False,
    ),
    Metric(
        "oracle_accuracy",
        oracle_accuracy,
        "oracle accuracy",
        needs=(),
        reads="order",
        about="Accuracy at the best threshold for these test images, chosen with their labels: no user has them.",
        formula="largest accuracy over all thresholds; equal scores are called alike",
        uses_answers=True,
    ),
    Metric(
        "oracle_balanced_accuracy",
        balanced_oracle_accuracy,
        "oracle balanced",
        reads="order",
        about="Balanced accuracy at the best threshold for these test images, chosen with their labels.",
        formula="largest (TPR + TNR) / 2 over all thresholds; equal scores are called alike",
        source="Youden, Cancer 3, 1950",
        uses_answers=True,
    ),
)


def tpr_at_fpr(rate: float) -> Metric:
    """The share of generated images found with few false alarms: a metric.

    Args:
        rate: The largest false positive rate, above 0, at most 1. Fewer real images than 1 / rate cannot show it.
    """
    share = f"{100 * rate:.12g}"
    return Metric(
        f"tpr_at_fpr_{share}pct",
        partial(hit_rate_at, rate),
        f"TPR at {share}% FPR",
        reads="order",
        about=f"Share of generated images found at a threshold that at most {share}% of the real test images pass.",
        formula="largest TPR over all thresholds with FPR <= the stated rate; equal scores are called alike",
        source="as asked by Carlini et al., IEEE S&P 2022, of membership inference",
        least_real=ceil(1 / rate - SLACK),
        interval=partial(hit_rate_interval, rate),
    )
