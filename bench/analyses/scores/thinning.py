"""Fewer points for a curve that is drawn: corners stay, and how far the curve moved is known."""

from __future__ import annotations

from heapq import heappop, heappush

import numpy as np
from numpy.typing import NDArray

MOST_POINTS = 200
_Farthest = tuple[float, int, int, int]  # minus the distance, the point, and the ends of its part


def thinned(x: NDArray[np.float64], y: NDArray[np.float64], most: int = MOST_POINTS) -> tuple[NDArray[np.intp], float]:
    """The points of a polyline to keep: its ends, then again and again the one farthest from what is drawn.

    The choice of Douglas and Peucker (The Canadian Cartographer 10, 1973), by number and not by tolerance.

    Args:
        x: Floats (P,), P at least 2.
        y: Floats (P,).
        most: Points to keep, at least 2.

    Returns:
        Positions of the points in their order, at most `most`, without those on a straight line between others; and the
        largest distance of a point that is left out from the segment that replaces it.
    """
    kept = {0, len(x) - 1}
    parts: list[_Farthest] = []
    heappush(parts, _farthest(x, y, 0, len(x) - 1))
    while len(kept) < most and -parts[0][0] > 0:
        _, point, start, stop = heappop(parts)
        kept.add(point)
        heappush(parts, _farthest(x, y, start, point))
        heappush(parts, _farthest(x, y, point, stop))
    return np.array(sorted(kept), np.intp), abs(parts[0][0])


def _farthest(x: NDArray[np.float64], y: NDArray[np.float64], start: int, stop: int) -> _Farthest:
    """The point between two others that is farthest from the segment between them."""
    if stop - start < 2:
        return 0.0, start, start, stop
    inside = slice(start + 1, stop)
    across, up = x[inside] - x[start], y[inside] - y[start]
    width, height = x[stop] - x[start], y[stop] - y[start]
    length = width**2 + height**2
    along = np.clip((across * width + up * height) / length, 0, 1) if length else np.zeros(across.shape)
    distances = np.hypot(across - along * width, up - along * height)
    distances[distances < 1e-12] = 0  # rounding of points on the segment
    farthest = int(distances.argmax())
    return -float(distances[farthest]), start + 1 + farthest, start, stop
