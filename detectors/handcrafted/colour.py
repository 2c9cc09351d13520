"""The colour baseline: how often an image has which colours, whatever their positions.

A generator's last layers mix and normalise colours otherwise than a camera does: McCloskey and Albright, "Detecting
GAN-generated Imagery using Color Cues", 2018, arXiv 1812.08247, who read chromaticity histograms and how often pixels
are over- or underexposed. A data set may differ in its colours for reasons that have nothing to do with generation:
other subjects, other cameras, other colour handling. Where this baseline is above chance, so may every detector be.

The features are invariant under a permutation of the pixels; resizing or compressing the image changes them little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from detectors.api import Array, Card, Image, Sample, Setting, for_all_settings
from detectors.embedders.vector_embedder import VectorEmbedder
from detectors.heads.linear import Logistic
from detectors.heads.probe_recipe import ProbeRecipe, ProbeVariant

CHANNELS = 7  # R, G, B, Y, Cr, Cb, saturation
LEVELS = 256
BINS = 16
EXPOSURE_LIMITS = (5, 250)  # levels below which a pixel is underexposed, and from which on it is overexposed
DIM = CHANNELS * (BINS + 3 + len(EXPOSURE_LIMITS))
C = 0.1  # neighbouring bins and channels are strongly correlated: weights are better distributed among them


class ColourEmbedder(VectorEmbedder):
    """Histograms and moments of seven channels: float32 (N, 147)."""

    key = f"colour.1.{BINS}.{EXPOSURE_LIMITS[0]}.{EXPOSURE_LIMITS[1]}"
    dim = DIM

    def prepare(self, sample: Sample) -> Array:
        """The embedding, float32 (147,)."""
        return colour_statistics(level_counts(sample.pixels))


def level_counts(pixels: Image) -> NDArray[np.float64]:
    """How often each level occurs, float64 (7, 256): in R, G, B, Y, Cr, Cb, and the saturation of HSV."""
    rgb = np.ascontiguousarray(pixels)
    chroma, hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb), cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    maps = [(rgb, 0), (rgb, 1), (rgb, 2), (chroma, 0), (chroma, 1), (chroma, 2), (hsv, 1)]
    counts = [cv2.calcHist([image], [channel], None, [LEVELS], [0, LEVELS]) for image, channel in maps]
    return np.stack([np.ravel(count) for count in counts], dtype=np.float64)


def colour_statistics(counts: NDArray[np.float64]) -> NDArray[np.float32]:
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
    under, over = shares[:, : EXPOSURE_LIMITS[0]].sum(1), shares[:, EXPOSURE_LIMITS[1] :].sum(1)
    return np.concatenate([bins.ravel(), mean, deviation, skewness, under, over], dtype=np.float32)


@dataclass(frozen=True)
class Colour(ProbeRecipe):
    """Colour statistics and logistic regression: a detector that uses no position of a pixel."""

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
