"""Numbers of charts as text."""

from __future__ import annotations

import math

MISSING = "-"


def percent_text(share: float) -> str:
    """A share in [0, 1] in percent without decimals, but with one where it would seem faultless, or faultlessly wrong.

    So 0.995 is "99.5" and 0.9999 is ">99.9": 100 is said of nothing but 1.
    """
    if math.isnan(share):
        return MISSING
    whole = _rounded(share)
    if 0 < whole < 100 or share in {0.0, 1.0}:
        return str(whole)
    if whole == 0:
        return "<0.1" if share < 0.0005 else f"{100 * share:.1f}"
    return ">99.9" if share >= 0.9995 else f"{100 * share:.1f}"


def share_text(share: float) -> str:
    """A share in [0, 1] in percent with one decimal and the unit; 100 is said of nothing but 1, 0 of nothing but 0."""
    if math.isnan(share):
        return MISSING
    if share not in {0.0, 1.0} and not 0.0005 <= share < 0.9995:
        return f"{'<0.1' if share < 0.5 else '>99.9'} %"
    return f"{100 * share:.1f} %"


def step_of(share: float) -> int | None:
    """The step from 0 to 100 of the colour of a share in [0, 1]; None for NaN. 100 is left to 1, and 0 to 0."""
    if math.isnan(share):
        return None
    inside = min(max(_rounded(share), 1), 99)
    return {0.0: 0, 1.0: 100}.get(share, inside)


def correlation_text(value: float) -> str:
    """A correlation in [-1, 1] with two decimals and no zero before them; 1 is said of nothing but 1."""
    if math.isnan(value):
        return MISSING
    rounded = round(value, 2) + 0.0  # no minus before nothing
    if abs(rounded) == 1 and abs(value) != 1:
        return ">.99" if value > 0 else "<-.99"
    return f"{rounded:.2f}".replace("0.", ".", 1) if abs(rounded) < 1 else f"{rounded:.0f}"


def _rounded(share: float) -> int:
    """Whole percent; halves go up, also where a product is a little off the half that it stands for."""
    return math.floor(round(100 * share, 6) + 0.5)


def one_decimal(share: float) -> str:
    """A share in percent with one decimal, as tables have it."""
    return f"{round(100 * share, 9):.1f}"
