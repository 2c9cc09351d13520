"""Intervals of any metric of one cell, on demand, by drawing its sources again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.metrics.metric import CellImages, Metric
from bench.statistics.intervals import CONFIDENCE, random_generator
from detectors.types import Array

DRAWS = 1000


def bootstrap_interval(
    metric: Metric, images: CellImages, sources: Array, draws: int = DRAWS, level: float = CONFIDENCE
) -> tuple[float, float]:
    """An interval of one measure of one cell.

    Sources are drawn with replacement, as many as there are of those with real images alone, with generated ones alone
    and with both, so that no draw is without a class. The variance of a share over the draws gives it the number of
    independent images that would vary as much, and the interval is the exact one of so many (Clopper and Pearson,
    Biometrika 26, 1934; the effective number as by Korn and Graubard, Survey Methodology 24, 1998): it ends at 0 or 1
    where no draw differs from that, and is not without width. A measure without an upper bound has the interval of its
    logarithm. Few images make a calibration error, or what an oracle reaches, too large on average: by how much the
    draws are beyond the measure, an end is moved towards the other side (Efron and Tibshirani, 1993, chapter 10).

    Where that is not enough, the entry of the metric has an interval of its own. That of the negative log-likelihood is
    too narrow where few images have most of it.

    Args:
        metric: Any.
        images: The scores of one detector.
        sources: Strings (N,), the source of each image; the result follows from their set, not from their order.
        draws: Number of draws.
        level: Of confidence.

    Returns:
        Both ends, within the bounds of the metric; NaN where the measure is.
    """
    value = images.measure(metric)
    if np.isnan(value):
        return value, value
    if metric.interval is not None:
        return metric.interval(images, sources, draws, level)
    found = np.array(list(_drawn_values(metric, images, sources, draws)))
    found = found[np.isfinite(found)]
    count = _sources_of_needed(metric, images.labels, sources)
    if found.size < 2 or count < 2:
        return metric.bounds
    variance = float(found.var(ddof=1)) * count / (count - 1)
    unbiased = float(np.clip(2 * value - found.mean(), *metric.bounds))
    interval_of = share_interval if metric.is_share else _positive_interval
    # a mean of scores may vary by far less than a share of images does
    most = count**2 if metric.reads == "scores" else count
    low, _ = interval_of(min(value, unbiased), variance, most, level)
    _, high = interval_of(max(value, unbiased), variance, most, level)
    return low, high


def _drawn_values(metric: Metric, images: CellImages, sources: Array, draws: int) -> Iterator[float]:
    """The measure in each draw of the sources."""
    names, codes = np.unique(np.asarray(sources, dtype=str), return_inverse=True)
    has = np.stack([np.bincount(codes[images.labels == label], minlength=names.size) > 0 for label in (0, 1)])
    strata = [np.flatnonzero((has[0] == real) & (has[1] == generated)) for real, generated in ((1, 0), (0, 1), (1, 1))]
    values = images.read(metric.reads)
    random, rows = random_generator([metric.name, *names]), np.arange(codes.size)
    for _ in range(draws):
        times = np.zeros(names.size, np.int64)
        for stratum in strata:
            if stratum.size:
                times += np.bincount(random.choice(stratum, stratum.size), minlength=names.size)
        drawn = np.repeat(rows, times[codes])
        yield metric(images.labels[drawn], values[drawn])


def _sources_of_needed(metric: Metric, labels: Array, sources: Array) -> float:
    """The independent images that a share of both classes has at most: for one class, or none, its sources."""
    counts = [len(set(sources[labels == label])) for label in metric.needs]
    if not counts:
        return float(len(set(sources)))
    return float(4 / sum(1 / count for count in counts)) if len(counts) > 1 else float(counts[0])


def share_interval(value: float, variance: float, count: float, level: float = CONFIDENCE) -> tuple[float, float]:
    """The interval of a share in [0, 1] that varies as one of independent images.

    Args:
        value: The share.
        variance: Of it.
        count: Independent images, which those that its variance stands for do not exceed.
        level: Of confidence.
    """
    from scipy.special import betaincinv  # SciPy, which what asks for no interval spares

    spread = value * (1 - value)
    size = min(spread / variance, count) if variance > 0 and spread > 0 else count
    tail, hits = (1 - level) / 2, value * size
    low = float(betaincinv(hits, size - hits + 1, tail)) if value > 0 else 0.0
    high = float(betaincinv(hits + 1, size - hits, 1 - tail)) if value < 1 else 1.0
    return low, high


def _positive_interval(value: float, variance: float, count: float, level: float) -> tuple[float, float]:
    """The interval of a mean of positive numbers, symmetric in its logarithm."""
    from scipy.special import stdtrit

    width = stdtrit(count - 1, 1 - (1 - level) / 2) * np.sqrt(variance) / value if value > 0 else 0.0
    return float(value * np.exp(-width)), float(value * np.exp(width))
