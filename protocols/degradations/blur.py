"""Blur."""

from __future__ import annotations

import cv2
import numpy as np

from detectors.api import Sample
from protocols.degradations.kind import DegradationKind, NumberRange, facts_in_memory


def gaussian_blur(sample: Sample, sigma: float) -> Sample:
    """Gaussian blur of each sRGB channel, computed in float32 and rounded to the nearest integer.

    The kernel is cut off at 4 sigma and the border mirrored with the edge pixel repeated, as in
    `scipy.ndimage.gaussian_filter`.

    Args:
        sample: Any size.
        sigma: Standard deviation in pixels, above 0.
    """
    size = 2 * int(4 * sigma + 0.5) + 1
    blurred = cv2.GaussianBlur(
        sample.pixels.astype(np.float32), (size, size), sigmaX=sigma, sigmaY=sigma, borderType=cv2.BORDER_REFLECT
    )
    pixels = np.clip(np.rint(blurred), 0, 255).astype(np.uint8)
    return Sample(pixels, facts_in_memory(sample.facts, pixels))


BLUR = DegradationKind(
    gaussian_blur, 1, NumberRange(0.05, 100, whole=False), "blur:N (Gaussian blur, sigma 0.05 to 100 pixels)"
)
