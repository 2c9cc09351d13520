"""Resampling to another size."""

from __future__ import annotations

import numpy as np
from PIL import Image as PillowImage

from detectors.api import Sample
from protocols.degradations.kind import DegradationKind, NumberRange, facts_in_memory


def low_resolution(sample: Sample, side: float) -> Sample:
    """Downsample until the shorter side has `side` pixels, keeping the aspect ratio; never scale up again.

    Bilinear with antialiasing (a triangle filter as wide as the reduction), which is what Pillow and torchvision call
    bilinear. An image whose shorter side is no larger is left as it is. Detectors bring the small image to their own
    input size as their method says.

    Args:
        sample: Any size.
        side: Whole number of pixels, at least 1.
    """
    height, width = sample.pixels.shape[:2]
    size = reduced_size(width, height, side)
    if size == (width, height):
        return sample
    resized = PillowImage.fromarray(sample.pixels).resize(size, PillowImage.Resampling.BILINEAR)
    pixels = np.asarray(resized)
    return Sample(pixels, facts_in_memory(sample.facts, pixels))


def reduced_size(width: int, height: int, side: float) -> tuple[int, int]:
    """Width and height in pixels of an image whose shorter side is to have no more than `side` pixels."""
    shorter = min(height, width)
    if shorter <= side:
        return width, height
    return max(1, round(width * side / shorter)), max(1, round(height * side / shorter))


LOW_RESOLUTION = DegradationKind(
    low_resolution, 1, NumberRange(1, 100_000, whole=True), "lr:N (shorter side downsampled to 1 to 100000 pixels)"
)
