"""Small networks of several methods, for images of about 128 pixels; import this module inside functions only."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock


class SmallResNet(nn.Module):
    """A residual network for images of about 128 pixels: 0.3 million weights, no downsampling before the first block.

    One convolution and three blocks of torchvision's ResNet-18, each of which halves the sides; then the mean over all
    positions and one linear layer. Takes float (N, 3, H, W) with any H and W, gives float (N, outputs).
    """

    def __init__(self, outputs: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = _downsampling_block(16, 32)
        self.layer2 = _downsampling_block(32, 64)
        self.layer3 = _downsampling_block(64, 128)
        self.fc = nn.Linear(128, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Outputs of normalised images."""
        maps = self.relu(self.bn1(self.conv1(images)))
        maps = self.layer3(self.layer2(self.layer1(maps)))
        outputs: Tensor = self.fc(maps.mean((2, 3)))
        return outputs


class CellNet(nn.Module):
    """Two convolutions on maps averaged over cells of 4x4, and a linear layer on every position of the result.

    For spectra: one periodogram is mostly noise, to which a network that reads each frequency overfits.

    Args:
        side: Side of the maps.
        outputs: Number of outputs.
        dropout: Share of the features dropped in training.
    """

    def __init__(self, side: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.pool = nn.AvgPool2d(4)
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, 16, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
        )
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(16 * (side // 8) ** 2, outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """Outputs (N, outputs) of maps (N, 3, side, side)."""
        outputs: Tensor = self.fc(self.dropout(self.features(self.pool(maps)).flatten(1)))
        return outputs


def _downsampling_block(before: int, after: int) -> BasicBlock:
    """A residual block that halves the sides."""
    shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride=2, bias=False), nn.BatchNorm2d(after))
    return BasicBlock(before, after, 2, shortcut)
