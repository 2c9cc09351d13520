"""Pillow's resizing of 8-bit images by torch, to the bit: its filters, their weights in fixed point, its two passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import PIL
from numpy.typing import NDArray
from PIL import Image as PillowImage

from protocols.degradations.tensors import ONE, LineFilter, along_columns, from_planes, to_planes

if TYPE_CHECKING:
    from torch import Tensor

_Distances = NDArray[np.float64]  # of pixels from the centre of a filter, and weights of the same shape
# From this version on, the pass along columns comes first where the height shrinks by more than twice what the width
# does; before, never. Samples are rounded in between, so that the order shows in single levels.
TALL_COLUMNS_FIRST = int(PIL.__version__.partition(".")[0]) >= 13


class _Window(NamedTuple):
    """A filter of Pillow: its function of distances from the centre in pixels, and where it ends."""

    weight: Callable[[_Distances], _Distances]
    support: float


def _bicubic(x: _Distances) -> _Distances:
    x = np.abs(x)
    near, far = ((-0.5 + 2) * x - (-0.5 + 3)) * x * x + 1, (((x - 5) * x + 8) * x - 4) * -0.5
    return np.where(x < 1, near, np.where(x < 2, far, 0))


WINDOWS: Mapping[str, _Window] = {
    "box": _Window(lambda x: ((x > -0.5) & (x <= 0.5)).astype(np.float64), 0.5),
    "bilinear": _Window(lambda x: np.maximum(1 - np.abs(x), 0), 1),
    "bicubic": _Window(_bicubic, 2),
    "lanczos": _Window(lambda x: np.where((x >= -3) & (x < 3), np.sinc(x) * np.sinc(x / 3), 0), 3),
}


def resized_by_torch(pixels: Tensor, size: tuple[int, int], filter_name: str) -> Tensor:
    """An image, uint8 (H, W, 3), at another size as Pillow resizes it; of the same size it is as it was.

    Args:
        pixels: On any device.
        size: Width and height in pixels.
        filter_name: "nearest" or one of `WINDOWS`.
    """
    height, width = pixels.shape[:2]
    if size == (width, height):
        return pixels
    if filter_name == "nearest":
        return _nearest(pixels, size)
    new_width, new_height = size
    planes = to_planes(pixels)
    columns_first = TALL_COLUMNS_FIRST and height - new_height > max(0, 2 * (width - new_width))
    for columns in (columns_first, not columns_first):
        if columns and new_height != height:
            planes = _clipped(along_columns(planes, _line_filter(height, new_height, filter_name)))
        if not columns and new_width != width:
            planes = _clipped(_line_filter(width, new_width, filter_name)(planes))
    return from_planes(planes)


def _clipped(sums: Tensor) -> Tensor:
    """Sums in units of 1 / `ONE` as whole levels: halves up."""
    return ((sums + ONE // 2) / ONE).floor().clamp(0, 255)


def _nearest(pixels: Tensor, size: tuple[int, int]) -> Tensor:
    """The pixels that Pillow takes: it is asked for those of a ramp along each side."""
    import torch

    for axis, new in enumerate(reversed(size)):
        ramp = PillowImage.fromarray(np.arange(pixels.shape[axis], dtype=np.int32)[None])
        taken = np.asarray(ramp.resize((new, 1), PillowImage.Resampling.NEAREST))[0]
        pixels = pixels.index_select(axis, torch.tensor(taken, device=pixels.device))
    return pixels


@lru_cache(maxsize=64)
def _line_filter(old: int, new: int, filter_name: str) -> LineFilter:
    """Pillow's weights from a side of `old` pixels to one of `new`, in its own order of operations in float64."""
    window, scale = WINDOWS[filter_name], old / new
    stretch = max(scale, 1.0)
    support = window.support * stretch
    centre = (np.arange(new) + 0.5) * scale
    first = np.maximum((centre - support + 0.5).astype(np.intp), 0)
    last = np.minimum((centre + support + 0.5).astype(np.intp), old)
    place = first[:, None] + np.arange((last - first).max())
    weights = window.weight((place - centre[:, None] + 0.5) * (1 / stretch)) * (place < last[:, None])
    total = np.cumsum(weights, axis=1)[:, -1:]  # one after the other, as Pillow adds them
    weights = np.divide(weights, total, out=weights, where=total != 0)
    return LineFilter.of(np.arange(old), first, np.trunc(weights * ONE + np.copysign(0.5, weights)))
