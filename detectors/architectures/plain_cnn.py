"""A plain convolutional network; import this module inside functions only."""

from __future__ import annotations

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
