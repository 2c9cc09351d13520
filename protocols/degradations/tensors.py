"""What degradations by torch share: filters of rows and columns, look-up tables, luma, blends.

Sums of filters are of whole numbers below 2**53 in float64, so that they are exact whatever the order in which a device
adds, and matrix products of reduced precision (TF32) have no part in them. All else is single operations of IEEE
arithmetic on each value. So every device gives the same pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detectors.api import Sample
from detectors.types import Facts

if TYPE_CHECKING:
    from torch import Tensor

LEVELS = 256
FRACTION_BITS = 22  # of the weights of filters, as Pillow has them
ONE = 1 << FRACTION_BITS
TILE = 32  # outputs that one matrix product makes at least: few, so that little of a matrix is zeros


@dataclass(frozen=True, slots=True)
class LineFilter:
    """A filter along one side of an image, whose outputs are weighted sums of neighbours.

    Some outputs at a time are one matrix product: what they see of the side, times a matrix.

    Attributes:
        count: Number of outputs, N.
        seen: Positions along the side that each tile of outputs sees, int (T, S).
        matrices: Of each tile of O outputs, whole numbers in units of 1 / `ONE`, float64 (T, S, O).
    """

    count: int
    seen: NDArray[np.intp]
    matrices: NDArray[np.float64]

    @classmethod
    def of(cls, inputs: NDArray[np.intp], first: NDArray[np.intp], weights: NDArray[np.float64]) -> LineFilter:
        """The filter of some weights.

        Args:
            inputs: Positions along the side as the filter passes over them, int (P,): a border repeats some.
            first: Of each output, the place among `inputs` of the first one that it sums, int (N,), ascending.
            weights: Of each output, those of the K inputs from there on, whole numbers in units of 1 / `ONE`, float64
                (N, K); zeros behind the last input.
        """
        count, taps = weights.shape
        size = min(count, max(TILE, taps))  # neighbours of a tile are seen by the next one too: a few times at most
        starts = first[::size, None]
        offsets = np.pad(first, (0, len(starts) * size - count), mode="edge").reshape(-1, size) - starts
        span = int(offsets.max()) + taps
        matrices = np.zeros((len(starts), span, size))
        output = np.arange(count)[:, None]
        rows = offsets.reshape(-1, 1)[:count] + np.arange(taps)
        matrices[output // size, rows, output % size] = weights
        return cls(count, inputs[np.minimum(starts + np.arange(span), len(inputs) - 1)], matrices)

    def __call__(self, lines: Tensor) -> Tensor:
        """Filter lines of whole numbers, float64 (..., L), to sums in 1 / `ONE` of their unit, float64 (..., N)."""
        import torch

        seen = lines[..., torch.from_numpy(self.seen).to(lines.device)]
        sums = torch.einsum("...ts,tso->...to", seen, torch.from_numpy(self.matrices).to(lines.device))
        return sums.flatten(-2)[..., : self.count]


def to_planes(pixels: Tensor) -> Tensor:
    """An image (H, W, 3) as float64 planes (3, H, W)."""
    return pixels.permute(2, 0, 1).double()


def from_planes(planes: Tensor) -> Tensor:
    """Planes (3, H, W) in levels as an image, uint8 (H, W, 3): rounded to the nearest, halves to even, and clipped."""
    return planes.round().clamp(0, LEVELS - 1).byte().permute(1, 2, 0)


def along_columns(planes: Tensor, line_filter: LineFilter) -> Tensor:
    """Planes (3, H, W) filtered along each column, to (3, N, W)."""
    return line_filter(planes.transpose(1, 2)).transpose(1, 2)


def by_table(apply: Callable[..., Sample]) -> Callable[..., Tensor]:
    """A degradation that changes each value by itself, by torch: looked up in what `apply` makes of every level.

    Args:
        apply: As `DegradationKind.apply`.
    """

    def look_up(pixels: Tensor, *parameters: float | str) -> Tensor:
        import torch

        ramp = np.repeat(np.arange(LEVELS, dtype=np.uint8)[None, :, None], 3, axis=2)
        table = apply(Sample(ramp, Facts("RAW", LEVELS, 1, ramp.nbytes)), *parameters).pixels[0, :, 0]
        return torch.tensor(table, device=pixels.device)[pixels.long()]

    return look_up


def luma(pixels: Tensor) -> Tensor:
    """0.299 R + 0.587 G + 0.114 B in 16-bit fractions, rounded to the nearest as Pillow does: int32 (H, W, 1)."""
    red, green, blue = pixels.int().unbind(2)
    sums: Tensor = 19595 * red + 38470 * green + 7471 * blue + (1 << 15)
    return (sums >> 16)[:, :, None]


def blended(grey: Tensor, pixels: Tensor, factor: float) -> Tensor:
    """`grey` plus `factor` times the distance to the pixels, in float32 as Pillow has it: cut to a level, and clipped.

    Args:
        grey: Levels of any shape and type that broadcasts to the image.
        pixels: uint8 (H, W, 3).
        factor: Any.
    """
    distance = pixels.float() - grey.float()
    return (grey.float() + distance * float(np.float32(factor))).clamp(0, LEVELS - 1).byte()
