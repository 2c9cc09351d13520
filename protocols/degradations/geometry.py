"""Which part of an image is seen, and how it is turned: crops, borders, rotation and flips."""

from __future__ import annotations

import re

import numpy as np
from PIL import Image as PillowImage

from detectors.api import Sample
from protocols.degradations.kind import DegradationKind, NumberRange, ParameterList, Parameters, Word, in_memory
from protocols.degradations.resampling import FILTERS, resized

GRID = 16  # pixels: the blocks of JPEG with 4:2:0 chroma
KEEP = "keep"  # a crop that stays at its own size
LEVELS = {"black": 0, "white": 255}
REPEATS = ("edge", "mirror")


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
    return _part(sample, top, left, int(width), int(height))


def crop_share(sample: Sample, share: float, filter_name: str) -> Sample:
    """Keep the centre, this share of each side, wherever the blocks of JPEG lie; at its own size or scaled back.

    Sides are rounded to the nearest pixel, halves to even, and have at least one; where the rest is odd, one pixel more
    goes at the right and at the bottom.

    Args:
        sample: Any size.
        share: Of each side, above 0, at most 1.
        filter_name: The filter of Pillow that scales the part back to the size of the image, or `KEEP`.
    """
    old_height, old_width = sample.pixels.shape[:2]
    width, height = max(1, round(old_width * share)), max(1, round(old_height * share))
    part = _part(sample, (old_height - height) // 2, (old_width - width) // 2, width, height)
    if filter_name == KEEP:
        return part
    return in_memory(sample, resized(part.pixels, (old_width, old_height), filter_name))


def _part(sample: Sample, top: int, left: int, width: int, height: int) -> Sample:
    """A rectangle of an image; the same sample where that is all of it."""
    part = sample.pixels[top : top + height, left : left + width]
    return sample if part.shape == sample.pixels.shape else in_memory(sample, np.ascontiguousarray(part))


def pad(sample: Sample, share: float, fill: str) -> Sample:
    """Put a border around an image, on every side this share of the height or width.

    Its thickness is rounded to the nearest pixel, halves to even.

    Args:
        sample: Any size.
        share: Above 0, at most 1.
        fill: "black", "white", "edge" (the edge pixel repeated), or "mirror" (the image mirrored, its edge repeated).
    """
    rows, columns = (round(side * share) for side in sample.pixels.shape[:2])
    widths = ((rows, rows), (columns, columns), (0, 0))
    if fill in LEVELS:
        return in_memory(sample, np.pad(sample.pixels, widths, constant_values=LEVELS[fill]))
    return in_memory(sample, np.pad(sample.pixels, widths, mode="edge" if fill == "edge" else "symmetric"))


def rotate(sample: Sample, degrees: float) -> Sample:
    """Turn an image about its centre; it keeps its size, what leaves it is cut off, and corners become black.

    Pillow's rotation with bicubic interpolation between sixteen pixels, rounded to the nearest; its coefficient is -1,
    where resizing has -0.5. Beyond the edge, interpolation repeats the edge pixel.

    Args:
        sample: Any size.
        degrees: Counter-clockwise, from -45 to 45.
    """
    turned = PillowImage.fromarray(sample.pixels).rotate(degrees, PillowImage.Resampling.BICUBIC, fillcolor=(0, 0, 0))
    return in_memory(sample, np.asarray(turned))


def flip(sample: Sample, direction: str) -> Sample:
    """Mirror an image.

    Args:
        sample: Any size.
        direction: "horizontal" exchanges left and right, "vertical" top and bottom.
    """
    mirrored = sample.pixels[:, ::-1] if direction == "horizontal" else sample.pixels[::-1]
    return in_memory(sample, np.ascontiguousarray(mirrored))


def _parse_size(text: str) -> Parameters | None:
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text, re.ASCII)
    return (float(match[1]), float(match[2])) if match else None


SHARE = NumberRange(0.01, 1, whole=False)

CROP = DegradationKind(
    centre_crop,
    1,
    _parse_size,
    "crop:WxH (the centre, nothing resampled)",
    ("256x256", "192x192", "128x128", "96x96", "64x64"),
)
CROP_SHARE = DegradationKind(
    crop_share,
    1,
    ParameterList((SHARE, Word((KEEP, *FILTERS))), (KEEP,)),
    "crop_share:SHARE or crop_share:SHARE:FILTER (the centre, 0.01 to 1 of each side; with a filter, such as bilinear,"
    " scaled back)",
    ("0.95", "0.9", "0.8", "0.7", "0.5"),
)
PAD = DegradationKind(
    pad,
    1,
    ParameterList((SHARE, Word((*LEVELS, *REPEATS))), ("black",)),
    "pad:SHARE or pad:SHARE:FILL (a border, 0.01 to 1 of each side; by default black, else white, edge or mirror)",
    ("0.05", "0.1", "0.15", "0.2", "0.3"),
)
ROTATE = DegradationKind(
    rotate,
    1,
    NumberRange(-45, 45, whole=False),
    "rotate:N (-45 to 45 degrees counter-clockwise, bicubic, corners black)",
    ("1", "2", "3", "5", "10"),
)
FLIP = DegradationKind(flip, 1, Word(("horizontal", "vertical")), "flip:horizontal or flip:vertical (mirrored)")
