"""Luma, centre crops and resizing of images of any size."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.api import Image


def luma(pixels: Image) -> NDArray[np.uint8]:
    """The luma of an image, uint8 (H, W): 0.299 R + 0.587 G + 0.114 B, rounded."""
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2GRAY), np.uint8)


def centre_square(pixels: Image, size: int) -> Image:
    """The centre of an image as a square, uint8 (size, size, 3).

    No pixel is resampled where both sides reach `size`, so that the traces of a generator are preserved. A smaller
    image gives its largest centred square, enlarged bilinearly: padding would put a frame around it, which a detector
    could learn instead of the image.
    """
    side = min(size, *pixels.shape[:2])
    top, left = (pixels.shape[0] - side) // 2, (pixels.shape[1] - side) // 2
    square = np.ascontiguousarray(pixels[top : top + side, left : left + side])
    if side == size:
        return square
    return np.asarray(cv2.resize(square, (size, size), interpolation=cv2.INTER_LINEAR), np.uint8)


def resize_grey(grey: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A grey image, uint8 (H, W), resized to (size, size): averaged where it shrinks, bilinear where it grows."""
    height = grey.shape[0]
    for columns, rows in ((size, height), (size, size)):  # one axis at a time: one may shrink while the other grows
        shrinks = columns < grey.shape[1] or rows < grey.shape[0]
        interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        grey = np.asarray(cv2.resize(grey, (columns, rows), interpolation=interpolation), np.uint8)
    return grey
