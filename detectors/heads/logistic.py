"""The logistic function and its inverse, as SciPy computes them; SciPy is imported when one is first called."""

from __future__ import annotations

from typing import Any

from detectors.types import Array


def expit(log_odds: Any) -> Array:  # noqa: ANN401 - numbers or arrays of them
    """Probabilities of log odds, of the same shape and dtype."""
    from scipy.special import expit as logistic

    probabilities: Array = logistic(log_odds)
    return probabilities
