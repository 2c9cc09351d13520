"""Filters of a neighbourhood: Gaussian blur, median, sharpening."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.api import Image, Sample
from protocols.degradations.kind import DegradationKind, NumberRange, Word, in_memory, number_text, to_levels

SHARPENING_SIGMA = 1.0  # pixels


def gaussian_blur(sample: Sample, sigma: float) -> Sample:
    """Gaussian blur of each sRGB channel, computed in float32 and rounded to the nearest integer.

    The kernel is cut off at 4 sigma and the border mirrored with the edge pixel repeated, as in
    `scipy.ndimage.gaussian_filter`.

    Args:
        sample: Any size.
        sigma: Standard deviation in pixels, above 0.
    """
    return in_memory(sample, to_levels(_blurred(sample.pixels, sigma)))


def median(sample: Sample, size: str) -> Sample:
    """The median over a square around each pixel, each channel by itself; the edge pixel is repeated.

    Args:
        sample: Any size.
        size: Of the square in pixels: 3, 5, 7, 9 or 11.
    """
    return in_memory(sample, np.asarray(cv2.medianBlur(sample.pixels, int(size)), np.uint8))


def sharpen(sample: Sample, amount: float) -> Sample:
    """Unsharp masking: add the difference from a Gaussian blur of sigma 1 pixel, as `gaussian_blur` has it.

    Computed in float32, rounded to the nearest and clipped, without a threshold.

    Args:
        sample: Any size.
        amount: How many times the difference is added.
    """
    sharp = sample.pixels + amount * (sample.pixels - _blurred(sample.pixels, SHARPENING_SIGMA))
    return in_memory(sample, to_levels(sharp))


def _blurred(pixels: Image, sigma: float) -> NDArray[np.float32]:
    """The image after a Gaussian blur, float32 (H, W, 3), not rounded."""
    size = 2 * int(4 * sigma + 0.5) + 1
    values = pixels.astype(np.float32)
    blurred = cv2.GaussianBlur(values, (size, size), sigmaX=sigma, sigmaY=sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.float32)


BLUR = DegradationKind(
    gaussian_blur,
    1,
    NumberRange(0.05, 100, whole=False),
    "blur:N (Gaussian blur, sigma 0.05 to 100 pixels)",
    ("0.5", "1", "2", "3", "5"),
    sweep=lambda _: [number_text(step / 2) for step in range(1, 11)],
)
MEDIAN = DegradationKind(
    median,
    1,
    Word(("3", "5", "7", "9", "11")),
    "median:N (median over a square of 3, 5, 7, 9 or 11 pixels a side)",
    ("3", "5", "7", "9", "11"),
)
SHARPEN = DegradationKind(
    sharpen,
    1,
    NumberRange(0.01, 10, whole=False),
    "sharpen:N (unsharp mask, sigma 1 pixel, amount 0.01 to 10)",
    ("0.25", "0.5", "1", "2", "4"),
)
