"""The colour baseline: which colours an image has and how often, and nothing of where they are.

A generator's last layers mix and normalise colours otherwise than a camera does: McCloskey and Albright, "Detecting
GAN-generated Imagery using Color Cues", 2018, arXiv 1812.08247, who read chromaticity histograms and how often pixels
are over- or underexposed. A data set may differ in its colours for reasons that have nothing to do with generation:
other subjects, other cameras, other colour handling. Where this baseline is above chance, so may every detector be.

Shuffling the pixels of an image changes nothing here, and resizing it or compressing it little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.api import Array, Card, Embedder, Embeddings, Image, Sample, Setting, for_all_settings
from detectors.heads.linear import Logistic
from detectors.heads.probe_recipe import ProbeRecipe, ProbeVariant

CHANNELS = 7  # R, G, B, Y, Cr, Cb, saturation
LEVELS = 256
BINS = 16
EXPOSED = (5, 250)  # levels from which on a pixel counts as underexposed, and as overexposed
DIM = CHANNELS * (BINS + 3 + len(EXPOSED))
C = 0.1  # neighbouring bins and channels say nearly the same: weights are better shared out among them than set apart


class ColourEmbedder(Embedder):
    """Histograms and moments of seven channels: float32 (N, 147)."""

    key = f"colour.1.{BINS}.{EXPOSED[0]}.{EXPOSED[1]}"
    dim = DIM

    def prepare(self, sample: Sample) -> Array:
        """The embedding itself, float32 (147,): counting is all there is to it, and it is done here."""
        return described(counted(sample.pixels))

    def embed(self, batch: Sequence[Array]) -> Embeddings:
        """Stack N prepared arrays."""
        return np.array(batch, np.float32).reshape(-1, DIM)


def counted(pixels: Image) -> NDArray[np.float64]:
    """How often each level is there, float64 (7, 256): R, G, B, Y, Cr, Cb, and the saturation of HSV."""
    rgb = np.ascontiguousarray(pixels)
    chroma, hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb), cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    maps = [(rgb, 0), (rgb, 1), (rgb, 2), (chroma, 0), (chroma, 1), (chroma, 2), (hsv, 1)]
    counts = [cv2.calcHist([image], [channel], None, [LEVELS], [0, LEVELS]) for image, channel in maps]
    return np.stack([np.ravel(count) for count in counts], dtype=np.float64)


def described(counts: NDArray[np.float64]) -> NDArray[np.float32]:
    """Bins, mean, deviation, skewness and exposure of each channel, float32 (147,), from its counts (7, 256).

    The bins are square roots of frequencies, so that one image of a single colour does not outweigh all others.
    """
    shares = counts / counts.sum(1, keepdims=True)
    bins = np.sqrt(shares.reshape(CHANNELS, BINS, -1).sum(-1))
    levels = np.arange(LEVELS)
    mean = shares @ levels
    offsets = levels - mean[:, None]
    deviation = np.sqrt((shares * offsets**2).sum(1))
    skewness = (shares * offsets**3).sum(1) / np.maximum(deviation, 1) ** 3  # a flat channel has none
    under, over = shares[:, : EXPOSED[0]].sum(1), shares[:, EXPOSED[1] :].sum(1)
    return np.concatenate([bins.ravel(), mean, deviation, skewness, under, over], dtype=np.float32)


@dataclass(frozen=True)
class Colour(ProbeRecipe):
    """Colour statistics and logistic regression: what could be told of an image cut into single pixels."""

    card: ClassVar[Card] = Card(
        name="colour",
        family="baseline",
        year=2018,
        version=1,
        title="Colour statistics + logistic regression",
        paper="after McCloskey and Albright, 2018, arXiv 1812.08247",
        upstream="none: own features",
        licence="Apache-2.0 (own implementation)",
        shortcut="colour statistics",
    )
    variants: ClassVar[Mapping[Setting, ProbeVariant]] = for_all_settings(
        ProbeVariant(
            trained_on="the train subset of the run",
            input_size="any",
            input_policy="every pixel of the whole image, without its place; nothing resampled",
            embedder=lambda _: ColourEmbedder(),
            head=Logistic(C),
        )
    )
