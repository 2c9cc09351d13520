"""What is put upon images: a caption and a sticker. Both are drawn here, without a font file or a drawing library."""

from __future__ import annotations

import numpy as np

from detectors.api import Image, Sample
from protocols.degradations.draws import content_generator
from protocols.degradations.kind import DegradationKind, NumberRange, in_memory

# the word SAMPLE in letters of 7 rows and 5 columns
CAPTION = (
    ".###. .###. #...# ####. #.... #####",
    "#.... #...# ##.## #...# #.... #....",
    "#.... #...# #.#.# #...# #.... #....",
    ".###. ##### #...# ####. #.... ####.",
    "....# #...# #...# #.... #.... #....",
    "....# #...# #...# #.... #.... #....",
    ".###. #...# #...# #.... ##### #####",
)
COLOURS = (((230, 30, 40), (250, 210, 20)), ((20, 160, 70), (30, 80, 220)))  # of the quarters of a sticker, RGB


def text(sample: Sample, share: float) -> Sample:
    """Put the word SAMPLE in the middle of the lower edge, white letters on a black box of 37x9 cells.

    The box has this share of the image's width and 9/37 of that as its height, at most the image's; half of its height
    lies between it and the lower edge where there is room. Cells are enlarged or reduced by the nearest neighbour.

    Args:
        sample: Any size.
        share: Of the width, above 0, at most 1; at least one pixel is covered.
    """
    height, width = sample.pixels.shape[:2]
    wide = max(1, round(share * width))
    high = min(height, max(1, round(wide * 9 / 37)))
    top, left = max(0, height - high - high // 2), (width - wide) // 2
    letters = np.array([[cell == "#" for cell in row] for row in CAPTION])
    box = np.pad(letters, 1)[_nearest(9, high)][:, _nearest(37, wide)]
    return _covered(sample, top, left, np.repeat(np.where(box, 255, 0)[:, :, None], 3, axis=2).astype(np.uint8))


def _nearest(old: int, new: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The position of the old cell at the centre of each new one, int64 (new,)."""
    return (2 * np.arange(new) + 1) * old // (2 * new)


def sticker(sample: Sample, share: float) -> Sample:
    """Cover a rectangle of the image's own proportions with four quarters: red, yellow, green and blue.

    Where it lies is drawn from the content of the image, alike for every share.

    Args:
        sample: Any size.
        share: Of the area, above 0, at most 1; sides are rounded to the nearest pixel and have at least one.
    """
    height, width = sample.pixels.shape[:2]
    high, wide = (max(1, round(side * share**0.5)) for side in (height, width))
    drawn = content_generator(sample.pixels, "sticker").random(2)
    top, left = (int(place * (room + 1)) for place, room in zip(drawn, (height - high, width - wide), strict=True))
    quarters = np.array(COLOURS, np.uint8)
    return _covered(sample, top, left, quarters[_nearest(2, high)][:, _nearest(2, wide)])


def _covered(sample: Sample, top: int, left: int, part: Image) -> Sample:
    """The sample with another image upon it."""
    pixels = sample.pixels.copy()
    pixels[top : top + part.shape[0], left : left + part.shape[1]] = part
    return in_memory(sample, pixels)


_SHARE = NumberRange(0.001, 1, whole=False)

TEXT = DegradationKind(
    text,
    1,
    _SHARE,
    "text:N (a word in a box, 0.001 to 1 of the width, at the lower edge)",
    ("0.2", "0.35", "0.5", "0.7", "0.9"),
)
STICKER = DegradationKind(
    sticker,
    1,
    _SHARE,
    "sticker:N (0.001 to 1 of the area covered, at a place drawn from the content)",
    ("0.01", "0.03", "0.07", "0.15", "0.3"),
)
