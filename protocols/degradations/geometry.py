"""Cropping to the centre, on the grid of JPEG blocks."""

from __future__ import annotations

import re

import numpy as np

from detectors.api import Sample
from protocols.degradations.kind import DegradationKind, Parameters, facts_in_memory

GRID = 16  # pixels: the blocks of JPEG with 4:2:0 chroma


def centre_crop(sample: Sample, width: float, height: float) -> Sample:
    """Keep the centre, at most this large; nothing is resampled and a smaller side stays as it is.

    The corner of the crop is at a multiple of `GRID` pixels, so that the blocks of an earlier JPEG compression are
    blocks of the next one.

    Args:
        sample: Any size.
        width: Whole number of pixels, at least 1.
        height: Whole number of pixels, at least 1.
    """
    old_height, old_width = sample.pixels.shape[:2]
    top, left = (max(0, old - int(new)) // 2 // GRID * GRID for old, new in ((old_height, height), (old_width, width)))
    part = sample.pixels[top : top + int(height), left : left + int(width)]
    if part.shape == sample.pixels.shape:
        return sample
    pixels = np.ascontiguousarray(part)
    return Sample(pixels, facts_in_memory(sample.facts, pixels))


def _parse_size(text: str) -> Parameters | None:
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    return (float(match[1]), float(match[2])) if match else None


CROP = DegradationKind(centre_crop, 1, _parse_size, "crop:WxH (the centre, nothing resampled)")
