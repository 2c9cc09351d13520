"""A lossless coder of images that predicts them from themselves at half size; import this module inside functions only.

Cao, Wu and Krähenbühl, "Lossless Image Compression through Super-Resolution", 2020, arXiv 2004.02872 (SReC).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, pad

CODED = 3  # pixels of a 2x2 block that are coded; the fourth follows from their sum
PARTS = 4  # parameters per channel and component: weight, location, scale, and a coefficient of a previous channel
CONTRAST = 16.0  # grey levels that are 1 in the input of the network
MIN_LOG_SCALE = -3.0  # a logistic this narrow is concentrated on a single value
MAX_LOG_SCALE = 4.0
INITIAL_LOG_SCALE = 1.0  # of the distributions that an untrained network predicts
SPAN = 10.0  # scales on either side of a location that hold all of a logistic but 1e-4
WINDOWS = (16, 24, 32, 48, 64, 96, 128, 192, 256)  # numbers of values that an entropy is summed over
CHUNK = 1 << 18  # values per sum


class Mixture(NamedTuple):
    """Mixtures of logistics over the last axis, discretised to the values 0 to 255; the tails belong to the end values.

    Attributes:
        log_weights: Logarithms of the weights, which sum to 1, float32 (..., K).
        locations: In grey levels, float32 (..., K).
        log_scales: Natural logarithms of the scales in grey levels, float32 (..., K).
    """

    log_weights: Tensor
    locations: Tensor
    log_scales: Tensor


class HalvedImage(NamedTuple):
    """An image as its half-sized version and the pixels that complete it.

    Attributes:
        mean: Mean of each 2x2 block, not rounded, float32 (N, 3, H/2, W/2) in quarters from 0 to 255.
        coded: Top left, top right and bottom left pixels, float32 (N, 3, 3, H/2, W/2): pixel, then channel. The
            bottom right one is four times the mean less their sum.
    """

    mean: Tensor
    coded: Tensor


def round_means(mean: Tensor) -> Tensor:
    """The half-sized image: means of blocks rounded to whole numbers, halves downwards as published.

    The rounding error is one of -1/4, 0, 1/4 and 1/2, which a coder stores in two bits.
    """
    return torch.ceil(mean - 0.5)


def halve(pixels: Tensor) -> HalvedImage:
    """Split whole numbers 0 to 255, float32 (N, 3, H, W) of even sides, into means and the pixels that are coded."""
    corners = [pixels[..., top::2, left::2] for top, left in ((0, 0), (0, 1), (1, 0), (1, 1))]
    return HalvedImage(torch.stack(corners).sum(0) / 4, torch.stack(corners[:CODED], 1))


def cost(mixture: Mixture, values: Tensor) -> Tensor:
    """Bits to code whole numbers 0 to 255, (...), under mixtures (..., K)."""
    inverse = torch.exp(-mixture.log_scales)
    centred = (values[..., None] - mixture.locations) * inverse
    below, above = centred - inverse / 2, centred + inverse / 2
    # the difference of two sigmoids as a product: as a difference it vanishes in float32 where both are near 0 or 1
    inside = logsigmoid(above) + logsigmoid(-below) + torch.log(-torch.expm1(-inverse))
    first, last = (values == 0)[..., None], (values == 255)[..., None]
    logs = torch.where(first, logsigmoid(above), torch.where(last, logsigmoid(-below), inside))
    return -torch.logsumexp(mixture.log_weights + logs, -1) / math.log(2)


def entropy(mixture: Mixture) -> Tensor:
    """Mean bits to code a value drawn from each mixture (..., K), float32 (...).

    The sum is over the values that any component reaches, and only over those.
    """
    weights, locations, scales = (
        part.flatten(0, -2) for part in (mixture.log_weights.exp(), mixture.locations, mixture.log_scales.exp())
    )
    lowest = (locations - SPAN * scales).amin(1).floor().clamp(0, 255)
    count = (locations + SPAN * scales).amax(1).ceil().clamp(0, 255) - lowest + 1
    entropies = torch.empty_like(lowest)
    smaller = 0
    for size in WINDOWS:
        rows = ((count > smaller) & (count <= size)).nonzero()[:, 0]
        smaller = size
        for chunk in torch.split(rows, CHUNK // size):
            first = lowest[chunk].clamp(max=256 - size)
            entropies[chunk] = _windowed_entropy(weights[chunk], locations[chunk], scales[chunk], first, size)
    return entropies.view(mixture.locations.shape[:-1])


def _windowed_entropy(weights: Tensor, locations: Tensor, scales: Tensor, first: Tensor, size: int) -> Tensor:
    """Entropies in bits of M mixtures (M, K) over `size` values from `first` (M,) on; the ends include the tails."""
    edges = first[:, None] + torch.arange(1, size, device=first.device) - 0.5
    below = torch.zeros_like(edges)
    for weight, location, scale in zip(weights.T, locations.T, scales.T, strict=True):
        below += weight[:, None] * torch.sigmoid((edges - location[:, None]) / scale[:, None])
    shares = pad(pad(below, (1, 0)), (0, 1), value=1.0).diff(dim=1).clamp_(min=0)
    bits: Tensor = torch.special.entr(shares).sum(1) / math.log(2)
    return bits


class _PixelNetwork(nn.Module):
    """Predicts one pixel of each block from the means around it and the pixels coded before.

    Args:
        before: Number of pixels coded before.
        width: Channels.
        depth: Residual blocks.
        components: Logistics in a mixture.
    """

    def __init__(self, before: int, width: int, depth: int, components: int) -> None:
        super().__init__()
        self.components = components
        self.entry = nn.Conv2d(6 + 3 * before, width, 3, padding=1)
        self.body = nn.ModuleList(_ResidualBlock(width) for _ in range(depth))
        self.head = nn.Conv2d(width, 3 * PARTS * components, 1)
        parts = torch.zeros(3, PARTS, components)
        parts[:, 1] = torch.linspace(-1, 1, components + 2)[1:-1]  # at one location all would be trained alike
        parts[:, 2] = INITIAL_LOG_SCALE
        nn.init.zeros_(self.head.weight)
        self.head.bias = nn.Parameter(parts.flatten())

    def forward(self, context: Tensor, features: Tensor | None) -> tuple[Tensor, Tensor]:
        """Features (N, width, h, w) for the pixel that follows, and predictions (N, 3, PARTS, K, h, w)."""
        entered = self.entry(context)
        features = entered if features is None else entered + features
        for residual in self.body:
            features = residual(features)
        predicted = self.head(features).float()
        return features, predicted.unflatten(1, (3, PARTS, self.components))


class _ResidualBlock(nn.Module):
    """Two convolutions whose result is added to their input, without normalisation, as in EDSR."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, features: Tensor) -> Tensor:
        added: Tensor = self.second(torch.relu(self.first(features)))
        return features + added


class PixelPredictor(nn.Module):
    """Predicts an image from its half-sized version: three pixels of each block, one after the other."""

    def __init__(self, width: int, depth: int, components: int) -> None:
        super().__init__()
        self.pixels = nn.ModuleList(_PixelNetwork(before, width, depth, components) for before in range(CODED))

    def forward(self, blocks: HalvedImage) -> Mixture:
        """Distributions of the coded pixels, each part (N, 3, 3, H/2, W/2, K): pixel, then channel."""
        mean = blocks.mean
        surround = mean - nn.functional.avg_pool2d(pad(mean, (1, 1, 1, 1), mode="replicate"), 3, 1)
        context = torch.cat([(mean - 127.5) / 127.5, surround / CONTRAST], 1)
        features: Tensor | None = None
        mixtures = []
        for pixel, value in zip(self.pixels, blocks.coded.unbind(1), strict=True):
            features, predicted = pixel(context, features)
            mixtures.append(to_mixtures(predicted, mean, value))
            context = torch.cat([context, (value - mean) / CONTRAST], 1)
        return Mixture(*(torch.stack(parts, 1) for parts in zip(*mixtures, strict=True)))


def to_mixtures(predicted: Tensor, mean: Tensor, values: Tensor) -> Mixture:
    """Mixtures (N, 3, h, w, K) from predictions (N, 3, PARTS, K, h, w).

    Red comes first; the location of green depends on it, and that of blue on both: linearly, on how their values differ
    from the mean of the block.
    """
    logits, offsets, log_scales, coefficients = predicted.movedim(3, -1).unbind(2)
    red, green = (values - mean)[:, :2, ..., None].unbind(1)
    of_green, red_of_blue, green_of_blue = coefficients.unbind(1)
    shifts = torch.stack([torch.zeros_like(of_green), of_green * red, red_of_blue * red + green_of_blue * green], 1)
    locations = mean[..., None] + offsets * CONTRAST + shifts
    return Mixture(torch.log_softmax(logits, -1), locations, log_scales.clamp(MIN_LOG_SCALE, MAX_LOG_SCALE))


class Coder(nn.Module):
    """One predictor per level, the finest first."""

    def __init__(self, levels: int, width: int, depth: int, components: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(PixelPredictor(width, depth, components) for _ in range(levels))

    def forward(self, pixels: Tensor) -> list[tuple[Mixture, Tensor]]:
        """By level, the distributions of the coded pixels and their values.

        Args:
            pixels: Whole numbers 0 to 255, float32 (N, 3, H, W), sides multiples of 2 to the power of the levels.
        """
        results = []
        for level in self.levels:
            blocks = halve(pixels)
            results.append((level(blocks), blocks.coded))
            pixels = round_means(blocks.mean)
        return results
