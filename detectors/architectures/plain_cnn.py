"""A plain convolutional network; import this module inside functions only."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PlainCnn(nn.Module):
    """Convolutions, each followed by max-pooling, then dense layers; filters double and kernels grow by one.

    Args:
        side: Side of the images in pixels.
        filters: Filters of the first convolution.
        layers: Convolutions.
        dense: Width of the first dense layer; it halves twice.
        dropout: Share of the values dropped before each dense layer but the first.
    """

    def __init__(self, side: int, filters: int, layers: int, dense: int, dropout: float) -> None:
        super().__init__()
        parts: list[nn.Module] = []
        before = 3
        for number in range(layers):
            kernel, after = 2 + number, filters << number
            parts += [nn.Conv2d(before, after, kernel), nn.ReLU(), nn.MaxPool2d(2)]
            side, before = (side - kernel + 1) // 2, after
        self.features = nn.Sequential(*parts)
        width = before * side**2
        parts = []
        for after in (dense, dense // 2, dense // 4):
            parts += [nn.Linear(width, after), nn.ReLU(), nn.Dropout(dropout)]
            width = after
        self.dense = nn.Sequential(*parts)
        self.fc = nn.Linear(width, 2)

    def forward(self, images: Tensor) -> Tensor:
        """Two logits, "real" and "generated", float (N, 2), of normalised images (N, 3, side, side)."""
        outputs: Tensor = self.fc(self.dense(self.features(images).flatten(1)))
        return outputs


SMALL_SIDE = 96
FIRST_GAIN = 10.0  # brings differences of neighbouring pixels to the spread of the pixels


def small_plain_cnn() -> PlainCnn:
    """Four convolutions of 16 filters that double, for images of 96 pixels; the first one sees differences of pixels.

    With torch's own initial weights the signal fades over seven layers without normalisation, and what differs between
    neighbouring pixels is far below the colours of surfaces: so the others are scaled after He et al., ICCV 2015, arXiv
    1502.01852, and the first ones are without their mean, and larger.
    """
    network = PlainCnn(SMALL_SIDE, filters=16, layers=4, dense=64, dropout=0.0)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.zeros_(parameter)
        else:
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")
    first = network.get_parameter("features.0.weight")
    with torch.no_grad():
        first.copy_(FIRST_GAIN * (first - first.mean((2, 3), keepdim=True)))
    return network
