"""The discrete wavelet transform of Daubechies' filter with four vanishing moments ("db4"), as matrices.

Daubechies, "Orthonormal bases of compactly supported wavelets", Comm. Pure Appl. Math. 41, 1988. Layout and edges
follow the usual toolboxes: a signal is mirrored at its ends with the end repeated, and n values give (n + 7) // 2 of
each kind.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

LOW = (  # the scaling filter: its sum is sqrt(2), its even shifts are orthonormal
    0.2303778133088965,
    0.7148465705529157,
    0.6308807679298589,
    -0.027983769416859854,
    -0.18703481171909309,
    0.030841381835560764,
    0.0328830116668852,
    -0.010597401785069032,
)
TAPS = len(LOW)


def halved(size: int) -> int:
    """How many values of each kind a signal of `size` values gives."""
    return (size + TAPS - 1) // 2


def deepest(size: int) -> int:
    """How many levels a signal bears before its mirror images alone fill a filter."""
    return int(np.log2(max(size // (TAPS - 1), 1)))


@lru_cache(maxsize=32)
def analysis(size: int) -> Matrix:
    """Signal to coefficients, float64 (2 * halved(size), size): the averages first, then the details."""
    half = halved(size)
    matrix = np.zeros((2 * half, size))
    mirrored = np.pad(np.arange(size), TAPS, "symmetric")
    for row in range(half):
        for tap in range(TAPS):
            place = mirrored[2 * row + 1 - (TAPS - 1 - tap) + TAPS]
            matrix[row, place] += LOW[tap]
            matrix[half + row, place] += (-1) ** (tap + 1) * LOW[TAPS - 1 - tap]
    return matrix


@lru_cache(maxsize=32)
def synthesis(half: int) -> Matrix:
    """Coefficients to signal, float64 (2 * half - 6, 2 * half): one value more than there was where that was odd."""
    size = 2 * half - TAPS + 2
    matrix = np.zeros((size, 2 * half))
    for row in range(half):
        for tap in range(TAPS):
            place = 2 * row + tap - (TAPS - 2)
            if 0 <= place < size:
                matrix[place, row] += LOW[tap]
                matrix[place, half + row] += (-1) ** (tap + 1) * LOW[TAPS - 1 - tap]
    return matrix
