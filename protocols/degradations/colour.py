"""Tone and colour of 8-bit sRGB values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image as PillowImage
from PIL import ImageEnhance, ImageOps

from detectors.api import Sample
from protocols.degradations.kind import DegradationKind, NumberRange, in_memory, no_parameters, to_levels
from protocols.degradations.tensors import blended, by_table, from_planes, luma, to_planes

if TYPE_CHECKING:
    from torch import Tensor


def brightness(sample: Sample, factor: float) -> Sample:
    """Multiply every value, as Pillow and torchvision do: cut to a whole level, clipped.

    Args:
        sample: Any size.
        factor: From 0, black, over 1, unchanged, to 4.
    """
    return _enhanced(sample, ImageEnhance.Brightness, factor)


def contrast(sample: Sample, factor: float) -> Sample:
    """Scale the distance of every value from the mean luma of the image, as Pillow and torchvision do.

    Luma is that of `greyscale`, its mean rounded to a whole level; results are cut to a whole level and clipped.

    Args:
        sample: Any size.
        factor: From 0, one grey, over 1, unchanged, to 4.
    """
    return _enhanced(sample, ImageEnhance.Contrast, factor)


def saturation(sample: Sample, factor: float) -> Sample:
    """Scale the distance of every value from the luma of its pixel, as Pillow does: cut to a whole level, clipped.

    Args:
        sample: Any size.
        factor: From 0, grey, over 1, unchanged, to 4.
    """
    return _enhanced(sample, ImageEnhance.Color, factor)


def _enhanced(
    sample: Sample, enhancer: type[ImageEnhance.Brightness | ImageEnhance.Color | ImageEnhance.Contrast], factor: float
) -> Sample:
    return in_memory(sample, np.asarray(enhancer(PillowImage.fromarray(sample.pixels)).enhance(factor)))


def gamma(sample: Sample, exponent: float) -> Sample:
    """Raise every value, as a share of 255, to a power; times 255.999 and cut to a whole level, as torchvision does.

    Args:
        sample: Any size.
        exponent: Above 1 darkens, below 1 brightens.
    """
    table = (255.999 * (np.arange(256) / 255) ** exponent).astype(np.uint8)
    return in_memory(sample, table[sample.pixels])


def greyscale(sample: Sample) -> Sample:
    """Replace all three channels by luma, 0.299 R + 0.587 G + 0.114 B, rounded to the nearest, as Pillow does.

    Args:
        sample: Any size.
    """
    grey = np.asarray(PillowImage.fromarray(sample.pixels).convert("L"))
    return in_memory(sample, np.repeat(grey[:, :, None], 3, axis=2))


def posterise(sample: Sample, bits: float) -> Sample:
    """Keep the highest bits of every value and set the others to zero.

    Args:
        sample: Any size.
        bits: Whole number from 1 to 8.
    """
    return in_memory(sample, np.asarray(ImageOps.posterize(PillowImage.fromarray(sample.pixels), int(bits))))


def vignette(sample: Sample, strength: float) -> Sample:
    """Darken towards the corners: times 1 - strength * r**2, with r from 0 in the centre to 1 in the corners.

    r is the distance from the centre over that of the centres of the corner pixels, with both sides of one length;
    rounded to the nearest.

    Args:
        sample: Any size.
        strength: Above 0, at most 1, where the corners are black.
    """
    down, right = map(_squared_distances, sample.pixels.shape[:2])
    darker = 1 - strength * (down[:, None] + right) / 2
    return in_memory(sample, to_levels(sample.pixels * darker[:, :, None]))


def _squared_distances(side: int) -> NDArray[np.float64]:
    """Squared distances of pixels from the centre of a side, that of the outermost being 1, floats (N,)."""
    return np.linspace(-1, 1, side) ** 2 if side > 1 else np.zeros(1)


def _contrast_by_torch(pixels: Tensor, factor: float) -> Tensor:
    grey = luma(pixels)
    return blended((grey.sum().double() / grey.numel() + 0.5).floor(), pixels, factor)


def _saturation_by_torch(pixels: Tensor, factor: float) -> Tensor:
    return blended(luma(pixels), pixels, factor)


def _greyscale_by_torch(pixels: Tensor) -> Tensor:
    return luma(pixels).byte().expand(pixels.shape)


def _vignette_by_torch(pixels: Tensor, strength: float) -> Tensor:
    import torch

    down, right = (torch.tensor(_squared_distances(side), device=pixels.device) for side in pixels.shape[:2])
    return from_planes(to_planes(pixels) * (1 - strength * (down[:, None] + right) / 2))


_FACTOR = NumberRange(0, 4, whole=False)

BRIGHTNESS = DegradationKind(
    brightness,
    1,
    _FACTOR,
    "brightness:N (values times 0 to 4)",
    ("0.9", "0.8", "0.7", "0.55", "0.4"),
    by_torch=by_table(brightness),
)
CONTRAST = DegradationKind(
    contrast,
    1,
    _FACTOR,
    "contrast:N (distance from mean luma times 0 to 4)",
    ("0.9", "0.8", "0.65", "0.5", "0.3"),
    by_torch=_contrast_by_torch,
)
SATURATION = DegradationKind(
    saturation,
    1,
    _FACTOR,
    "saturation:N (distance from luma times 0 to 4)",
    ("0.8", "0.6", "0.4", "0.2", "0"),
    by_torch=_saturation_by_torch,
)
GAMMA = DegradationKind(
    gamma,
    1,
    NumberRange(0.1, 10, whole=False),
    "gamma:N (values to the power of 0.1 to 10)",
    ("1.1", "1.25", "1.5", "1.8", "2.2"),
    by_torch=by_table(gamma),
)
GREYSCALE = DegradationKind(
    greyscale, 1, no_parameters, "greyscale (luma in all channels)", by_torch=_greyscale_by_torch
)
POSTERISE = DegradationKind(
    posterise,
    1,
    NumberRange(1, 8, whole=True),
    "posterise:N (the highest 1 to 8 bits of each value)",
    ("6", "5", "4", "3", "2"),
    by_torch=by_table(posterise),
)
VIGNETTE = DegradationKind(
    vignette,
    1,
    NumberRange(0.01, 1, whole=False),
    "vignette:N (0.01 to 1 of the light is lost in the corners)",
    ("0.1", "0.2", "0.35", "0.5", "0.8"),
    by_torch=_vignette_by_torch,
)
