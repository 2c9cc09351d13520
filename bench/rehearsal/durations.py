"""Times as texts."""

from __future__ import annotations

MINUTE, HOUR = 60, 3600  # seconds


def duration(seconds: float) -> str:
    """Seconds in a unit that suits them."""
    if seconds < 2 * MINUTE:
        return f"{seconds:.0f} s" if seconds >= 1 else "under 1 s"
    if seconds < 2 * HOUR:
        return f"{seconds / MINUTE:.0f} min"
    hours = seconds / HOUR
    return f"{hours:.1f} h" if hours < 100 else f"{hours:,.0f} h"


def span(least: float, most: float) -> str:
    """Two times in units that suit them; one where they read alike."""
    first, last = duration(least), duration(most)
    return first if first == last else f"{first} to {last}"
