"""The network of AOT-PixelNet; import this module inside functions only."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from scipy.linalg import hadamard
from torch import Tensor, nn

from detectors.architectures.support.front_end import FrontEndNetwork

BLOCK = 8  # side of a block in pixels
COEFFICIENTS = 3 * BLOCK * BLOCK  # of one block in three channels
REDUCTION = 16  # channels of a block over the hidden ones of its gate
LOUDNESS = 20.0


def walsh_matrix() -> Tensor:
    """The orthogonal Walsh matrix, float32 (8, 8): rows of +-1 / sqrt(8), ordered by their changes of sign."""
    rows = hadamard(BLOCK)
    changes = (np.diff(rows, axis=1) != 0).sum(axis=1)
    return torch.from_numpy((rows[np.argsort(changes)] / np.sqrt(BLOCK)).astype(np.float32))


def block_spectrum(images: Tensor) -> Tensor:
    """The logarithm of the Walsh spectrum of each block of 8x8 values, float32 (N, 64 C, H / 8, W / 8).

    Rows and columns that fill no block are left out. The 64 coefficients of a channel stand together, row by row.
    """
    count, channels, height, width = images.shape
    rows, columns = height // BLOCK, width // BLOCK
    whole = images[:, :, : rows * BLOCK, : columns * BLOCK]
    blocks = whole.reshape(count, channels, rows, BLOCK, columns, BLOCK).permute(0, 1, 2, 4, 3, 5)
    walsh = walsh_matrix().to(images.device)
    spectrum = LOUDNESS * torch.log1p((walsh @ blocks.float() @ walsh.T).abs())
    return spectrum.flatten(4).permute(0, 1, 4, 2, 3).reshape(count, channels * BLOCK * BLOCK, rows, columns)


class Gate(nn.Module):
    """Squeeze and excitation: each channel times a share in [0, 1] that the means of all channels decide."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = channels // REDUCTION
        self.conv = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False), nn.ReLU(), nn.Conv2d(hidden, channels, 1, bias=False)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Float, of the same shape."""
        return maps * torch.sigmoid(self.conv(maps.mean((2, 3), keepdim=True)))


class PixelBlock(nn.Module):
    """A bottleneck of 1x1 convolutions with a gate before its shortcut is added."""

    def __init__(self, before: int, width: int) -> None:
        super().__init__()
        after = 4 * width
        self.conv1 = nn.Conv2d(before, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(after)
        self.se = Gate(after)
        self.relu = nn.ReLU(inplace=True)
        same = before == after
        self.downsample = (
            None if same else nn.Sequential(nn.Conv2d(before, after, 1, bias=False), nn.BatchNorm2d(after))
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Float (N, 4 width, H, W)."""
        inner = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(maps))))))
        inner = self.se(self.bn3(self.conv3(inner)))
        return torch.relu(inner + (maps if self.downsample is None else self.downsample(maps)))


class AotPixelNet(FrontEndNetwork):
    """1x1 convolutions on the Walsh spectrum of each block of pixels; two logits, the second one of "generated".

    Args:
        channels: Of the first convolution; 64 as published.
        blocks: Bottlenecks of each stage.
    """

    def __init__(self, channels: int = 64, blocks: tuple[int, ...] = (3, 4)) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(COEFFICIENTS, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        widths = [channels, *(4 * channels << stage for stage in range(len(blocks)))]
        self.stages = tuple(f"layer{number + 1}" for number in range(len(blocks)))
        for name, (before, after), count in zip(self.stages, pairwise(widths), blocks, strict=True):
            rest = [PixelBlock(after, after // 4) for _ in range(count - 1)]
            self.add_module(name, nn.Sequential(PixelBlock(before, after // 4), *rest))
        self.fc1 = nn.Linear(widths[-1], 2)

    def front_end(self, images: Tensor) -> Tensor:
        """The spectrum of the blocks of normalised YCbCr images (N, 3, H, W)."""
        return block_spectrum(images)

    def body(self, spectrum: Tensor) -> Tensor:  # type: ignore[override]
        """Two logits, float (N, 2)."""
        maps = self.relu(self.bn1(self.conv1(spectrum)))
        for name in self.stages:
            maps = self.get_submodule(name)(maps)
        outputs: Tensor = self.fc1(maps.mean((2, 3)))
        return outputs
