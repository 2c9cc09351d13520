"""OpenCV's filters, typed."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

FloatMaps = NDArray[np.float32]
Pixels = NDArray[np.uint8]  # (H, W, 3), sRGB-like
Light = NDArray[np.float32]  # (H, W, 3), linear light


def blur(image: FloatMaps, sigma: float) -> FloatMaps:
    """Gaussian blur with the kernel size that OpenCV derives from sigma."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), dtype=np.float32)


def resize(image: FloatMaps, side: int, method: int) -> FloatMaps:
    """Resize an image to `side` by `side` pixels by one of OpenCV's methods."""
    return np.asarray(cv2.resize(image, (side, side), interpolation=method), dtype=np.float32)


def scale_channels(light: Light, factor: FloatMaps) -> Light:
    """Multiply each channel of (H, W, 3) by (H, W)."""
    return np.asarray(cv2.multiply(light, cv2.merge([factor, factor, factor])), dtype=np.float32)


def power(image: FloatMaps, exponent: float) -> FloatMaps:
    """Raise values of 0 or more to a power."""
    return np.asarray(cv2.pow(image, exponent), dtype=np.float32)
