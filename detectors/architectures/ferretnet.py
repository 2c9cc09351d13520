"""The network of FerretNet; import this module inside functions only."""

from __future__ import annotations

from itertools import starmap
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import pad
from torch.nn.utils.fusion import fuse_conv_bn_eval

from detectors.architectures.support.forward_pass import normalised_planes
from detectors.architectures.support.front_end import FrontEndNetwork
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
    planes = pixels.permute(0, 3, 1, 2).contiguous()
    images = normalised_planes(planes, mean, std)
    residual = torch.empty_like(images)
    residual[:, :, 1:-1, 1:-1] = images[:, :, 1:-1, 1:-1] - _median_of_bytes(planes, mean, std)
    # windows at the edges hold zeros beside the one in the centre
    residual[:, :, :1] = local_median_residual(images[:, :, :2])[:, :, :1]
    residual[:, :, -1:] = local_median_residual(images[:, :, -2:])[:, :, -1:]
    residual[:, :, :, :1] = local_median_residual(images[:, :, :, :2].mT).mT[:, :, :, :1]
    residual[:, :, :, -1:] = local_median_residual(images[:, :, :, -2:].mT).mT[:, :, :, -1:]
    return residual


def _median_of_bytes(planes: Tensor, mean: ChannelValues, std: ChannelValues) -> Tensor:
    """The medians of the windows inside images, float32 (N, 3, H - 2, W - 2), of their pixels, uint8 (N, 3, H, W)."""
    height, width = planes.shape[2] - 2, planes.shape[3] - 2
    places = [(top, left) for top in range(3) for left in range(3) if (top, left) != (1, 1)]
    values = [planes[:, :, top : top + height, left : left + width] for top, left in places]
    for low, high in MIDDLE_OF_EIGHT:
        first, second = values[low], values[high]
        values[low], values[high] = torch.minimum(first, second), torch.maximum(first, second)
    lower, upper = (normalised_planes(one, mean, std) for one in values[3:5])
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


class FerretNet(FrontEndNetwork):
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

    def front_end(self, images: Tensor) -> Tensor:
        """The residual of the local median of normalised images (N, 3, H, W)."""
        return local_median_residual(images)

    def body(self, residual: Tensor) -> Tensor:  # type: ignore[override]
        """Log odds, float (N, 1), of the residual (N, 3, H, W)."""
        maps = self.feature(self.cbr2(self.cbr1(residual)))
        outputs: Tensor = self.logit(maps.mean((2, 3)))
        return outputs

    def fused(self) -> FusedFerretNet:
        """The same function of images for scoring, in less time; logits move by parts in a million."""
        return FusedFerretNet(self)


class FusedBlock(nn.Module):
    """A block for scoring: its two dilations are one 5x5 convolution and normalisations are part of the convolutions.

    Channels that are zero in every image are left out, and so is what reads them; a released file has many.

    Args:
        block: What to compute.
        inputs: Channels of the maps that come in, int64; the others are zero.

    Attributes:
        outputs: Channels of the maps that go out, int64; the others are zero.
    """

    def __init__(self, block: FerretBlock, inputs: Tensor) -> None:
        super().__init__()
        dilations, separable = cast("TwoDilations", block.layers[0]), cast("Separable", block.layers[3])
        mixed, last = _fuse(dilations.conv3, block.layers[1]), _fuse(separable.point_wise, block.layers[4])
        kernels, depth_wise = _one_kernel(dilations), separable.depth_wise.weight
        # of a channel that gives several, one convolution gives the first and one the second: libraries are quick then
        times = len(kernels) // dilations.conv1.in_channels
        given = [inputs * times + place for place in range(times)]
        self.both = nn.ModuleList(_depth_wise(kernels[channels], dilations.conv1.stride[0]) for channels in given)
        mixed.weight.data *= kernels.flatten(1).any(1)[:, None, None]
        read = depth_wise.flatten(1).any(1) & last.weight.flatten(1).any(0)
        inner = _indices(_alive(mixed, torch.cat(given)) & read)
        self.mixed = _part(mixed, torch.cat(given), inner)
        self.depth_wise = _depth_wise(depth_wise[inner], 1)

        self.shortcut: nn.Conv2d | None = None
        if isinstance(block.shortcut, nn.Sequential):
            shortcut = _fuse(block.shortcut[0], block.shortcut[1])
            reads = last.weight[:, inner].flatten(1).any(1) | shortcut.weight[:, inputs].flatten(1).any(1)
            biases = cast("Tensor", last.bias) + cast("Tensor", shortcut.bias)
            self.outputs = _indices(reads | (biases > 0))
            self.shortcut = _part(shortcut, inputs, self.outputs)
        else:
            others = _alive(last, inner)
            others[inputs] = False
            self.outputs = torch.cat([inputs, others.nonzero()[:, 0]])
        self.last = _part(last, inner, self.outputs)

    def forward(self, maps: Tensor) -> Tensor:
        """Float (N, outputs, H / stride, W / stride), of the channels that come in."""
        parts = [convolution(maps) for convolution in self.both]
        both = parts[0] if len(parts) == 1 else torch.cat(parts, 1)
        found = self.last(self.depth_wise(torch.relu_(self.mixed(both))))
        short = maps if self.shortcut is None else self.shortcut(maps)
        found[:, : short.shape[1]] += short
        return torch.relu_(found)


class FusedFerretNet(FrontEndNetwork):
    """FerretNet for scoring alone, in the precision of the runtime: as `FusedBlock`, throughout."""

    def __init__(self, network: FerretNet) -> None:
        super().__init__()
        first, second = (_fuse(part[0], part[1]) for part in (network.cbr1, network.cbr2))
        colours = torch.arange(3)
        maps = _indices(_alive(first, colours))
        self.first = _part(first, colours, maps)
        found = _indices(_alive(second, maps))
        self.second = _part(second, maps, found)
        self.blocks = nn.Sequential()
        for block in (module for module in network.feature.modules() if isinstance(module, FerretBlock)):
            fused = FusedBlock(block, found)
            found = fused.outputs
            self.blocks.append(fused)
        last = cast("nn.Conv2d", network.feature[-1])
        self.last = _part(last, found, torch.arange(last.out_channels))
        self.logit = network.logit[1]

    def front_end(self, images: Tensor) -> Tensor:
        """As `FerretNet.front_end`."""
        return local_median_residual(images)

    def pixel_front_end(self, pixels: Tensor, mean: ChannelValues, std: ChannelValues) -> Tensor:
        """The same, of pixels that are not normalised yet, uint8 (N, H, W, 3), in less time."""
        return pixel_median_residual(pixels, mean, std)

    def body(self, residual: Tensor) -> Tensor:  # type: ignore[override]
        """Log odds, float (N, 1), of the residual (N, 3, H, W)."""
        maps = self.blocks(torch.relu_(self.second(torch.relu_(self.first(residual)))))
        means = self.last(maps.mean((2, 3), keepdim=True))  # of means instead of maps: it is linear
        outputs: Tensor = self.logit(means[:, :, 0, 0])
        return outputs


def _one_kernel(dilations: TwoDilations) -> Tensor:
    """The kernels (C, 1, 5, 5) of one convolution that gives the sum of two of one input."""
    near, far = dilations.conv1.weight.detach(), dilations.conv2.weight.detach()
    kernels = near.new_zeros(len(near), 1, 5, 5)
    kernels[:, :, 1:4, 1:4] += near
    kernels[:, :, ::2, ::2] += far
    return kernels


def _fuse(convolution: nn.Module, normalisation: nn.Module) -> nn.Conv2d:
    """A convolution and the normalisation behind it as one convolution."""
    parts = cast("tuple[nn.Conv2d, nn.BatchNorm2d]", (convolution.eval(), normalisation.eval()))
    return fuse_conv_bn_eval(*parts)


def _alive(convolution: nn.Conv2d, inputs: Tensor) -> Tensor:
    """Which channels are not zero in every image behind a ReLU, bool (C,), where only some inputs are not zero."""
    bias = cast("Tensor", convolution.bias)
    return convolution.weight[:, inputs].flatten(1).any(1) | (bias > 0)


def _indices(alive: Tensor) -> Tensor:
    """The positions of what is true, int64; the first where nothing is, as a convolution needs a channel."""
    return alive.nonzero()[:, 0] if alive.any() else torch.zeros(1, dtype=torch.int64, device=alive.device)


def _part(convolution: nn.Conv2d, inputs: Tensor, outputs: Tensor) -> nn.Conv2d:
    """A convolution from some of the inputs of another to some of its outputs."""
    weight, bias = convolution.weight.detach()[outputs][:, inputs], convolution.bias
    part = nn.Conv2d(
        len(inputs),
        len(outputs),
        convolution.kernel_size,  # type: ignore[arg-type]
        convolution.stride,  # type: ignore[arg-type]
        convolution.padding,  # type: ignore[arg-type]
        bias=bias is not None,
        device="meta",  # no random weights are drawn
    )
    part.weight = nn.Parameter(weight)
    part.bias = None if bias is None else nn.Parameter(bias.detach()[outputs])
    return part


def _depth_wise(kernels: Tensor, stride: int) -> nn.Conv2d:
    """A convolution of each channel by a kernel of its own, (C, 1, side, side)."""
    channels, side = len(kernels), kernels.shape[-1]
    convolution = nn.Conv2d(
        channels, channels, side, stride, padding=side // 2, groups=channels, bias=False, device="meta"
    )
    convolution.weight = nn.Parameter(kernels.detach().clone())
    return convolution


def _convolution(before: int, after: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True))


def _stage(before: int, after: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(FerretBlock(before, after, 2), *(FerretBlock(after, after, 1) for _ in range(blocks - 1)))
