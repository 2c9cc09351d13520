"""Networks with Gram blocks; import this module inside functions only."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, ResNet

from detectors.architectures.gram_names import BLOCKS, SMALL_BLOCKS
from detectors.architectures.small_networks import SmallResNet

GRAM_CHANNELS = 32  # of the maps whose Gram matrix is taken, as published, and of the texture features of a block
SMALL_GRAM_CHANNELS = 16  # the same in the small network


def gram(maps: Tensor) -> Tensor:
    """Gram matrices, float (N, 1, C, C), of maps (N, C, H, W): mean products over all positions, divided by C."""
    rows = maps.flatten(2)
    products = rows @ rows.transpose(1, 2)
    return products[:, None] / rows[0].numel()


class _Scale(nn.Module):
    """One trained factor for all textures."""

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
        _add_blocks(self, (3, 64, 64, 64, 128, 256), GRAM_CHANNELS)
        self.fcnewr = nn.Sequential(
            nn.Linear(512 + len(BLOCKS) * GRAM_CHANNELS, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, outputs)
        )
        _init_convolutions(self)

    def forward(self, images: Tensor) -> Tensor:
        """Outputs (N, outputs) of images (N, 3, H, W)."""
        stem = self.relu(self.bn1(self.conv1(images)))
        pooled = self.maxpool(stem)
        maps1 = self.layer1(pooled)
        maps2 = self.layer2(maps1)
        maps3 = self.layer3(maps2)
        textures = _textures(self, (images, stem, pooled, maps1, maps2, maps3))
        outputs: Tensor = self.fcnewr(torch.cat([self.layer4(maps3).mean((2, 3)), *textures], 1))
        return outputs


class SmallGramNet(SmallResNet):
    """`SmallResNet` with Gram blocks on the input and the first two stages, where they cost little: one output."""

    def __init__(self) -> None:
        super().__init__()
        _add_blocks(self, (3, 32, 64), SMALL_GRAM_CHANNELS)
        self.fc = nn.Linear(128 + len(SMALL_BLOCKS) * SMALL_GRAM_CHANNELS, 1)
        _init_convolutions(self)

    def forward(self, images: Tensor) -> Tensor:
        """Log odds (N, 1) of normalised images (N, 3, H, W)."""
        maps1 = self.layer1(self.relu(self.bn1(self.conv1(images))))
        maps2 = self.layer2(maps1)
        textures = _textures(self, (images, maps1, maps2))
        outputs: Tensor = self.fc(torch.cat([self.layer3(maps2).mean((2, 3)), *textures], 1))
        return outputs


def _add_blocks(network: nn.Module, channels: Sequence[int], gram_channels: int) -> None:
    """Give a network a Gram block for each of several maps with these numbers of channels, the input first."""
    network.add_module("scale", _Scale())
    for (conv, first, second), map_channels in zip(BLOCKS, channels, strict=False):
        network.add_module(conv, _conv_block(map_channels, gram_channels, 1))
        network.add_module(first, _conv_block(1, 16, 2))
        network.add_module(second, _conv_block(16, gram_channels, 2))


def _textures(network: nn.Module, maps: Sequence[Tensor]) -> list[Tensor]:
    """The texture features of the Gram blocks on each of the maps, float (N, gram_channels) each."""
    parts = dict(network.named_children())
    textures = []
    for (conv, first, second), block_maps in zip(BLOCKS, maps, strict=False):
        features = parts[second](parts[first](gram(parts[conv](block_maps))))
        textures.append(parts["scale"](features.mean((2, 3))))
    return textures


def _conv_block(before: int, after: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU())


def _init_convolutions(network: nn.Module) -> None:
    """Initialise the convolutions as published."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
