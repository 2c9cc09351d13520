"""Networks on log DCT coefficients; import this module inside functions only."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import hardshrink
from torchvision.models.resnet import Bottleneck, ResNet

from detectors.api import Runtime, TrainSet
from detectors.augment import View
from detectors.nets import CellNet
from detectors.showing import Shown

EPSILON = 1e-12  # added to each magnitude, as published
NOTHING = 1e-9  # a coefficient of whole grey levels below this is 0
BATCH = 32  # images whose statistics are taken at once


def basis(side: int, device: torch.device) -> Tensor:
    """The orthonormal type-II DCT as a matrix, float64 (side, side): frequencies by places."""
    places = torch.arange(side, dtype=torch.float64, device=device)
    waves = torch.cos(torch.pi / side * places[:, None] * (places + 0.5))
    waves[0] *= math.sqrt(0.5)
    return waves * math.sqrt(2 / side)


def log_dct(images: Tensor) -> Tensor:
    """Log magnitudes of each channel's DCT, float32 (N, C, H, W), of images (N, C, H, W) in [0, 1].

    The transform is that of whole grey levels, in double precision as published: the high frequencies of a smooth
    image are as small as the rounding errors of the low ones in single precision. A coefficient that vanishes, as of a
    flat image, is rounding in double precision too, and another one in every batch: it becomes 0.
    """
    levels = (images.contiguous() * 255).round().double()
    height, width = images.shape[2:]
    waves = basis(height, images.device) @ levels @ basis(width, images.device).T
    return (hardshrink(waves, NOTHING).abs() + EPSILON).float().log()


def statistics(images: TrainSet, indices: Sequence[int], view: View, runtime: Runtime) -> tuple[Tensor, Tensor]:
    """Mean and population variance of each log DCT coefficient over some images as early stopping sees them.

    Batches are merged in double precision after Chan, Golub and LeVeque, 1979, in an order that the names give. A
    coefficient that is the same in all images has variance 1: it is moved to 0 and nothing else.

    Returns:
        Two tensors, float32 (3, H, W), on the CPU.
    """
    count, mean, squares = 0, torch.zeros(()), torch.zeros(())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for batch, _ in Shown(images, view, BATCH, 0, pool).validation(indices, 0):
            pixels = torch.from_numpy(np.stack(batch)).to(runtime.device).permute(0, 3, 1, 2)
            levels = log_dct(pixels.float() / 255).cpu().double()
            added, seen = len(batch), count
            count += added
            step = levels.mean(0) - mean
            mean = mean + step * (added / count)
            squares = squares + levels.var(0, correction=0) * added + step**2 * (seen * added / count)
    variance = squares / count
    changes = variance.sqrt() > torch.finfo(torch.float32).eps * mean.abs()
    return mean.float(), torch.where(changes, variance, 1).float()


class LogDct(nn.Module):
    """Log DCT coefficients, each scaled by its mean and variance over the train set.

    Args:
        side: Side of the images in pixels.
    """

    mean: Tensor
    var: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(3, side, side))
        self.register_buffer("var", torch.ones(3, side, side))

    def forward(self, images: Tensor) -> Tensor:
        """Scaled coefficients, float32 (N, 3, side, side), of images in [0, 1]."""
        scaled: Tensor = (log_dct(images) - self.mean) / self.var.sqrt()
        return scaled


class DctResNet50(ResNet):  # type: ignore[misc]
    """ResNet-50 on scaled log DCT coefficients. One output."""

    def __init__(self, side: int) -> None:
        super().__init__(Bottleneck, [3, 4, 6, 3], num_classes=1)
        self.dct = LogDct(side)

    def forward(self, images: Tensor) -> Tensor:
        """Log odds (N, 1) of images (N, 3, side, side) in [0, 1]."""
        outputs: Tensor = super().forward(self.dct(images))
        return outputs


class SmallDctNet(CellNet):
    """The small network on coefficients averaged over cells of 4x4 frequencies. See `CellNet`."""

    def __init__(self, side: int, dropout: float) -> None:
        super().__init__(side, 1, dropout)
        self.dct = LogDct(side)

    def forward(self, images: Tensor) -> Tensor:
        """Log odds (N, 1) of images (N, 3, side, side) in [0, 1]."""
        return super().forward(self.dct(images))
