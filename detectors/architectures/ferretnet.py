"""The network of FerretNet; import this module inside functions only."""

from __future__ import annotations

from itertools import starmap

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

# exchanges that leave the median of nine values in the fifth place (Devillard, "Fast median search", 1998)
MEDIAN_OF_NINE = (
    *((1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3)),
    *((5, 8), (4, 7), (3, 6), (1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2)),
)
MIDDLE = 4


def local_median_residual(images: Tensor) -> Tensor:
    """Each value less the median of its eight neighbours and a zero in its own place, float32 (N, C, H, W).

    Beyond the edges is zero. Minima and maxima give the bits of `torch.median` in a quarter of its time, whatever the
    precision of convolutions.
    """
    height, width = images.shape[2:]
    padded = pad(images, (1, 1, 1, 1))
    values = [padded[:, :, top : top + height, left : left + width] for top in range(3) for left in range(3)]
    values[MIDDLE] = torch.zeros_like(images)
    for low, high in MEDIAN_OF_NINE:
        first, second = values[low], values[high]
        values[low], values[high] = torch.minimum(first, second), torch.maximum(first, second)
    return images - values[MIDDLE]


class TwoDilations(nn.Module):
    """Two grouped convolutions, of dilation 1 and 2, added and mixed by a 1x1 convolution."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, groups=before, bias=False)
        self.conv2 = nn.Conv2d(before, after, 3, stride, padding=2, dilation=2, groups=before, bias=False)
        self.conv3 = nn.Conv2d(after, after, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Float (N, after, H / stride, W / stride)."""
        mixed: Tensor = self.conv3(self.conv1(maps) + self.conv2(maps))
        return mixed


class Separable(nn.Module):
    """A 3x3 convolution of each channel, mixed by a 1x1 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depth_wise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.point_wise = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Float, of the same shape."""
        mixed: Tensor = self.point_wise(self.depth_wise(maps))
        return mixed


class FerretBlock(nn.Module):
    """Two dilations, then a separable convolution, beside a shortcut."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            TwoDilations(before, after, stride),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            Separable(after),
            nn.BatchNorm2d(after),
        )
        same = before == after and stride == 1
        self.shortcut = (
            nn.Identity() if same else nn.Sequential(nn.Conv2d(before, after, 1, stride), nn.BatchNorm2d(after))
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Float (N, after, H / stride, W / stride)."""
        return torch.relu(self.layers(maps) + self.shortcut(maps))


class FerretNet(nn.Module):
    """Separable convolutions on the residual of a local median.

    Args:
        channels: Channels after the second convolution: 32 in the published size S, 96 in B.
        blocks: Blocks of each stage, which doubles the channels and halves the sides.
        dropout: Before the last layer.
    """

    def __init__(self, channels: int = 32, blocks: tuple[int, ...] = (2, 2), dropout: float = 0.2) -> None:
        super().__init__()
        self.cbr1 = _convolution(3, channels // 2, 1)
        self.cbr2 = _convolution(channels // 2, channels, 2)
        widths = [channels << stage for stage in range(len(blocks) + 1)]
        stages = starmap(_stage, zip(widths, widths[1:], blocks, strict=False))
        self.feature = nn.Sequential(*stages, nn.Conv2d(widths[-1], widths[-1], 1, bias=False))
        self.logit = nn.Sequential(nn.Dropout(dropout), nn.Linear(widths[-1], 1))

    def forward(self, images: Tensor) -> Tensor:
        """Log odds, float (N, 1), of normalised images (N, 3, H, W)."""
        maps = self.feature(self.cbr2(self.cbr1(local_median_residual(images))))
        outputs: Tensor = self.logit(maps.mean((2, 3)))
        return outputs


def _convolution(before: int, after: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True))


def _stage(before: int, after: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(FerretBlock(before, after, 2), *(FerretBlock(after, after, 1) for _ in range(blocks - 1)))
