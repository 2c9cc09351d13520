"""The network of FerretNet; import this module inside functions only."""

from __future__ import annotations

from itertools import starmap
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.utils.fusion import fuse_conv_bn_eval

from detectors.architectures.support.forward_pass import normalised
from detectors.preprocessing.augmentation import ChannelValues

# exchanges that leave the median of nine values in the fifth place (Devillard, "Fast median search", 1998)
MEDIAN_OF_NINE = (
    *((1, 2), (4, 5), (7, 8), (0, 1), (3, 4), (6, 7), (1, 2), (4, 5), (7, 8), (0, 3)),
    *((5, 8), (4, 7), (3, 6), (1, 4), (2, 5), (4, 7), (4, 2), (6, 4), (4, 2)),
)
# exchanges that leave the two middle ones of eight values in the fourth and fifth place (Batcher's odd-even merge sort,
# less what no middle one depends on)
MIDDLE_OF_EIGHT = (
    *((0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (1, 3), (4, 6), (5, 7), (1, 2), (5, 6)),
    *((0, 4), (1, 5), (2, 6), (3, 7), (2, 4), (3, 5), (3, 4)),
)
MIDDLE = 4
ROWS = 32  # of an image, which the median is taken of at a time


def local_median_residual(images: Tensor) -> Tensor:
    """Each value less the median of its eight neighbours and a zero in its own place, float32 (N, C, H, W).

    Beyond the edges is zero. Minima and maxima give the bits of `torch.median` in a fraction of its time, whatever the
    precision of convolutions; on a CPU a few rows at a time, which stay in its caches.
    """
    padded = pad(images, (1, 1, 1, 1))
    if images.device.type != "cpu":
        return images - _median(padded)
    rows = range(0, images.shape[2], ROWS)
    return torch.cat([images[:, :, row : row + ROWS] - _median(padded[:, :, row : row + ROWS + 2]) for row in rows], 2)


def _median(padded: Tensor) -> Tensor:
    """The median of each 3x3 window with a zero in its centre, (N, C, H, W), of values (N, C, H + 2, W + 2)."""
    height, width = padded.shape[2] - 2, padded.shape[3] - 2
    values = [padded[:, :, top : top + height, left : left + width] for top in range(3) for left in range(3)]
    values[MIDDLE] = torch.zeros_like(values[MIDDLE])
    for low, high in MEDIAN_OF_NINE:
        first, second = values[low], values[high]
        values[low], values[high] = torch.minimum(first, second), torch.maximum(first, second)
    return values[MIDDLE]


def pixel_median_residual(pixels: Tensor, mean: ChannelValues, std: ChannelValues) -> Tensor:
    """`local_median_residual` of normalised pixels, to the last bit, from pixels of 8 bits: uint8 (N, H, W, 3).

    Normalising keeps the order of pixels, so the middle two of the eight neighbours are found among bytes, of which a
    processor compares four times as many at once. The median with a zero lies between them, or is one of them.
    """
    images = normalised(pixels, mean, std)
    found = torch.stack([_median_of_bytes(one, mean, std) for one in pixels])
    residual = torch.empty_like(images)
    residual[:, :, 1:-1, 1:-1] = images[:, :, 1:-1, 1:-1] - found
    # windows at the edges hold zeros beside the one in the centre
    residual[:, :, :1] = local_median_residual(images[:, :, :2])[:, :, :1]
    residual[:, :, -1:] = local_median_residual(images[:, :, -2:])[:, :, -1:]
    residual[:, :, :, :1] = local_median_residual(images[:, :, :, :2])[:, :, :, :1]
    residual[:, :, :, -1:] = local_median_residual(images[:, :, :, -2:])[:, :, :, -1:]
    return residual


def _median_of_bytes(pixels: Tensor, mean: ChannelValues, std: ChannelValues) -> Tensor:
    """The medians of the windows inside one image, float32 (3, H - 2, W - 2), of its pixels, uint8 (H, W, 3)."""
    height, width = pixels.shape[0] - 2, pixels.shape[1] - 2
    places = [(top, left) for top in range(3) for left in range(3) if (top, left) != (1, 1)]
    values = [pixels[top : top + height, left : left + width] for top, left in places]
    for low, high in MIDDLE_OF_EIGHT:
        first, second = values[low], values[high]
        values[low], values[high] = torch.minimum(first, second), torch.maximum(first, second)
    lower, upper = (normalised(one[None], mean, std)[0] for one in values[3:5])
    return torch.maximum(lower, upper.clamp_max_(0))


class TwoDilations(nn.Module):
    """Two grouped convolutions, of dilation 1 and 2, added and mixed by a 1x1 convolution."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, groups=before, bias=False)
        self.conv2 = nn.Conv2d(before, after, 3, stride, padding=2, dilation=2, groups=before, bias=False)
        self.conv3 = nn.Conv2d(after, after, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Float (N, after, H / stride, W / stride)."""
        mixed: Tensor = self.conv3(self.conv1(maps) + self.conv2(maps))
        return mixed


class Separable(nn.Module):
    """A 3x3 convolution of each channel, mixed by a 1x1 convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depth_wise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.point_wise = nn.Conv2d(channels, channels, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Float, of the same shape."""
        mixed: Tensor = self.point_wise(self.depth_wise(maps))
        return mixed


class FerretBlock(nn.Module):
    """Two dilations, then a separable convolution, beside a shortcut."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            TwoDilations(before, after, stride),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            Separable(after),
            nn.BatchNorm2d(after),
        )
        same = before == after and stride == 1
        self.shortcut = (
            nn.Identity() if same else nn.Sequential(nn.Conv2d(before, after, 1, stride), nn.BatchNorm2d(after))
        )

    def forward(self, maps: Tensor) -> Tensor:
        """Float (N, after, H / stride, W / stride)."""
        return torch.relu(self.layers(maps) + self.shortcut(maps))


class FerretNet(nn.Module):
    """Separable convolutions on the residual of a local median.

    Args:
        channels: Channels after the second convolution: 32 in the published size S, 96 in B.
        blocks: Blocks of each stage, which doubles the channels and halves the sides.
        dropout: Before the last layer.
    """

    def __init__(self, channels: int = 32, blocks: tuple[int, ...] = (2, 2), dropout: float = 0.2) -> None:
        super().__init__()
        self.cbr1 = _convolution(3, channels // 2, 1)
        self.cbr2 = _convolution(channels // 2, channels, 2)
        widths = [channels << stage for stage in range(len(blocks) + 1)]
        stages = starmap(_stage, zip(widths, widths[1:], blocks, strict=False))
        self.feature = nn.Sequential(*stages, nn.Conv2d(widths[-1], widths[-1], 1, bias=False))
        self.logit = nn.Sequential(nn.Dropout(dropout), nn.Linear(widths[-1], 1))

    def forward(self, images: Tensor) -> Tensor:
        """Log odds, float (N, 1), of normalised images (N, 3, H, W)."""
        maps = self.feature(self.cbr2(self.cbr1(local_median_residual(images))))
        outputs: Tensor = self.logit(maps.mean((2, 3)))
        return outputs

    def fused(self) -> FusedFerretNet:
        """The same function of images for scoring, in about half of its time; logits move by parts in a million."""
        return FusedFerretNet(self)


class FusedBlock(nn.Module):
    """A block whose two dilations are one 5x5 convolution and whose normalisations are part of the convolutions."""

    def __init__(self, block: FerretBlock) -> None:
        super().__init__()
        dilations, separable = cast("TwoDilations", block.layers[0]), cast("Separable", block.layers[3])
        self.both = _one_convolution(dilations)
        self.mixed = _fuse(dilations.conv3, block.layers[1])
        self.depth_wise = separable.depth_wise
        self.point_wise = _fuse(separable.point_wise, block.layers[4])
        shortcut = block.shortcut
        self.shortcut = _fuse(shortcut[0], shortcut[1]) if isinstance(shortcut, nn.Sequential) else shortcut

    def forward(self, maps: Tensor) -> Tensor:
        """As `FerretBlock.forward`."""
        inner = self.point_wise(self.depth_wise(torch.relu_(self.mixed(self.both(maps)))))
        return torch.relu_(inner.add_(self.shortcut(maps)))


class FusedFerretNet(nn.Module):
    """FerretNet for scoring alone: convolutions and normalisations are one, in single precision."""

    def __init__(self, network: FerretNet) -> None:
        super().__init__()
        self.first, self.second = (_fuse(part[0], part[1]) for part in (network.cbr1, network.cbr2))
        blocks = [module for module in network.feature.modules() if isinstance(module, FerretBlock)]
        self.blocks, self.last = nn.Sequential(*map(FusedBlock, blocks)), network.feature[-1]
        self.logit = network.logit[1]

    def forward(self, images: Tensor) -> Tensor:
        """As `FerretNet.forward`."""
        return self.body(local_median_residual(images))

    def of_pixels(self, pixels: Tensor, mean: ChannelValues, std: ChannelValues) -> Tensor:
        """The same, of pixels that are not normalised yet, uint8 (N, H, W, 3)."""
        return self.body(pixel_median_residual(pixels, mean, std))

    def body(self, residual: Tensor) -> Tensor:
        """Log odds, float (N, 1), of the residual (N, 3, H, W)."""
        maps = torch.relu_(self.second(torch.relu_(self.first(residual))))
        outputs: Tensor = self.logit(self.last(self.blocks(maps)).mean((2, 3)))
        return outputs


def _one_convolution(dilations: TwoDilations) -> nn.Conv2d:
    """The sum of two convolutions of one input as one."""
    near, far = dilations.conv1, dilations.conv2
    kernel = torch.zeros(near.out_channels, 1, 5, 5, device=near.weight.device)
    kernel[:, :, 1:4, 1:4] += near.weight.detach()
    kernel[:, :, ::2, ::2] += far.weight.detach()
    stride = near.stride[0]
    whole = nn.Conv2d(near.in_channels, near.out_channels, 5, stride, padding=2, groups=near.groups, bias=False)
    whole.weight = nn.Parameter(kernel)
    return whole


def _fuse(convolution: nn.Module, normalisation: nn.Module) -> nn.Conv2d:
    """A convolution and the normalisation behind it as one convolution."""
    parts = cast("tuple[nn.Conv2d, nn.BatchNorm2d]", (convolution.eval(), normalisation.eval()))
    return fuse_conv_bn_eval(*parts)


def _convolution(before: int, after: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True))


def _stage(before: int, after: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(FerretBlock(before, after, 2), *(FerretBlock(after, after, 1) for _ in range(blocks - 1)))
