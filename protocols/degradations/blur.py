"""Filters of a neighbourhood: Gaussian blur, median, sharpening."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.api import Image, Sample
from protocols.degradations.kind import DegradationKind, NumberRange, Word, in_memory, number_text, to_levels
from protocols.degradations.tensors import ONE, LineFilter, along_columns, from_planes, to_planes

if TYPE_CHECKING:
    from torch import Tensor

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
    size = _kernel_size(sigma)
    values = pixels.astype(np.float32)
    blurred = cv2.GaussianBlur(values, (size, size), sigmaX=sigma, sigmaY=sigma, borderType=cv2.BORDER_REFLECT)
    return np.asarray(blurred, np.float32)


def _kernel_size(sigma: float) -> int:
    """Of the kernel in pixels, an odd number."""
    return 2 * int(4 * sigma + 0.5) + 1


def _gaussian_blur_by_torch(pixels: Tensor, sigma: float) -> Tensor:
    return from_planes(_blurred_planes(to_planes(pixels), sigma))


def _sharpen_by_torch(pixels: Tensor, amount: float) -> Tensor:
    planes = to_planes(pixels)
    return from_planes(planes + amount * (planes - _blurred_planes(planes, SHARPENING_SIGMA)))


def _blurred_planes(planes: Tensor, sigma: float) -> Tensor:
    """Planes (3, H, W) after a Gaussian blur, not rounded."""
    height, width = planes.shape[1:]
    return along_columns(_gaussian(width, sigma)(planes), _gaussian(height, sigma)) / ONE**2


@lru_cache(maxsize=8)  # of wide blurs of large images each has some 50 MB
def _gaussian(side: int, sigma: float) -> LineFilter:
    """A Gaussian along a side of so many pixels, its weights rounded so that their sum is 1; the border mirrored."""
    size = _kernel_size(sigma)
    weights = np.rint(cv2.getGaussianKernel(size, sigma, cv2.CV_64F).ravel() * ONE)
    weights[size // 2] += ONE - weights.sum()
    ramp = np.arange(-(size // 2), side + size // 2) % (2 * side)
    return LineFilter.of(np.minimum(ramp, 2 * side - 1 - ramp), np.arange(side), np.tile(weights, (side, 1)))


BLUR = DegradationKind(
    gaussian_blur,
    1,
    NumberRange(0.05, 100, whole=False),
    "blur:N (Gaussian blur, sigma 0.05 to 100 pixels)",
    ("0.5", "1", "2", "3", "5"),
    sweep=lambda _: [number_text(step / 2) for step in range(1, 11)],
    by_torch=_gaussian_blur_by_torch,
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
    by_torch=_sharpen_by_torch,
)
