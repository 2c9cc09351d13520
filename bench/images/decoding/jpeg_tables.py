"""How a JPEG file is encoded: the quality of its quantisation table, and the subsampling of its colours."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

ROUNDING = 1  # by which divisors of one quality differ between encoders that scale the standard's table
# of the width and height of the luma to those of the chroma
_SUBSAMPLINGS = {(1, 1): "4:4:4", (2, 1): "4:2:2", (2, 2): "4:2:0", (4, 1): "4:1:1", (1, 2): "4:4:0"}
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


class JpegEncoding(NamedTuple):
    """How a JPEG file is encoded.

    Attributes:
        quality: The libjpeg quality that its luma table is of; None for a table that is of none, as those of cameras,
            Photoshop and mozjpeg.
        nearest_quality: The quality whose luma table is nearest, in [1, 100].
        subsampling: Of its colours, such as "4:2:0"; "" for grey, "other" for ratios without a name.
    """

    quality: int | None
    nearest_quality: int
    subsampling: str


def jpeg_encoding(image: Pillow.Image) -> JpegEncoding | None:
    """How an opened file is encoded; None where it is no JPEG."""
    tables, layers = getattr(image, "quantization", None), getattr(image, "layer", None)
    if not tables or not layers:
        return None
    nearest, standard = _nearest_quality(tuple(tables[layers[0][3]]))
    return JpegEncoding(nearest if standard else None, nearest, _subsampling([layer[1:3] for layer in layers]))


def _subsampling(factors: Sequence[tuple[int, int]]) -> str:
    """The name of the sampling factors of the components, the luma's first."""
    if len(factors) == 1:
        return ""
    luma, chroma = factors[:2]
    return _SUBSAMPLINGS.get((luma[0] // chroma[0], luma[1] // chroma[1]), "other")


@cache
def _standard_tables() -> NDArray[np.int32]:
    """Libjpeg's luma tables of qualities 1 to 100, int32 (100, 64), in [1, 255] (`jpeg_quality_scaling`)."""
    quality = np.arange(1, 101, dtype=np.int32)[:, None]
    percent = np.where(quality < 50, 5000 // quality, 200 - 2 * quality)
    return np.clip((np.array(_LUMA, np.int32).reshape(1, 64) * percent + 50) // 100, 1, 255).astype(np.int32)


@lru_cache(maxsize=256)  # the files of one data set have few different tables
def _nearest_quality(luma: tuple[int, ...]) -> tuple[int, bool]:
    """The quality whose table is nearest by mean absolute difference, and whether it is that table but for rounding.

    Args:
        luma: The 64 divisors row by row, as Pillow returns them.
    """
    distances = np.abs(_standard_tables() - np.array(luma, np.int32))
    nearest = int(distances.sum(axis=1).argmin())
    return nearest + 1, bool(distances[nearest].max() <= ROUNDING)
