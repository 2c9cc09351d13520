"""The quality of a JPEG file, estimated from its quantisation table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

# The luma table of the JPEG standard (ITU-T T.81, table K.1), which libjpeg scales; row by row.
_LUMA = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


@cache
def _standard_tables() -> NDArray[np.int32]:
    """Libjpeg's luma tables of qualities 1 to 100, int32 (100, 64), in [1, 255] (`jpeg_quality_scaling`)."""
    quality = np.arange(1, 101, dtype=np.int32)[:, None]
    percent = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    return np.clip((np.array(_LUMA, np.int32).reshape(1, 64) * percent + 50) // 100, 1, 255).astype(np.int32)


def estimate_quality(luma: Sequence[int]) -> int:
    """The libjpeg quality whose luma table is this one, or else the nearest by mean absolute difference.

    Args:
        luma: The 64 divisors row by row, as Pillow returns them.

    Returns:
        The quality, in [1, 100].
    """
    return _nearest_quality(tuple(luma))


@lru_cache(maxsize=256)  # the files of one data set have few different tables
def _nearest_quality(luma: tuple[int, ...]) -> int:
    return int(np.abs(_standard_tables() - np.array(luma, np.int32)).sum(axis=1).argmin()) + 1
