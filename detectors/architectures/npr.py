"""The network of NPR; import this module inside functions only."""

from __future__ import annotations

from torch import Tensor, nn
from torchvision.models.resnet import Bottleneck

from detectors.architectures.support.front_end import FrontEndNetwork


def neighbour_residual(images: Tensor) -> Tensor:
    """Each pixel less the first of its 2x2 cell, float (N, C, H, W); the last line of an odd side is dropped.

    The same as subtracting nearest-neighbour upsampling of nearest-neighbour downsampling by two.
    """
    even = images[:, :, : images.shape[2] // 2 * 2, : images.shape[3] // 2 * 2]
    first_pixels = even[:, :, ::2, ::2]
    return even - first_pixels.repeat_interleave(2, 2).repeat_interleave(2, 3)


class NprNet(FrontEndNetwork):
    """The first half of a ResNet-50 on neighbouring-pixel relationships.

    Args:
        channels: Channels of the first convolution; 64 as published.
        blocks: Bottlenecks of the one or two stages; 3 and 4 as published.
    """

    def __init__(self, channels: int = 64, blocks: tuple[int, ...] = (3, 4)) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, channels, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = _stage(channels, channels, blocks[0], 1)
        self.layer2 = _stage(4 * channels, 2 * channels, blocks[1], 2) if len(blocks) > 1 else nn.Identity()
        self.fc1 = nn.Linear(4 * channels * len(blocks), 1)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def front_end(self, images: Tensor) -> Tensor:
        """Residuals (N, 3, H, W) of normalised images, times the published factor."""
        return neighbour_residual(images) * (2 / 3)

    def body(self, residuals: Tensor) -> Tensor:  # type: ignore[override]
        """Log odds, float (N, 1)."""
        maps = self.relu(self.bn1(self.conv1(residuals)))
        maps = self.layer2(self.layer1(self.maxpool(maps)))
        outputs: Tensor = self.fc1(maps.mean((2, 3)))
        return outputs


def _stage(before: int, width: int, blocks: int, stride: int) -> nn.Sequential:
    """Bottlenecks that give four times their width; the first one may halve the sides."""
    after = 4 * width
    shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after))
    rest = [Bottleneck(after, width) for _ in range(blocks - 1)]
    return nn.Sequential(Bottleneck(before, width, stride, shortcut), *rest)
