"""Measures of the scores of one cell: accuracy and its parts at the fixed threshold, and the threshold-free measures.

An image is called generated when its score is above 0.5, as in CNNDetection (arXiv 1912.11035); a score of exactly 0.5
is called real. The threshold is never adapted to the test images.

A metric is one entry of `METRICS`, or one entry point of the group `lineup.metrics` in another package: it becomes a
column of the cells and, with a header, of the leaderboard.

Average precision and ROC AUC are computed here and not by scikit-learn, whose values the tests hold them to: it takes
some 5 to 6 ms for a cell of 200 images, 3 s for 512 cells; these take 0.1 ms.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.platform.errors import InputError
from bench.records import columns
from detectors import catalogue
from detectors.types import Array

THRESHOLD = 0.5
GROUP = "lineup.metrics"


class UnusableScores(InputError, ValueError):
    """Labels or scores that no measure can be computed from. The message says what was found."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure of one cell.

    Attributes:
        name: Of its column.
        of: The measure, from labels (N,), 0 real, 1 generated, and scores (N,) in [0, 1], N at least 1; each class that
            it needs has an image.
        header: Above its mean over all scored cells on the leaderboard, in per cent; empty to keep it off.
        needs: The classes without which it is undefined, which makes it NaN.
        ranks: Whether it depends on the order of the scores alone: it is then given log odds where the detector has
            them, which differ where probabilities are all 1.
    """

    name: str
    of: Callable[[Array, Array], float]
    header: str = ""
    needs: tuple[int, ...] = (0, 1)
    ranks: bool = False

    def __call__(self, labels: Array, scores: Array) -> float:
        """The measure of one cell; NaN where a class that it needs has no image."""
        defined = all((labels == label).any() for label in self.needs)
        return float(self.of(labels, scores)) if defined else float("nan")


def called_generated(scores: Array) -> NDArray[np.bool_]:
    """The decision for each score: True where the image is called generated."""
    called: NDArray[np.bool_] = scores > THRESHOLD
    return called


def order_of(scores: Array, log_odds: Array | None) -> Array:
    """What orders images (N,): log odds, which differ where probabilities are all 1; scores where any has none."""
    return scores if log_odds is None or np.isnan(log_odds).any() else log_odds


def check_scores(labels: Array, scores: Array) -> None:
    """Raise `UnusableScores` unless labels are 0 or 1 and scores finite in [0, 1], one each for at least one image."""
    if labels.ndim != 1 or labels.shape != scores.shape or not labels.size:
        found = f"labels of shape {labels.shape} and scores of shape {scores.shape}"
        msg = f"expected one label and one score for each of at least one image, found {found}"
        raise UnusableScores(msg)
    if not ((labels == 0) | (labels == 1)).all():
        msg = f"labels must be 0 (real) or 1 (generated), found {np.setdiff1d(labels, (0, 1))[0]}"
        raise UnusableScores(msg)
    unusable = ~((scores >= 0) & (scores <= 1))
    if unusable.any():
        first = int(np.flatnonzero(unusable)[0])
        msg = (
            f"scores must be finite and in [0, 1], found {scores[first]} at position {first} "
            f"({np.count_nonzero(unusable)} of {scores.size} are unusable): the detector must return probabilities"
        )
        raise UnusableScores(msg)


def accuracy(labels: Array, scores: Array) -> float:
    """Share of images called what they are."""
    return float((called_generated(scores) == labels).mean())


def real_accuracy(labels: Array, scores: Array) -> float:
    """Share of real images called real."""
    return accuracy(labels[labels == 0], scores[labels == 0])


def generated_accuracy(labels: Array, scores: Array) -> float:
    """Share of generated images called generated."""
    return accuracy(labels[labels == 1], scores[labels == 1])


def balanced_accuracy(labels: Array, scores: Array) -> float:
    """Mean of the accuracies of both classes."""
    return (real_accuracy(labels, scores) + generated_accuracy(labels, scores)) / 2


def average_precision(labels: Array, scores: Array) -> float:
    """Average precision for "generated": sum of precision times gain in recall, without interpolation."""
    hits, false_alarms = _hits_and_false_alarms(labels, scores)
    recall_gain = np.diff(hits, prepend=0) / hits[-1]
    return float(np.sum(recall_gain * hits / (hits + false_alarms)))


def roc_auc(labels: Array, scores: Array) -> float:
    """Probability that a generated image scores above a real one, ties counting half."""
    hits, false_alarms = _hits_and_false_alarms(labels, scores)
    area = np.trapezoid(np.append(0, hits), np.append(0, false_alarms))
    return float(area / (hits[-1] * false_alarms[-1]))


def _hits_and_false_alarms(labels: Array, scores: Array) -> tuple[Array, Array]:
    """Generated and real images, float64 (T,), called generated at each of the T thresholds that differ, from above."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), labels.size - 1)  # last position of each tied group
    hits = np.cumsum(labels[order], dtype=np.int64)[ends].astype(np.float64)
    return hits, ends + 1 - hits


METRICS = (
    Metric(columns.ACCURACY, accuracy, needs=()),
    Metric(columns.REAL_ACCURACY, real_accuracy, needs=(0,)),
    Metric(columns.GENERATED_ACCURACY, generated_accuracy, needs=(1,)),
    Metric(columns.BALANCED_ACCURACY, balanced_accuracy, "balanced"),
    Metric(columns.AP, average_precision, "AP", ranks=True),
    Metric(columns.ROC_AUC, roc_auc, "ROC AUC", ranks=True),
)


def all_metrics() -> tuple[Metric, ...]:
    """The metrics of Lineup, then those of other packages by name.

    Raises:
        UnknownName: One of another package cannot be imported.
        InputError: It is no `Metric`, or its name is that of a column.
    """
    further = []
    for name in catalogue.installed(GROUP):
        metric = catalogue.find(GROUP, "metric", name)
        if not isinstance(metric, Metric) or metric.name in {*columns.CELLS, *columns.MEASURES}:
            msg = f"metric {name!r} is {metric!r}: a metric is a bench.evaluation.metrics.Metric with a name of its own"
            raise InputError(msg)
        further.append(metric)
    return (*METRICS, *further)


def measure(
    labels: Array, scores: Array, metrics: tuple[Metric, ...] = METRICS, log_odds: Array | None = None
) -> dict[str, float]:
    """Measure one cell.

    Args:
        labels: Integers (N,), 0 real, 1 generated, N at least 1.
        scores: Floats (N,), finite, in [0, 1], the probability of "generated".
        metrics: What is measured.
        log_odds: Of the same images, floats (N,); NaN in any of them, or None, where there are none.

    Returns:
        By name of the metric; NaN where one is undefined. `columns.N` is the number of images.

    Raises:
        UnusableScores: Other labels or scores than these.
    """
    check_scores(labels, scores)
    order = order_of(scores, log_odds)
    return {
        columns.N: labels.size,
        **{metric.name: metric(labels, order if metric.ranks else scores) for metric in metrics},
    }
