"""Networks with Gram blocks; import this module inside functions only."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, ResNet

from detectors.architectures.gram_names import BLOCKS
from detectors.architectures.small_networks import SmallResNet

LOOKS = 32  # channels whose products a Gram matrix holds, as published; also the features that a block gives
SMALL_LOOKS = 16  # the same in the small network


def gram(maps: Tensor) -> Tensor:
    """Gram matrices, float (N, 1, C, C), of maps (N, C, H, W): mean products over all places, divided by C."""
    rows = maps.flatten(2)
    products = rows @ rows.transpose(1, 2)
    return products[:, None] / rows[0].numel()


class _Scale(nn.Module):
    """One learnt factor for all textures."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, features: Tensor) -> Tensor:
        return features * self.scale


class GramResNet18(ResNet):  # type: ignore[misc]
    """ResNet-18 with six Gram blocks, under the published names.

    Two outputs are log odds of "fake" and "real", in this order, up to a constant: the published network ends in a
    log-softmax, which changes no difference.
    """

    generated_output = 0

    def __init__(self, outputs: int = 2) -> None:
        super().__init__(BasicBlock, [2, 2, 2, 2])
        del self.fc
        _add_blocks(self, (3, 64, 64, 64, 128, 256), LOOKS)
        self.fcnewr = nn.Sequential(
            nn.Linear(512 + len(BLOCKS) * LOOKS, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, outputs)
        )
        _draw(self)

    def forward(self, images: Tensor) -> Tensor:
        """Outputs (N, outputs) of images (N, 3, H, W)."""
        first = self.relu(self.bn1(self.conv1(images)))
        pooled = self.maxpool(first)
        one = self.layer1(pooled)
        two = self.layer2(one)
        three = self.layer3(two)
        textures = _textures(self, (images, first, pooled, one, two, three))
        outputs: Tensor = self.fcnewr(torch.cat([self.layer4(three).mean((2, 3)), *textures], 1))
        return outputs


class SmallGramNet(SmallResNet):
    """`SmallResNet` with Gram blocks on the input and the first two stages, where they are quick: one output."""

    def __init__(self) -> None:
        super().__init__()
        _add_blocks(self, (3, 32, 64), SMALL_LOOKS)
        self.fc = nn.Linear(128 + 3 * SMALL_LOOKS, 1)
        _draw(self)

    def forward(self, images: Tensor) -> Tensor:
        """Log odds (N, 1) of normalised images (N, 3, H, W)."""
        one = self.layer1(self.relu(self.bn1(self.conv1(images))))
        two = self.layer2(one)
        textures = _textures(self, (images, one, two))
        outputs: Tensor = self.fc(torch.cat([self.layer3(two).mean((2, 3)), *textures], 1))
        return outputs


def _add_blocks(network: nn.Module, channels: Sequence[int], looks: int) -> None:
    """Give a network a Gram block for each of some maps, the input first."""
    network.add_module("scale", _Scale())
    for (look, first, second), width in zip(BLOCKS, channels, strict=False):
        network.add_module(look, _unit(width, looks, 1))
        network.add_module(first, _unit(1, 16, 2))
        network.add_module(second, _unit(16, looks, 2))


def _textures(network: nn.Module, maps: Sequence[Tensor]) -> list[Tensor]:
    """What the Gram blocks say of their maps, each float (N, looks)."""
    parts = dict(network.named_children())
    textures = []
    for (look, first, second), one in zip(BLOCKS, maps, strict=False):
        read = parts[second](parts[first](gram(parts[look](one))))
        textures.append(parts["scale"](read.mean((2, 3))))
    return textures


def _unit(before: int, after: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())


def _draw(network: nn.Module) -> None:
    """Draw the convolutions as published."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
