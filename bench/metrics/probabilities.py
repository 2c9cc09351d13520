"""Measures of scores as probabilities: whether they say how sure a detector may be."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.metrics.bootstrap import bootstrap_interval
from bench.metrics.metric import CLIP, CellImages, Metric
from bench.statistics.intervals import random_generator
from detectors.types import Array

BINS = 15


@dataclass(frozen=True)
class ReliabilityTable:
    """Scores in bins of equal width beside what the images in them are.

    A bin has the scores from its lower edge on and below its upper edge; the last one has 1 as well.

    Attributes:
        edges: Float64 (B + 1,), from 0 to 1.
        counts: Images of each bin, int64 (B,).
        scores: Mean score of each, float64 (B,); NaN where it has no image.
        generated: Share of generated images of each, float64 (B,); NaN where it has no image.
    """

    edges: NDArray[np.float64]
    counts: NDArray[np.int64]
    scores: NDArray[np.float64]
    generated: NDArray[np.float64]

    @property
    def calibration_error(self) -> float:
        """Mean distance of score and share of generated images over the bins, weighted by their images."""
        gaps = np.abs(self.scores - self.generated)
        return float(np.sum(self.counts * np.nan_to_num(gaps)) / self.counts.sum())


def reliability_table(labels: Array, scores: Array, bins: int = BINS) -> ReliabilityTable:
    """How often images of each score are generated.

    Args:
        labels: Integers (N,), 0 real, 1 generated, N at least 1.
        scores: Float64 (N,) in [0, 1], the probability of "generated".
        bins: Number of bins of equal width.
    """
    edges = np.arange(bins + 1) / bins
    places = np.minimum(np.searchsorted(edges, scores, side="right") - 1, bins - 1)
    counts = np.bincount(places, minlength=bins)
    with np.errstate(invalid="ignore"):
        means, shares = (np.bincount(places, values, bins) / counts for values in (scores, labels))
    return ReliabilityTable(edges, counts, means, shares)


def expected_calibration_error(labels: Array, scores: Array) -> float:
    """The calibration error of the probability of "generated" in `BINS` bins."""
    return reliability_table(labels, scores).calibration_error


def calibration_error_interval(images: CellImages, sources: Array, draws: int, level: float) -> tuple[float, float]:
    """The interval of the calibration error, whose lower end allows for what chance adds to it.

    Distances in bins are never negative, so that few images show an error where there is none. What a calibrated
    detector with these scores shows on average is taken off in squares, as noise adds to a distance.

    Args:
        images: The scores of one detector.
        sources: Strings (N,), the source of each image; the images of one are drawn together.
        draws: Of the sources.
        level: Of confidence.
    """
    plain = Metric("ece", expected_calibration_error, needs=())
    low, high = bootstrap_interval(plain, images, sources, draws, level)
    value, scores = images.measure(plain), images.probabilities
    names, codes = np.unique(np.asarray(sources, dtype=str), return_inverse=True)
    random = random_generator(["calibrated", *names])
    chances = (random.random(names.size)[codes] for _ in range(draws))
    shown = [expected_calibration_error((chance < scores).astype(np.int64), scores) for chance in chances]
    added = value - math.sqrt(max(0.0, value**2 - float(np.mean(shown)) ** 2))
    return max(0.0, low - added), high


def brier_score(labels: Array, scores: Array) -> float:
    """Mean squared difference of score and label."""
    return float(np.mean((scores - labels) ** 2))


def negative_log_likelihood(labels: Array, log_odds: Array) -> float:
    """Mean of -log of the probability of what each image is, in nats, from log odds: nothing is rounded to 0 or 1."""
    return float(np.logaddexp(0, np.where(labels == 1, -log_odds, log_odds)).mean())


ON_REQUEST = (
    Metric(
        "ece",
        expected_calibration_error,
        "ECE",
        needs=(),
        about="How far the probability of being generated is from how often that is so, in the mean over bins of it.",
        formula=f"sum over {BINS} bins of (images in it / images) |mean score - share generated|; bins of equal width, "
        "closed on the left, the last on both sides",
        source="Naeini et al., AAAI 2015; of the probability of the positive class",
        higher_is_better=False,
        interval=calibration_error_interval,
    ),
    Metric(
        "brier",
        brier_score,
        "Brier",
        needs=(),
        about="Mean squared error of the probability of being generated: 25% where all are said to be 50%.",
        formula="mean of (score - label)^2",
        source="Brier, Monthly Weather Review 78, 1950",
        higher_is_better=False,
    ),
    Metric(
        "nll",
        negative_log_likelihood,
        "NLL",
        needs=(),
        reads="log odds",
        about="Mean surprise at what an image is, in nats: 0.693 where all get 50%; confident mistakes cost.",
        formula="mean of log(1 + exp(-z)) for generated and log(1 + exp(z)) for real images, z the log odds, or those "
        f"of the score where a detector has none, kept {CLIP:.3g} from 0 and 1 (36.04 nats at most)",
        source="Good, Journal of the Royal Statistical Society B 14, 1952",
        bounds=(0.0, float("inf")),
        higher_is_better=False,
    ),
)
