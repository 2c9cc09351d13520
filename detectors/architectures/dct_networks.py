"""Networks on log DCT coefficients; import this module inside functions only."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import hardshrink
from torchvision.models.resnet import Bottleneck, ResNet

from detectors.architectures.small_networks import CellNet
from detectors.architectures.support.front_end import FrontEndNetwork

EPSILON = 1e-12  # added to each magnitude, as published
ROUNDING = 1e-9  # a coefficient of whole grey levels below this is a rounding error


def dct_matrix(side: int, device: torch.device) -> Tensor:
    """The orthonormal type-II DCT as a matrix, float64 (side, side): frequencies by positions."""
    indices = torch.arange(side, dtype=torch.float64, device=device)
    matrix = torch.cos(torch.pi / side * indices[:, None] * (indices + 0.5))
    matrix[0] *= math.sqrt(0.5)
    return matrix * math.sqrt(2 / side)


def log_dct(images: Tensor) -> Tensor:
    """Log magnitudes of each channel's DCT, float32 (N, C, H, W), of images (N, C, H, W) in [0, 1].

    The transform is that of whole grey levels, in double precision as published: the high frequencies of a smooth
    image are as small as the rounding errors of the low ones in single precision. A coefficient that vanishes, as of a
    flat image, is a rounding error in double precision too, which depends on the batch: it is set to 0.
    """
    levels = (images.contiguous() * 255).round().double()
    height, width = images.shape[2:]
    coefficients = dct_matrix(height, images.device) @ levels @ dct_matrix(width, images.device).T
    return (hardshrink(coefficients, ROUNDING).abs() + EPSILON).float().log()


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


class DctResNet50(FrontEndNetwork, ResNet):  # type: ignore[misc]
    """ResNet-50 on scaled log DCT coefficients. One output."""

    def __init__(self, side: int) -> None:
        super().__init__(Bottleneck, [3, 4, 6, 3], num_classes=1)
        self.dct = LogDct(side)

    def front_end(self, images: Tensor) -> Tensor:
        """Scaled coefficients of images (N, 3, side, side) in [0, 1]."""
        coefficients: Tensor = self.dct(images)
        return coefficients

    def body(self, coefficients: Tensor) -> Tensor:  # type: ignore[override]
        """Log odds (N, 1) of scaled coefficients."""
        outputs: Tensor = ResNet.forward(self, coefficients)
        return outputs


class SmallDctNet(FrontEndNetwork, CellNet):
    """The small network on coefficients averaged over cells of 4x4 frequencies. See `CellNet`."""

    def __init__(self, side: int, dropout: float) -> None:
        super().__init__(side, 1, dropout)
        self.dct = LogDct(side)

    def front_end(self, images: Tensor) -> Tensor:
        """Scaled coefficients of images (N, 3, side, side) in [0, 1]."""
        coefficients: Tensor = self.dct(images)
        return coefficients

    def body(self, coefficients: Tensor) -> Tensor:  # type: ignore[override]
        """Log odds (N, 1) of scaled coefficients."""
        return CellNet.forward(self, coefficients)
