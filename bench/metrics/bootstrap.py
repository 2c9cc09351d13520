"""Intervals of any metric of one cell, on demand, by drawing its sources again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bench.metrics.decisions import precision_of_rates
from bench.metrics.metric import Metric, ScoredImages
from bench.statistics.intervals import CONFIDENCE, random_generator
from detectors.types import Array

DRAWS = 1000


def bootstrap_interval(
    metric: Metric, images: ScoredImages, sources: Array, draws: int = DRAWS, level: float = CONFIDENCE
) -> tuple[float, float]:
    """An interval of one measure of one cell.

    Sources are drawn with replacement, as many as there are of those with real images alone, with generated ones alone
    and with both, so that no draw is without a class. The variance of a share over the draws gives it the number of
    independent images that would vary as much, and the interval is the exact one of so many (Clopper and Pearson,
    Biometrika 26, 1934; the effective number as by Korn and Graubard, Survey Methodology 24, 1998): it ends at 0 or 1
    where no draw differs from that, and is not without width. A measure without an upper bound has the interval of its
    logarithm. Few images make a calibration error, or what an oracle reaches, too large on average: by how much the
    draws are beyond the measure, an end is moved towards the other side (Efron and Tibshirani, 1993, chapter 10).

    Precision at a prevalence rests on false alarms, of which no draw has any where there are none: its ends are
    those of the shares of generated and of real images called generated, together. The interval of the negative
    log-likelihood is too narrow where few images have most of it.

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
    if metric.prevalence is not None:
        return _precision_interval(metric.prevalence, images, sources, (draws, level))
    found = np.array(list(_drawn_values(metric, images, sources, draws)))
    found = found[np.isfinite(found)]
    count = _sources_of_needed(metric, images.labels, sources)
    if found.size < 2 or count < 2:
        return metric.bounds
    variance = float(found.var(ddof=1)) * count / (count - 1)
    unbiased = float(np.clip(2 * value - found.mean(), *metric.bounds))
    interval_of = share_interval if metric.is_share else _positive_interval
    low, _ = interval_of(min(value, unbiased), variance, count, level)
    _, high = interval_of(max(value, unbiased), variance, count, level)
    return low, high


def _drawn_values(metric: Metric, images: ScoredImages, sources: Array, draws: int) -> Iterator[float]:
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


def _precision_interval(
    prevalence: float, images: ScoredImages, sources: Array, how: tuple[int, float]
) -> tuple[float, float]:
    """The interval of precision at a prevalence, from those of both rates, which are of different images.

    Its log odds are a difference of the logarithms of the rates, so that distances from it add in squares (Zou and
    Donner, Statistics in Medicine 27, 2008); without a false alarm or a hit, the farthest end of each rate counts.
    """
    hit_rate, hit_ends = _rate(1, images, sources, how)
    alarm_rate, alarm_ends = _rate(0, images, sources, how)
    ends = (hit_ends[0], alarm_ends[1]), (hit_ends[1], alarm_ends[0])
    if not hit_rate or not alarm_rate:
        low, high = (precision_of_rates(prevalence, *rates) if any(rates) else 1.0 for rates in ends)
        return low, high
    middle = np.log(hit_rate / alarm_rate)
    distances = [np.hypot(np.log(hits / hit_rate), np.log(alarms / alarm_rate)) for hits, alarms in ends]
    low, high = (precision_of_rates(prevalence, np.exp(middle + by), 1.0) for by in (-distances[0], distances[1]))
    return float(low), float(high)


def _rate(
    label: int, images: ScoredImages, sources: Array, how: tuple[int, float]
) -> tuple[float, tuple[float, float]]:
    """The share of one class called generated, with the interval of it."""
    own = images.labels == label
    part = ScoredImages(images.labels[own], images.scores[own], threshold=images.threshold)
    rate = Metric("called", lambda _labels, called: float(called.mean()), needs=(label,), reads="decisions")
    return part.measure(rate), bootstrap_interval(rate, part, np.asarray(sources)[own], *how)


def _positive_interval(value: float, variance: float, count: float, level: float) -> tuple[float, float]:
    """The interval of a mean of positive numbers, symmetric in its logarithm."""
    from scipy.special import stdtrit

    width = stdtrit(count - 1, 1 - (1 - level) / 2) * np.sqrt(variance) / value if value > 0 else 0.0
    return float(value * np.exp(-width)), float(value * np.exp(width))
