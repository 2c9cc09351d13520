"""What the scores of one cell say: accuracy and its parts at the fixed threshold, and the threshold-free measures.

An image is called generated when its score is above 0.5, as in CNNDetection (arXiv 1912.11035); a score of exactly 0.5
is called real. The threshold is never adapted to the test images.

Average precision and ROC AUC are computed here and not by scikit-learn, whose values the tests hold them to: it takes
some 5 to 6 ms for a cell of 200 images, 3 s for 512 cells; these take 0.1 ms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.types import Array

THRESHOLD = 0.5


class UnusableScores(ValueError):
    """Labels or scores that no measure can be computed from. The message says what was found."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """The measures of one cell, all in [0, 1].

    A measure is NaN where it is undefined: the accuracy of a class that has no image, and whatever needs both classes
    (balanced accuracy, average precision, ROC AUC) where one is absent.

    Attributes:
        n: Number of images, at least 1.
        accuracy: Share of images called what they are.
        real_accuracy: Share of real images called real.
        generated_accuracy: Share of generated images called generated.
        balanced_accuracy: Mean of the two class accuracies.
        ap: Average precision for "generated": sum of precision times gain in recall, without interpolation.
        roc_auc: Probability that a generated image scores above a real one, ties counting half.
    """

    n: int
    accuracy: float
    real_accuracy: float
    generated_accuracy: float
    balanced_accuracy: float
    ap: float
    roc_auc: float


def called_generated(scores: Array) -> NDArray[np.bool_]:
    """The decision for each score: True where the image is called generated."""
    called: NDArray[np.bool_] = scores > THRESHOLD
    return called


def check(labels: Array, scores: Array) -> None:
    """Raise `UnusableScores` unless labels are 0 or 1 and scores finite in [0, 1], one each for at least one image."""
    if labels.ndim != 1 or labels.shape != scores.shape or not labels.size:
        found = f"labels of shape {labels.shape} and scores of shape {scores.shape}"
        msg = f"expected one label and one score for each of at least one image, found {found}"
        raise UnusableScores(msg)
    if not np.isin(labels, (0, 1)).all():
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


def _threshold_free(labels: Array, scores: Array) -> tuple[float, float]:
    """Average precision and ROC AUC of at least one image of each class."""
    order = np.argsort(-scores, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(scores[order])), labels.size - 1)  # last position of each tied group
    hits = np.cumsum(labels[order])[ends].astype(np.float64)
    false_alarms = ends + 1 - hits
    recall_gain = np.diff(hits, prepend=0) / hits[-1]
    ap = float(np.sum(recall_gain * hits / (ends + 1)))
    auc = np.trapezoid(np.append(0, hits), np.append(0, false_alarms)) / (hits[-1] * false_alarms[-1])
    return ap, float(auc)


def measure(labels: Array, scores: Array) -> Metrics:
    """Measure one cell.

    Args:
        labels: Integers (N,), 0 real, 1 generated, N at least 1.
        scores: Floats (N,), finite, in [0, 1], the probability of "generated".

    Raises:
        UnusableScores: Other labels or scores than these.
    """
    check(labels, scores)
    correct = called_generated(scores) == labels
    real, generated = correct[labels == 0], correct[labels == 1]
    real_accuracy = float(real.mean()) if real.size else float("nan")
    generated_accuracy = float(generated.mean()) if generated.size else float("nan")
    ap, roc_auc = _threshold_free(labels, scores) if real.size and generated.size else (float("nan"), float("nan"))
    return Metrics(
        n=int(labels.size),
        accuracy=float(correct.mean()),
        real_accuracy=real_accuracy,
        generated_accuracy=generated_accuracy,
        balanced_accuracy=(real_accuracy + generated_accuracy) / 2,
        ap=ap,
        roc_auc=roc_auc,
    )
