"""Networks on log spectra; import this module inside functions only."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.models.resnet import BasicBlock, ResNet

from detectors.architectures.small_networks import CellNet
from detectors.architectures.support.front_end import FrontEndNetwork

FLOOR = 1e-3  # of the modulus, where white is 1
LOW, HIGH = 0.05, 0.95  # shares of the frequencies that become less than -1 and less than 1


def spectra(images: Tensor) -> Tensor:
    """Log moduli of each channel's Fourier transform, float32 (N, C, H, W) in [-1, 1], of images in [0, 1].

    Frequency 0 stays in the corner. The 5th and 95th percentiles of each map become -1 and 1, and values beyond are
    clipped; where both are equal, as for a flat image, all values but those above them become -1.

    All is computed in double precision, as NumPy 1 did under the published code (NumPy 2 transforms float32 in single
    precision): else the rounding errors of strong frequencies reach the weak ones, which most are in a smooth image.
    """
    coefficients: Tensor = torch.fft.fft2(images.double())
    levels = (coefficients.abs() + FLOOR).log()
    low, high = (percentile(levels.flatten(2), share) for share in (LOW, HIGH))
    spread = (high - low).clamp_min(torch.finfo(torch.float64).tiny)
    return ((levels - low) / spread * 2 - 1).clamp(-1, 1).float()


def percentile(rows: Tensor, share: float) -> Tensor:
    """A percentile of the last axis, interpolated linearly as NumPy does: float (N, C, 1, 1), of (N, C, L)."""
    position = share * (rows.shape[-1] - 1)
    below = int(position)
    # selecting two values is several times as quick as sorting all of them
    pair = [rows.kthvalue(below + rank).values for rank in (1, 2)]
    return torch.lerp(pair[0], pair[1], position - below)[..., None, None]


class SpecResNet34(FrontEndNetwork, ResNet):  # type: ignore[misc]
    """ResNet-34 on spectra. Two outputs: "fake" and "real", in this order, as published."""

    generated_output = 0

    def __init__(self) -> None:
        super().__init__(BasicBlock, [3, 4, 6, 3], num_classes=2)

    def front_end(self, images: Tensor) -> Tensor:
        """Spectra of images (N, 3, H, W) in [0, 1]."""
        return spectra(images)

    def body(self, maps: Tensor) -> Tensor:  # type: ignore[override]
        """Two logits, float (N, 2), of spectra."""
        outputs: Tensor = ResNet.forward(self, maps)
        return outputs


class SmallSpecNet(FrontEndNetwork, CellNet):
    """The small network on spectra averaged over cells of 4x4 frequencies. See `CellNet`."""

    generated_output = 0

    def __init__(self, side: int, dropout: float) -> None:
        super().__init__(side, 2, dropout)

    def front_end(self, images: Tensor) -> Tensor:
        """Spectra of images (N, 3, side, side) in [0, 1]."""
        return spectra(images)

    def body(self, maps: Tensor) -> Tensor:  # type: ignore[override]
        """Two logits, "generated" and "real", float (N, 2), of spectra."""
        return CellNet.forward(self, maps)
