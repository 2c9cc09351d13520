"""Scores after calibration, and thresholds, from labelled images that are not measured.

Temperature scaling (Guo et al., ICML 2017) divides log odds by one number and keeps the decisions at 0.5; Platt's
scaling (Advances in Large Margin Classifiers, 1999) has an offset as well and moves them. Neither changes an order, as
long as the slope is positive. A threshold is chosen where log odds, or scores, are ordered.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bench.metrics.metric import CellImages, UnusableScores, check_labels
from bench.metrics.ranking import hits_and_false_alarms
from detectors.types import Array

CalibrationMethod = Literal["temperature", "platt"]
CALIBRATION_METHODS: tuple[CalibrationMethod, ...] = ("temperature", "platt")
FLATTEST, STEEPEST = 1e-3, 1e3  # slopes; the likelihood of scores that part the classes grows with the slope for ever
ThresholdMeasure = Literal["accuracy", "balanced_accuracy"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """An increasing straight line through log odds.

    Attributes:
        slope: 1 / temperature.
        offset: 0 after temperature scaling.
    """

    slope: float
    offset: float = 0.0

    def __call__(self, log_odds: Array) -> NDArray[np.float64]:
        """Calibrated log odds, float64 (N,), of log odds (N,)."""
        return self.slope * log_odds.astype(np.float64) + self.offset

    def calibrate(self, images: CellImages) -> CellImages:
        """The same images with calibrated scores and log odds; what was stored stays as it is."""
        from scipy.special import expit

        log_odds = self(images.finite_log_odds)
        return CellImages(images.labels, expit(log_odds), log_odds, images.threshold)


def fit_calibration(method: CalibrationMethod, labels: Array, log_odds: Array) -> Calibration:
    """The line through log odds with the smallest negative log-likelihood.

    Args:
        method: "temperature" for a slope alone; "platt" for a slope and an offset, with his targets, (n + 1) / (n + 2)
            and 1 / (n + 2) for a class of n images, which keep the line finite where no image is called wrongly.
        labels: Integers (N,), 0 real, 1 generated, of both classes.
        log_odds: Finite floats (N,).

    Returns:
        A slope from `FLATTEST` to `STEEPEST`.

    Raises:
        UnusableScores: Labels of one class, or log odds that are not finite.
    """
    _check_both(labels, log_odds)
    if not np.isfinite(log_odds).all():
        msg = f"calibration needs finite log odds, found {log_odds[~np.isfinite(log_odds)][0]}"
        raise UnusableScores(msg)
    wide = log_odds.astype(np.float64)
    return _temperature(labels, wide) if method == "temperature" else _platt(labels, wide)


def _temperature(labels: Array, log_odds: NDArray[np.float64]) -> Calibration:
    """The slope where the derivative of the loss, which rises with it, is 0."""
    from scipy.optimize import brentq
    from scipy.special import expit

    def rise(slope: float) -> float:
        return float(np.mean((expit(slope * log_odds) - labels) * log_odds))

    if rise(FLATTEST) >= 0:
        return Calibration(FLATTEST)
    if rise(STEEPEST) <= 0:
        return Calibration(STEEPEST)
    return Calibration(float(brentq(rise, FLATTEST, STEEPEST, xtol=1e-12)))


def _platt(labels: Array, log_odds: NDArray[np.float64]) -> Calibration:
    """Slope and offset at the minimum of the loss against smoothed targets, a convex function of both."""
    from scipy.optimize import minimize
    from scipy.special import expit

    generated, scale = int(np.count_nonzero(labels == 1)), max(float(np.std(log_odds)), 1e-12)
    targets = np.where(labels == 1, (generated + 1) / (generated + 2), 1 / (labels.size - generated + 2))
    middle = float(np.mean(log_odds))
    unit = (log_odds - middle) / scale

    def loss(line: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        odds = line[0] * unit + line[1]
        wrong = expit(odds) - targets
        return float(np.mean(np.logaddexp(0, odds) - targets * odds)), np.array([np.mean(wrong * unit), np.mean(wrong)])

    bounds = [(FLATTEST * scale, STEEPEST * scale), (None, None)]
    options = {"ftol": 1e-15, "gtol": 1e-10, "maxiter": 500}
    slope, offset = minimize(loss, [1.0, 0.0], jac=True, method="L-BFGS-B", bounds=bounds, options=options).x
    return Calibration(float(slope / scale), float(offset - slope * middle / scale))


def chosen_threshold(labels: Array, order: Array, by: ThresholdMeasure = "balanced_accuracy") -> float:
    """The threshold with the best decisions on labelled images.

    Args:
        labels: Integers (N,), 0 real, 1 generated, of both classes.
        order: Finite floats (N,), scores or log odds; what is above the threshold is called generated.
        by: What is best.

    Returns:
        Halfway between the neighbouring values that it parts; that of several that are as good which has as many errors
        in either class, as nearly as can be, and then the lowest. Where calling all images alike is best, the largest
        value, or the one next below the smallest.

    Raises:
        UnusableScores: Labels of one class, or values that are not finite.
    """
    _check_both(labels, order)
    if not np.isfinite(order).all():
        msg = "a threshold needs finite scores"
        raise UnusableScores(msg)
    hits, alarms = (np.append(0.0, counts) for counts in hits_and_false_alarms(labels, order))
    misses = hits[-1] - hits
    weights = (hits[-1], alarms[-1]) if by == "balanced_accuracy" else (1.0, 1.0)
    # in whole numbers: rates that are equal may differ in their last bits
    errors = misses * weights[1] + alarms * weights[0]
    imbalance = np.abs(misses * weights[1] - alarms * weights[0])
    best = int(np.lexsort((-np.arange(errors.size), imbalance, errors))[0])
    values = np.unique(order.astype(np.float64))[::-1]
    if best == 0:
        return float(values[0])
    if best == values.size:
        return float(np.nextafter(values[-1], -np.inf))
    return _between(float(values[best]), float(values[best - 1]))


def _between(low: float, high: float) -> float:
    """Halfway between two floats, at least the lower and below the higher one, however near they are."""
    middle = low + (high - low) / 2
    return middle if middle < high else low


def _check_both(labels: Array, values: Array) -> None:
    """Raise `UnusableScores` unless there are images of both classes."""
    check_labels(labels, values)
    generated = int(np.count_nonzero(labels == 1))
    if generated in {0, labels.size}:
        msg = f"expected real and generated images, found {labels.size - generated} real and {generated} generated"
        raise UnusableScores(msg)
