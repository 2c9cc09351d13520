"""The networks of LaDeDa and Tiny-LaDeDa; import this module inside functions only."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d

from detectors.architectures.filter_names import FILTERS, InputFilter
from detectors.architectures.npr import neighbour_residual
from detectors.architectures.support.front_end import FrontEndNetwork

KERNELS: dict[InputFilter, tuple[tuple[int, ...], ...]] = {  # cross-correlated with each channel, zeros beyond edges
    "x_grad": ((-1, 0, 1), (-2, 0, 2), (-1, 0, 1)),
    "y_grad": ((-1, -2, -1), (0, 0, 0), (1, 2, 1)),
    "left_diag": ((0, 1, 2), (-1, 0, 1), (-2, -1, 0)),
    "right_diag": ((-2, -1, 0), (-1, 0, 1), (0, 1, 2)),
}


def filtered(images: Tensor, name: InputFilter) -> Tensor:
    """Images (N, C, H, W) after one of the fixed filters."""
    if name == "NPR":
        return neighbour_residual(images)
    if name == "raw":
        return images
    channels = images.shape[1]
    kernel = torch.tensor(KERNELS[name], dtype=torch.float32, device=images.device).expand(channels, 1, 3, 3)
    return conv2d(images, kernel, padding="same", groups=channels)


class FilteredNet(FrontEndNetwork):
    """A network behind a fixed filter of its input, which its weights name: `input_filter` is an index of `FILTERS`."""

    input_filter: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("input_filter", torch.tensor(0))

    def front_end(self, images: Tensor) -> Tensor:
        """Images (N, C, H, W) after the filter; as they are where no weights are loaded yet."""
        if self.input_filter.is_meta:
            return images
        return filtered(images, FILTERS[int(self.input_filter)])


def whole_average(maps: Tensor) -> Tensor:
    """The mean of each map, float (N, C), of maps (N, C, H, W), summed in the order of the published code.

    Pooling adds value after value in float32: over a map of 126x126 it differs from `mean` by parts in 100,000, which
    the last layer of the published weights turns into three parts in 10,000 of a score.
    """
    kernel = [int(side) for side in maps.shape[2:]]  # whole numbers, where a traced shape is none
    return avg_pool2d(maps.contiguous(), kernel).flatten(1)


class PatchBottleneck(nn.Module):
    """A bottleneck without padding: its shortcut loses its last rows and columns where the block does."""

    def __init__(self, before: int, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        after = 4 * width
        self.conv1 = nn.Conv2d(before, width, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, kernel, stride, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = nn.Conv2d(width, after, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        same = before == after and stride == 1
        self.downsample = (
            None if same else nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Float (N, 4 width, H', W')."""
        inner = self.relu(self.bn2(self.conv2(self.relu(self.bn1(self.conv1(maps))))))
        inner = self.bn3(self.conv3(inner))
        shortcut = maps if self.downsample is None else self.downsample(maps)
        return torch.relu(inner + shortcut[:, :, : inner.shape[2], : inner.shape[3]])


class LaDeDaNet(FilteredNet):
    """A residual network whose outputs see 9x9 pixels each; the mean of their log odds is that of the image.

    Args:
        channels: Of the first convolution; 64 as published.
        blocks: Bottlenecks of each stage.
        kernels: Of the first bottleneck of each stage; all others are 1x1.
        strides: Of the first bottleneck of each stage.
        momentum: Of the first normalisation, whose statistics follow thousands of batches as published.
    """

    def __init__(
        self,
        channels: int = 64,
        blocks: tuple[int, ...] = (3, 4, 6, 3),
        kernels: tuple[int, ...] = (3, 3, 1, 1),
        strides: tuple[int, ...] = (2, 2, 2, 1),
        momentum: float = 0.001,
    ) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels, momentum=momentum)
        self.relu = nn.ReLU(inplace=True)
        widths = [channels, *(4 * channels << stage for stage in range(len(blocks)))]
        self.stages = tuple(f"layer{number + 1}" for number in range(len(blocks)))
        for number, (before, after) in enumerate(pairwise(widths)):
            first = PatchBottleneck(before, after // 4, kernels[number], strides[number])
            rest = [PatchBottleneck(after, after // 4, 1, 1) for _ in range(blocks[number] - 1)]
            self.add_module(self.stages[number], nn.Sequential(first, *rest))
        self.fc = nn.Linear(widths[-1], 1)
        initialise(self)

    def body(self, images: Tensor) -> Tensor:  # type: ignore[override]
        """Log odds, float (N, 1), of filtered images (N, 3, H, W)."""
        maps = self.relu(self.bn1(self.conv2(self.conv1(images))))
        for name in self.stages:
            maps = self.get_submodule(name)(maps)
        outputs: Tensor = self.fc(whole_average(maps))
        return outputs


class TinyBlock(nn.Module):
    """A 1x1 and a 3x3 convolution of stride 2, without padding and without a shortcut."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride=2, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, maps: Tensor) -> Tensor:
        """Float (N, channels, H', W')."""
        maps = self.relu(self.bn1(self.conv1(maps)))
        return self.relu(self.bn2(self.conv2(maps)))  # type: ignore[no-any-return]


class TinyLaDeDaNet(FilteredNet):
    """Four convolutions of eight channels, whose outputs see 5x5 filtered pixels each.

    Args:
        channels: Of every convolution.
        momentum: Of the first normalisation, whose statistics follow thousands of batches as published.
    """

    def __init__(self, channels: int = 8, momentum: float = 0.001) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, channels, 1, bias=False)
        self.conv2 = nn.Conv2d(channels, channels, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(channels, momentum=momentum)
        self.relu = nn.ReLU(inplace=True)
        self.layer1 = nn.Sequential(TinyBlock(channels))
        self.fc = nn.Linear(channels, 1)
        initialise(self)

    def body(self, images: Tensor) -> Tensor:  # type: ignore[override]
        """Log odds, float (N, 1), of filtered images (N, 3, H, W)."""
        maps = self.layer1(self.relu(self.bn1(self.conv2(self.conv1(images)))))
        outputs: Tensor = self.fc(whole_average(maps))
        return outputs


def initialise(network: nn.Module) -> None:
    """Normal weights of convolutions whose variance is 2 over kernel area times outputs, in place."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
