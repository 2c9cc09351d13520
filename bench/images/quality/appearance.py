"""What an audit knows of the pixels of each image: the statistics of its colours, its borders, a grid of its luma."""

from __future__ import annotations

from functools import cache
from itertools import groupby

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.api import Image

SMALL_SIDE = 48  # of the small image that everything but borders is computed from
# where the 16 cells of the luma grid begin in the small image: they are small near the edges, where overlays stand
CELL_STARTS = (0, 1, 2, 3, 4, 6, 9, 14, 24, 34, 39, 42, 44, 45, 46, 47)
CELLS = len(CELL_STARTS)  # in either direction
CHANNELS = np.array([[0.299, 0.587, 0.114], [1, -1, 0], [0, -1, 1]], np.float32)  # luma, red and blue minus green
COLOUR_NUMBERS = 2 * len(CHANNELS)
COLOUR_BYTES = 4 * COLOUR_NUMBERS
GRID_BYTES = CELLS * CELLS
BORDER_WIDTH = 2  # rows of pixels that a border has at least
BORDER_SPREAD = 12  # levels between the pixels of a border in a channel: ringing of JPEG
WHITE, BLACK = 255 - BORDER_SPREAD, BORDER_SPREAD  # levels from which on, and up to which, a border is called so

Small = NDArray[np.uint8]  # (48, 48, 3), sRGB


def shrink(pixels: Image) -> Small:
    """An image, uint8 (H, W, 3), at 48x48 pixels, each the mean of those that it stands for."""
    return np.asarray(cv2.resize(pixels, (SMALL_SIDE, SMALL_SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def colour_and_grid(smalls: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """The statistics of colours and the luma of N images.

    Args:
        smalls: What `shrink` makes of them, uint8 (N, 48, 48, 3).

    Returns:
        float32 (N, 6): means of luma, red minus green and blue minus green, then their spreads over the image. And
        uint8 (N, 256): mean luma in the cells between `CELL_STARTS`, row by row.
    """
    # one by one: SIMD rounds otherwise where images are joined
    channels = [np.asarray(cv2.transform(small, CHANNELS)) for small in smalls.astype(np.float32)]
    colours = np.stack([np.concatenate(cv2.meanStdDev(one), dtype=np.float32)[:, 0] for one in channels])
    weights = _cell_weights()
    grids = np.rint([weights @ one[..., 0] @ weights.T for one in channels]).astype(np.uint8)
    return colours, grids.reshape(len(smalls), GRID_BYTES)


@cache
def _cell_weights() -> NDArray[np.float32]:
    """The share of each row of the small image in the mean of each row of cells, float32 (16, 48)."""
    sides = np.diff([*CELL_STARTS, SMALL_SIDE])
    cells = np.repeat(np.arange(CELLS), sides)
    return np.asarray((cells == np.arange(CELLS)[:, None]) / sides[:, None], np.float32)


def borders(pixels: Image) -> str:
    """The uniform borders of an image, uint8 (H, W, 3): those of one colour together.

    Returns:
        The colour and the sides, such as "white left, right"; "" for none.
    """
    across = pixels.swapaxes(0, 1)
    edges = {"top": pixels, "bottom": pixels[::-1], "left": across, "right": across[::-1]}
    found = [(colour, side) for side, rows in edges.items() if (colour := _border_colour(rows[:BORDER_WIDTH]))]
    by_colour = groupby(sorted(found, key=lambda one: one[0]), key=lambda one: one[0])
    return "; ".join(f"{colour} {', '.join(side for _, side in sides)}" for colour, sides in by_colour)


def _border_colour(rows: Image) -> str:
    """The colour of the outermost rows, uint8 (R, L, 3), where they are uniform, else ""."""
    few = rows[0, :: max(1, rows.shape[1] // 8)].tobytes()  # of nearly all images they tell already
    for channel in (few[::3], few[1::3], few[2::3]):
        if max(channel) - min(channel) > BORDER_SPREAD:
            return ""
    if len(rows) < BORDER_WIDTH:
        return ""
    least, most = rows.min((0, 1)), rows.max((0, 1))
    if (most - least > BORDER_SPREAD).any():
        return ""
    if least.min() >= WHITE:
        return "white"
    return "black" if most.max() <= BLACK else "coloured"
