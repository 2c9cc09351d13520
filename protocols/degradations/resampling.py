"""Resampling: to another size, and back again. Where nothing else is said, Pillow does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image as PillowImage

from detectors.api import Image, Sample
from protocols.degradations.jpeg import png
from protocols.degradations.kind import DegradationKind, NumberRange, ParameterList, Word, in_memory
from protocols.degradations.pillow_resize import resized_by_torch

if TYPE_CHECKING:
    from torch import Tensor

FILTERS: Mapping[str, PillowImage.Resampling] = {
    "nearest": PillowImage.Resampling.NEAREST,
    "box": PillowImage.Resampling.BOX,
    "bilinear": PillowImage.Resampling.BILINEAR,
    "bicubic": PillowImage.Resampling.BICUBIC,
    "lanczos": PillowImage.Resampling.LANCZOS,
}
FILTER = Word(tuple(FILTERS))
FACTOR = NumberRange(0.01, 4, whole=False)
_SIDE = NumberRange(1, 100_000, whole=True)


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
    return _resized_once(sample, reduced_size(width, height, side), "bilinear")


def reduced_size(width: int, height: int, side: float) -> tuple[int, int]:
    """Width and height in pixels of an image whose shorter side is to have no more than `side` pixels."""
    return _size_within(width, height, side, min(height, width))


def resize(sample: Sample, factor: float, filter_name: str) -> Sample:
    """Resize both sides by a factor, and back to the size that the image had, with one filter of Pillow.

    Sides in between are rounded to the nearest pixel, halves to even, and have at least one. Filters are as wide as a
    reduction asks (antialiased), but for `nearest`, which takes one pixel. Samples are rounded and clipped after each
    of two passes, along rows and along columns.

    Args:
        sample: Any size.
        factor: From 0.01 to 4.
        filter_name: Of `FILTERS`; bicubic has the coefficient -0.5, Lanczos three lobes.
    """
    height, width = sample.pixels.shape[:2]
    between = resized(sample.pixels, _scaled_size(width, height, factor), filter_name)
    return in_memory(sample, resized(between, (width, height), filter_name))


def scale(sample: Sample, factor: float, filter_name: str) -> Sample:
    """Resize both sides by a factor, as the first half of `resize` does, and leave the image at that size.

    Args:
        sample: Any size.
        factor: From 0.01 to 4.
        filter_name: Of `FILTERS`.
    """
    height, width = sample.pixels.shape[:2]
    return _resized_once(sample, _scaled_size(width, height, factor), filter_name)


def longest(sample: Sample, side: float, filter_name: str) -> Sample:
    """Reduce until the longer side has `side` pixels, keeping the aspect ratio; smaller images are never enlarged.

    One filter of Pillow, without `reducing_gap` or a JPEG decoder's own reduction. The other side is rounded to the
    nearest pixel, halves to even, and has at least one.

    Args:
        sample: Any size.
        side: Whole number of pixels, at least 1.
        filter_name: Of `FILTERS`.
    """
    height, width = sample.pixels.shape[:2]
    return _resized_once(sample, _longest_size(width, height, side), filter_name)


def thumbnail(sample: Sample, side: float) -> Sample:
    """Reduce until the longer side has `side` pixels, as Pillow's `Image.thumbnail` does; never enlarge.

    Where the reduction is fourfold or more, whole blocks of pixels are averaged first, so that a reduction by two to
    four is left for the bicubic filter (`reducing_gap` 2). The other side is rounded so that the ratio of both is kept
    best. There is no reduction inside a JPEG decoder.

    Args:
        sample: Any size.
        side: Whole number of pixels, at least 1.
    """
    image = PillowImage.fromarray(sample.pixels)
    image.thumbnail((int(side), int(side)), PillowImage.Resampling.BICUBIC, reducing_gap=2.0)
    height, width = sample.pixels.shape[:2]
    return sample if image.size == (width, height) else in_memory(sample, np.asarray(image))


def screenshot(sample: Sample, factor: float) -> Sample:
    """Show the image at another size, as a screen does, capture it, and save the capture as PNG.

    Bilinear between the four pixels around, without antialiasing, as graphics processors sample a texture: OpenCV's
    exact bilinear interpolation, in fixed point, rounded to the nearest. Sizes are rounded as in `scale`.

    Args:
        sample: Any size.
        factor: From 0.01 to 4.

    Returns:
        Pixels of the other size; facts of the PNG file.
    """
    height, width = sample.pixels.shape[:2]
    size = _scaled_size(width, height, factor)
    shown = np.asarray(cv2.resize(sample.pixels, size, interpolation=cv2.INTER_LINEAR_EXACT), np.uint8)
    return png(in_memory(sample, shown))


def resized(pixels: Image, size: tuple[int, int], filter_name: str) -> Image:
    """An image at another size, width before height, by a filter of Pillow; of the same size it is as it was."""
    return np.asarray(PillowImage.fromarray(pixels).resize(size, FILTERS[filter_name]))


def _by_torch(size_of: Callable[[int, int, float], tuple[int, int]], *, back: bool = False) -> Callable[..., Tensor]:
    """The way in torch of a kind that resizes an image, and back to its size where that is asked.

    Args:
        size_of: From width and height in pixels and the first parameter of the kind to the new width and height.
        back: Whether the image is brought back.
    """

    def resize_by_torch(pixels: Tensor, amount: float, filter_name: str = "bilinear") -> Tensor:
        height, width = pixels.shape[:2]
        between = resized_by_torch(pixels, size_of(width, height, amount), filter_name)
        return resized_by_torch(between, (width, height), filter_name) if back else between

    return resize_by_torch


def _resized_once(sample: Sample, size: tuple[int, int], filter_name: str) -> Sample:
    """The sample at another size, width before height; the same sample where that is its size."""
    height, width = sample.pixels.shape[:2]
    return sample if size == (width, height) else in_memory(sample, resized(sample.pixels, size, filter_name))


def _scaled_size(width: int, height: int, factor: float) -> tuple[int, int]:
    """Width and height in pixels after both are multiplied, at least 1."""
    return max(1, round(width * factor)), max(1, round(height * factor))


def _longest_size(width: int, height: int, side: float) -> tuple[int, int]:
    """Width and height in pixels of an image whose longer side is to have no more than `side` pixels."""
    return _size_within(width, height, side, max(height, width))


def _size_within(width: int, height: int, side: float, limited: int) -> tuple[int, int]:
    """Width and height in pixels where the limited one of both is to have no more than `side` pixels."""
    if limited <= side:
        return width, height
    return max(1, round(width * side / limited)), max(1, round(height * side / limited))


LOW_RESOLUTION = DegradationKind(
    low_resolution,
    1,
    _SIDE,
    "lr:N (shorter side downsampled to 1 to 100000 pixels)",
    ("256", "192", "128", "96", "64"),
    sweep=lambda short_side: [str(max(1, short_side * step // 11)) for step in range(10, 0, -1)],
    idle=lambda width, height, side: min(width, height) <= side,
    by_torch=_by_torch(reduced_size),
)
RESIZE = DegradationKind(
    resize,
    1,
    ParameterList((FACTOR, FILTER), ("bilinear",)),
    "resize:FACTOR or resize:FACTOR:FILTER (both sides times 0.01 to 4 and back; by default bilinear, else"
    " nearest, box, bicubic or lanczos)",
    ("0.75", "0.5", "0.35", "0.25", "0.125"),
    by_torch=_by_torch(_scaled_size, back=True),
)
SCALE = DegradationKind(
    scale,
    1,
    ParameterList((FACTOR, FILTER), ("bilinear",)),
    "scale:FACTOR or scale:FACTOR:FILTER (both sides times 0.01 to 4; by default bilinear, else nearest, box, bicubic"
    " or lanczos)",
    ("0.9", "0.75", "0.5", "0.35", "0.25"),
    by_torch=_by_torch(_scaled_size),
)
LONGEST = DegradationKind(
    longest,
    1,
    ParameterList((_SIDE, FILTER), ("lanczos",)),
    "longest:N or longest:N:FILTER (longer side reduced to at most 1 to 100000 pixels, never enlarged; by default"
    " lanczos, else nearest, box, bilinear or bicubic)",
    ("1024", "768", "512", "384", "256"),
    idle=lambda width, height, side, _: max(width, height) <= side,
    by_torch=_by_torch(_longest_size),
)
THUMBNAIL = DegradationKind(
    thumbnail,
    1,
    _SIDE,
    "thumbnail:N (longer side reduced to at most 1 to 100000 pixels, by averaged blocks and bicubic, as Pillow does)",
    ("1024", "768", "512", "384", "256"),
    idle=lambda width, height, side: max(width, height) <= side,
)
SCREENSHOT = DegradationKind(
    screenshot,
    1,
    FACTOR,
    "screenshot:FACTOR (shown at 0.01 to 4 times its size, bilinear without antialiasing, and saved as PNG)",
    ("0.9", "0.8", "0.67", "0.5", "0.33"),
)
