"""F3Net's networks: both published ports and small ones; import this module inside functions only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from timm.models.xception import Xception
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock

from detectors.architectures.small_networks import SmallResNet
from detectors.architectures.support.front_end import FrontEndNetwork

SIDE = 299  # of the images that the published networks are for
TILE = 64  # side of the squares that the small networks decompose
WINDOW, STRIDE, PADDING = 10, 2, 4  # of the local frequency statistics
BANDS = 6  # of a window's frequencies
LUMA = (0.299, 0.587, 0.114)
EPSILON = 1e-15  # added before a logarithm
ROUNDING = 1e-9  # a coefficient of a window of grey levels below this is a rounding error of double precision
# parts of Xception before the first mixing, before the second, and after it
ENTRY = ("conv1", "bn1", "act1", "conv2", "bn2", "act2", *(f"block{number}" for number in range(1, 8)))
MIDDLE = tuple(f"block{number}" for number in range(8, 13))
EXIT = ("conv3", "bn3", "act3", "conv4", "bn4", "act4")
SMALL_ENTRY = ("conv1", "bn1", "relu", "layer1", "layer2")
Ranges = Sequence[tuple[float, float]]


def float32_dct_matrix(size: int) -> Tensor:
    """The orthonormal type-II DCT as a matrix, float32 (size, size): frequencies by positions."""
    position = torch.arange(size, dtype=torch.float64) + 0.5
    frequency = torch.arange(size, dtype=torch.float64)[:, None]
    matrix = torch.cos(position * frequency * torch.pi / size) * math.sqrt(2 / size)
    matrix[0] /= math.sqrt(2)
    return matrix.to(torch.float32)


def band_mask(size: int, start: float, end: float, *, closed: bool) -> Tensor:
    """1 for each coefficient (i, j) with i + j from start to end, else 0, float32 (size, size).

    The end belongs to the band; the start does where the band is closed.
    """
    index = torch.arange(size)
    sums = index[:, None] + index
    above = sums >= start if closed else sums > start
    return (above & (sums <= end)).float()


class BandFilter(nn.Module):
    """A band of frequencies: each coefficient has a trained weight, at most 1 from its initial value.

    What is not trained is a buffer, which checkpoints hold like a weight.
    """

    def __init__(self, base: Tensor, *, averaged: bool = False) -> None:
        super().__init__()
        self.register_buffer("base", base)
        self.learnable = nn.Parameter(torch.empty(base.shape).normal_(0, 0.1))
        if averaged:
            self.register_buffer("ft_num", base.sum())

    def forward(self) -> Tensor:
        """The weights of all coefficients, float32 (size, size)."""
        weights: Tensor = self.get_buffer("base") + (2 * torch.sigmoid(self.learnable) - 1)
        return weights / self.get_buffer("ft_num") if "ft_num" in self._buffers else weights


class FadHead(nn.Module):
    """Frequency-aware decomposition: an image as its components in bands of its frequencies.

    Args:
        size: Side of the images.
        ranges: First and last i + j of each band.
        closed: Whether the first belongs to the band.
    """

    def __init__(self, size: int, ranges: Ranges, *, closed: bool) -> None:
        super().__init__()
        self.register_buffer("_DCT_all", float32_dct_matrix(size))
        self.register_buffer("_DCT_all_T", float32_dct_matrix(size).T.contiguous())
        self.filters = nn.ModuleList([BandFilter(band_mask(size, *ends, closed=closed)) for ends in ranges])

    def forward(self, images: Tensor) -> Tensor:
        """Bands (N, 3 per band, size, size) of images (N, 3, size, size)."""
        matrix, transposed = self.get_buffer("_DCT_all"), self.get_buffer("_DCT_all_T")
        spectrum = matrix @ images.contiguous() @ transposed
        return torch.cat([transposed @ (spectrum * weights()) @ matrix for weights in self.filters], 1)


class LfsHead(nn.Module):
    """Local frequency statistics: the strength of each band of frequencies in every window of the luma.

    Computed in double precision: a coefficient of a flat window is nothing or what the rounded
    matrices leave of its level, and in single precision, as published, its logarithm is that of a rounding error which
    depends on the machine. What is a rounding error in double precision too is set to 0.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("_DCT_patch", float32_dct_matrix(WINDOW))
        self.register_buffer("_DCT_patch_T", float32_dct_matrix(WINDOW).T.contiguous())
        ends = [WINDOW * 2.0 / BANDS * number for number in range(BANDS + 1)]
        masks = [band_mask(WINDOW, *pair, closed=False) for pair in pairwise(ends)]
        self.filters = nn.ModuleList([BandFilter(mask, averaged=True) for mask in masks])

    def forward(self, images: Tensor) -> Tensor:
        """Statistics, float32 (N, 6, H / 2, W / 2), of images (N, 3, H, W) in [-1, 1]."""
        levels = images.double()
        luma = (levels * levels.new_tensor(LUMA).view(3, 1, 1)).sum(1, keepdim=True)
        grey = (luma + 1) * 122.5  # as published: 0 to 245
        weights = torch.stack([band_filter() for band_filter in self.filters]).flatten(1).double()
        return torch.stack([self._statistics(image, weights) for image in grey]).float()

    def _statistics(self, grey: Tensor, weights: Tensor) -> Tensor:
        """Statistics of one image (1, H, W): weighted sums of logarithms of its windows' coefficients."""
        windows = functional.unfold(grey[None], WINDOW, padding=PADDING, stride=STRIDE)[0]
        # one product over all windows and one axis after the other are far quicker than a product for each window
        first_axis = self.get_buffer("_DCT_patch").double() @ windows.view(WINDOW, -1)
        spectra = self.get_buffer("_DCT_patch_T").T.double() @ first_axis.view(WINDOW, WINDOW, -1)
        strengths = torch.log10(functional.hardshrink(spectra, ROUNDING).abs() + EPSILON).flatten(0, 1)
        rows, columns = (1 + (side + 2 * PADDING - WINDOW) // STRIDE for side in grey.shape[1:])
        return (weights @ strengths).view(-1, rows, columns)


class MixBlock(nn.Module):
    """Cross-attention: maps of each branch, weighted by the similarity of rows, are added to the other's by channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.FAD_query, self.LFS_query = _pointwise(channels), _pointwise(channels)
        self.FAD_key, self.LFS_key = _pointwise(channels), _pointwise(channels)
        self.FAD_gamma, self.LFS_gamma = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
        self.FAD_conv, self.LFS_conv = _pointwise(channels, groups=channels), _pointwise(channels, groups=channels)
        self.FAD_bn, self.LFS_bn = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, bands: Tensor, statistics: Tensor) -> tuple[Tensor, Tensor]:
        """Maps of both branches, (N, C, side, side) each, with weighted ones of the other added."""
        queries = torch.cat([self.FAD_query(bands), self.LFS_query(statistics)], 3)
        keys = torch.cat([self.FAD_key(bands), self.LFS_key(statistics)], 3)
        similarity = torch.softmax(queries @ keys.transpose(2, 3), 3)
        of_statistics = statistics * similarity * (2 * torch.sigmoid(self.LFS_gamma) - 1)
        of_bands = bands * similarity * (2 * torch.sigmoid(self.FAD_gamma) - 1)
        return bands + self.FAD_bn(self.FAD_conv(of_statistics)), statistics + self.LFS_bn(self.LFS_conv(of_bands))


class F3NetFad(FrontEndNetwork):
    """The personal port in its default mode, under its names: the decomposition alone, one output.

    `FAD_xcep.fc` is in its checkpoints and is not used.
    """

    def __init__(self) -> None:
        super().__init__()
        self.FAD_head = fad_closed(SIDE)
        self.FAD_xcep = Xception(num_classes=1, in_chans=12)
        self.dp = nn.Dropout(0.2)
        self.fc = nn.Linear(2048, 1)

    def front_end(self, images: Tensor) -> Tensor:
        """Bands of images (N, 3, 299, 299) in [-1, 1]."""
        bands: Tensor = self.FAD_head(images)
        return bands

    def body(self, bands: Tensor) -> Tensor:  # type: ignore[override]
        """Log odds (N, 1) of bands."""
        maps = _apply(self.FAD_xcep, (*ENTRY, *MIDDLE, *EXIT), bands)
        outputs: Tensor = self.fc(self.dp(maps.mean((2, 3))))
        return outputs


class TwoBranchF3Net(FrontEndNetwork):
    """The port in GenImage's list, under its names: both branches, mixed twice, two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.fad_head = fad_open(SIDE)
        self.lfs_head = LfsHead()
        self.fad_excep = Xception(num_classes=0, in_chans=12)
        self.lfs_excep = Xception(num_classes=0, in_chans=BANDS)
        self.lfs_excep.conv1 = nn.Conv2d(BANDS, 32, 3, bias=False)  # its maps are half as wide already
        self.mix_block7 = MixBlock(728)
        self.mix_block12 = MixBlock(1024)
        self.dp = nn.Dropout(0.2)
        self.fc = nn.Linear(4096, 2)

    def front_end(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Bands and local statistics of images (N, 3, 299, 299) in [-1, 1]."""
        return self.fad_head(images), self.lfs_head(images)

    def body(self, bands: Tensor, statistics: Tensor) -> Tensor:  # type: ignore[override]
        """Logits (N, 2) of both."""
        for names, mix in ((ENTRY, self.mix_block7), (MIDDLE, self.mix_block12)):
            bands, statistics = mix(_apply(self.fad_excep, names, bands), _apply(self.lfs_excep, names, statistics))
        bands, statistics = _apply(self.fad_excep, EXIT, bands), _apply(self.lfs_excep, EXIT, statistics)
        outputs: Tensor = self.fc(self.dp(torch.cat([bands.mean((2, 3)), statistics.mean((2, 3))], 1)))
        return outputs


class SmallFadNet(FrontEndNetwork):
    """The decomposition of squares of 64 pixels in front of the small residual network: one output."""

    def __init__(self) -> None:
        super().__init__()
        self.FAD_head = fad_closed(TILE)
        self.FAD_trunk = SmallTrunk(12)
        self.fc = nn.Linear(128, 1)

    def front_end(self, images: Tensor) -> Tensor:
        """Bands of the squares of images (N, 3, H, W) in [-1, 1] whose sides are multiples of 64, (N, T, 12, ...)."""
        bands: Tensor = self.FAD_head(tiles(images))
        return bands.view(len(images), -1, *bands.shape[1:])

    def body(self, bands: Tensor) -> Tensor:  # type: ignore[override]
        """Log odds (N, 1) of bands."""
        maps = self.FAD_trunk(bands.flatten(0, 1))
        outputs: Tensor = self.fc(_mean_of_tiles(maps.mean((2, 3)), bands.shape[0]))
        return outputs


class SmallTwoBranchNet(FrontEndNetwork):
    """Both branches at the size of small images, mixed twice: two outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.fad_head = fad_open(TILE)
        self.lfs_head = LfsHead()
        self.fad_trunk = SmallTrunk(12)
        self.lfs_trunk = SmallTrunk(BANDS)
        self.lfs_trunk.layer1 = BasicBlock(
            16, 32, 1, nn.Sequential(nn.Conv2d(16, 32, 1, bias=False), nn.BatchNorm2d(32))
        )
        self.mix_block2 = MixBlock(64)
        self.mix_block3 = MixBlock(128)
        self.fc = nn.Linear(256, 2)

    def front_end(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Bands and local statistics of the squares of images (N, 3, H, W) in [-1, 1], (N, T, C, side, side) each.

        Sides of images are multiples of 64.
        """
        squares = tiles(images)
        count = len(images), -1
        bands, statistics = self.fad_head(squares), self.lfs_head(squares)
        return bands.view(*count, *bands.shape[1:]), statistics.view(*count, *statistics.shape[1:])

    def body(self, bands: Tensor, statistics: Tensor) -> Tensor:  # type: ignore[override]
        """Logits (N, 2) of both."""
        count = bands.shape[0]
        bands, statistics = bands.flatten(0, 1), statistics.flatten(0, 1)
        for names, mix in ((SMALL_ENTRY, self.mix_block2), (("layer3",), self.mix_block3)):
            bands, statistics = mix(_apply(self.fad_trunk, names, bands), _apply(self.lfs_trunk, names, statistics))
        features = torch.cat([bands.mean((2, 3)), statistics.mean((2, 3))], 1)
        outputs: Tensor = self.fc(_mean_of_tiles(features, count))
        return outputs


class SmallTrunk(SmallResNet):
    """`SmallResNet` up to its last maps, for inputs of more channels."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        del self.fc
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (N, 128, H / 8, W / 8)."""
        return _apply(self, (*SMALL_ENTRY, "layer3"), maps)


def fad_closed(size: int) -> FadHead:
    """The personal port's bands: neighbours share the coefficients between them."""
    low, middle = size // 2.82, size // 2
    return FadHead(size, ((0, low), (low, middle), (middle, 2 * size), (0, 2 * size)), closed=True)


def fad_open(size: int) -> FadHead:
    """The bands of the port in GenImage's list: none holds the mean, and only the last one the high-high corner."""
    low, middle = size // 16, size // 8
    return FadHead(size, ((0, low), (low, middle), (middle, size), (0, 2 * size)), closed=False)


def tiles(images: Tensor) -> Tensor:
    """Squares (N x rows x columns, 3, 64, 64) of images whose sides are multiples of 64."""
    rows, columns = images.shape[2] // TILE, images.shape[3] // TILE
    cut = images.reshape(-1, 3, rows, TILE, columns, TILE).permute(0, 2, 4, 1, 3, 5)
    return cut.reshape(-1, 3, TILE, TILE)


def _mean_of_tiles(features: Tensor, images: int) -> Tensor:
    """Mean features (N, D) of the squares of each image."""
    return features.view(images, -1, features.shape[1]).mean(1)


def _pointwise(channels: int, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, 1, groups=groups)


def _apply(network: nn.Module, names: Sequence[str], maps: Tensor) -> Tensor:
    """Maps after several modules of a network, applied one after the other."""
    for name in names:
        maps = network.get_submodule(name)(maps)
    return maps
