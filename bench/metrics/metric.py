"""What a metric is, and what it is given: labels, and decisions, scores, their order or log odds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.platform.errors import InputError
from detectors.types import Array

THRESHOLD = 0.5  # the native one, as in CNNDetection (arXiv 1912.11035)
# Probabilities are kept this far from 0 and 1 where their log odds are needed: the epsilon of float64, as scikit-learn
# does, so that a confident mistake costs 36.04 nats whatever the type of the scores was.
CLIP = float(np.finfo(np.float64).eps)
Reads = Literal["decisions", "scores", "order", "log odds"]
CLASS_NAMES = ("real", "generated")


class UnusableScores(InputError, ValueError):
    """Labels or scores that no measure can be computed from. The message says what was found."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A measure of one cell.

    Attributes:
        name: Of its column.
        of: The measure, from labels (N,), 0 real, 1 generated, and what it reads (N,), N at least 1; each class that it
            needs has an image. NaN where it has no value for these.
        header: Above its mean over all scored cells on the leaderboard, in per cent; empty to keep it off.
        needs: The classes without which it is undefined, which makes it NaN.
        reads: What it is given beside labels: bools, whether each image is called generated at the threshold; scores,
            float64 in [0, 1]; what orders the images, float64, log odds where the detector has them, which differ where
            probabilities are all 1; or log odds, float64, those of clipped probabilities where the detector has none.
        about: What it says, in one plain line.
        formula: Its definition.
        source: Where it is from, or that it is Lineup's own.
        least_real: Real images without which it cannot be told from others, which makes it NaN.
        otherwise: Why it may be NaN for other reasons; empty where it never is.
        bounds: Its smallest and its largest value.
        higher_is_better: Whether a larger value is that of a better detector.
        interval: Its interval, from scores, sources (N,), a number of draws and a level of confidence, where drawing
            sources again is not enough; None where it is.
        uses_answers: Whether it is chosen with the labels that it is measured on, which no detector has in use.
    """

    name: str
    of: Callable[[Array, Array], float]
    header: str = ""
    needs: tuple[int, ...] = (0, 1)
    reads: Reads = "scores"
    about: str = ""
    formula: str = ""
    source: str = "Lineup"
    least_real: int = 0
    otherwise: str = ""
    bounds: tuple[float, float] = (0.0, 1.0)
    higher_is_better: bool = True
    interval: Callable[[CellImages, Array, int, float], tuple[float, float]] | None = None
    uses_answers: bool = False

    @property
    def ranks(self) -> bool:
        """Whether it depends on the order of the scores alone: an increasing transformation does not change it."""
        return self.reads == "order"

    @property
    def is_share(self) -> bool:
        """Whether it lies in [0, 1], as a proportion does."""
        return self.bounds == (0.0, 1.0)

    def __call__(self, labels: Array, values: Array) -> float:
        """The measure of one cell, NaN where it is undefined; `values` are what it reads."""
        return float("nan") if self.gap(labels) else float(self.of(labels, values))

    def gap(self, labels: Array) -> str:
        """Why it is not measurable on images of these labels, integers (N,); empty where it is."""
        for label in self.needs:
            if not (labels == label).any():
                return f"no {CLASS_NAMES[label]} image"
        if self.least_real and (count := int(np.count_nonzero(labels == 0))) < self.least_real:
            return f"not measurable on {count} real images, from {self.least_real} on"
        return ""

    def reason(self, labels: Array, value: float) -> str:
        """Why a value of it on images of these labels is NaN; empty where it is a number."""
        return (self.gap(labels) or self.otherwise) if np.isnan(value) else ""


@dataclass(frozen=True)
class CellImages:
    """The scores of one detector on the images of one cell, as metrics read them.

    Attributes:
        labels: Integers (N,), 0 real, 1 generated, N at least 1.
        scores: Floats (N,), finite, in [0, 1], the probability of "generated".
        log_odds: Of the same images, floats (N,); None where the detector has none, or NaN in any of them.
        threshold: An image with a score above it is called generated.
    """

    labels: Array
    scores: Array
    log_odds: Array | None = None
    threshold: float = THRESHOLD

    def read(self, what: Reads) -> Array:
        """What a metric reads, (N,)."""
        arrays: dict[Reads, Callable[[], Array]] = {
            "decisions": lambda: self.decisions,
            "scores": lambda: self.probabilities,
            "order": lambda: self.order,
            "log odds": lambda: self.finite_log_odds,
        }
        return arrays[what]()

    def measure(self, metric: Metric) -> float:
        """One measure of them; NaN where it is undefined."""
        return metric(self.labels, self.read(metric.reads))

    @cached_property
    def decisions(self) -> NDArray[np.bool_]:
        """Whether each image is called generated at the threshold."""
        return called_generated(self.scores, self.threshold)

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """The scores in float64."""
        return self.scores.astype(np.float64)

    @cached_property
    def order(self) -> NDArray[np.float64]:
        """What orders the images, float64."""
        return order_of(self.scores, self.log_odds).astype(np.float64)

    @cached_property
    def finite_log_odds(self) -> NDArray[np.float64]:
        """Their log odds, float64; those of probabilities clipped by `CLIP` where the detector has none."""
        if self.log_odds is None or np.isnan(self.log_odds).any():
            return log_odds_of_probabilities(self.scores)
        return self.log_odds.astype(np.float64)


def log_odds_of_probabilities(scores: Array) -> NDArray[np.float64]:
    """Log odds, float64 (N,), of probabilities (N,) in [0, 1], which are kept `CLIP` from 0 and 1."""
    clipped = np.clip(scores.astype(np.float64), CLIP, 1 - CLIP)
    odds: NDArray[np.float64] = np.log(clipped) - np.log1p(-clipped)
    return odds


def called_generated(scores: Array, threshold: float = THRESHOLD) -> NDArray[np.bool_]:
    """The decision for each score: True where it is above the threshold; a score of exactly that is called real."""
    called: NDArray[np.bool_] = scores > threshold
    return called


def order_of(scores: Array, log_odds: Array | None) -> Array:
    """What orders images (N,): log odds, which differ where probabilities are all 1; scores where any has none."""
    return scores if log_odds is None or np.isnan(log_odds).any() else log_odds


def check_scores(labels: Array, scores: Array) -> None:
    """Raise `UnusableScores` unless labels are 0 or 1 and scores finite in [0, 1], one each for at least one image."""
    check_labels(labels, scores)
    unusable = ~((scores >= 0) & (scores <= 1))
    if unusable.any():
        first = int(np.flatnonzero(unusable)[0])
        msg = (
            f"scores must be finite and in [0, 1], found {scores[first]} at position {first} "
            f"({np.count_nonzero(unusable)} of {scores.size} are unusable): the detector must return probabilities"
        )
        raise UnusableScores(msg)


def check_labels(labels: Array, values: Array) -> None:
    """Raise `UnusableScores` unless labels are 0 or 1, one for each value of at least one image."""
    if labels.ndim != 1 or labels.shape != values.shape or not labels.size:
        found = f"labels of shape {labels.shape} and scores of shape {values.shape}"
        msg = f"expected one label and one score for each of at least one image, found {found}"
        raise UnusableScores(msg)
    if not ((labels == 0) | (labels == 1)).all():
        msg = f"labels must be 0 (real) or 1 (generated), found {np.setdiff1d(labels, (0, 1))[0]}"
        raise UnusableScores(msg)
