"""Peaks in the spectrum of the cross-difference and boosted trees: Synthbuster.

Bammey, "Synthbuster: Towards Detection of Diffusion Model Generated Images", IEEE Open Journal of Signal Processing,
2024, and https://github.com/qbammey/synthbuster. Upsampling by powers of two leaves traces of period 2, 4 and 8, which
are peaks at multiples of 1/8 of the sampling frequency once scene content is filtered out. The filter is the
cross-difference, |I(y,x) + I(y+1,x+1) - I(y,x+1) - I(y+1,x)|, in each channel; the last row and column are dropped,
and as many more as leave whole periods; the magnitudes of the Fourier transform are read at those frequencies alone.

The paper reads period 8. Both released models read period 16 (`period=16`, 459 columns); the trees have the parameters
of the released model for JPEG images. Where this departs: that model was trained on images recompressed at a quality
between 60 and 100, here the images are taken as they are; both classes are weighted equally, whatever their sizes; it
decides where Matthews's correlation was best on its own validation set, here at 0.5; an image too small for one period
is mirrored until it holds one.

Magnitudes are not divided by the size of the image, as published: they depend on it where sizes differ by class.
"""

# Mean accuracy on the training generator, 5-fold on the train split of a corpus like the embedded one:
#   period 8, the small trees .849, the published ones .852; period 16, the small trees .838
# The small ones take a third of the time to fit, and split train sets of a few dozen images too.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from detectors.api import (
    Array,
    Card,
    Image,
    Recipe,
    Runtime,
    Sample,
    Setting,
    State,
    TrainSet,
    Variant,
)
from detectors.embedders.vector_embedder import VectorEmbedder
from detectors.heads.array_heads import ArrayHeadProbe
from detectors.heads.boosting import BoostedTrees, GradientBoosting

PAPER_TREES = GradientBoosting(0.4665066368675998, 800, 3, 63, 50, 0.007407266707073091)
SMALL_TREES = GradientBoosting(0.1, 100, 3, 8, 20, 0.007407266707073091)


class SynthbusterEmbedder(VectorEmbedder):
    """Magnitudes at the multiples of 1 / period: float32 (N, 3 * (period + 1) * (period / 2 + 1))."""

    def __init__(self, period: int) -> None:
        self.key = f"synthbuster.1.{period}"
        self.dim = 3 * (period + 1) * (period // 2 + 1)
        self.period = period

    def prepare(self, sample: Sample) -> Array:
        """The embedding, float32 (dim,)."""
        return peaks(cross_difference(mirror_pad(sample.pixels, self.period + 2)), self.period)


def mirror_pad(pixels: Image, side: int) -> Image:
    """An image mirrored at its lower and right edge until each side has at least `side` pixels."""
    height, width = pixels.shape[:2]
    return np.pad(pixels, ((0, max(0, side - height)), (0, max(0, side - width)), (0, 0)), "symmetric")


def cross_difference(pixels: Image) -> NDArray[np.int32]:
    """The cross-difference without its last row and column, int32 (H - 2, W - 2, 3), from 0 to 510."""
    down = np.diff(pixels.astype(np.int32), axis=0)
    return np.abs(np.diff(down, axis=1))[:-1, :-1]


def peaks(maps: NDArray[np.int32], period: int) -> NDArray[np.float32]:
    """Magnitudes at rows -period/2..period/2 and columns 0..period/2 of each channel, one channel after the other.

    At these frequencies all periods contribute equally: they are summed first, exactly, and the Fourier transform of
    the sum is that of the whole image.
    """
    height, width = (side // period for side in maps.shape[:2])
    whole = maps[: height * period, : width * period]
    folded = whole.reshape(height, period, width, period, 3).sum((0, 2), dtype=np.int64)
    magnitudes = np.abs(np.fft.fft2(folded, axes=(0, 1)))
    rows, columns = np.arange(-period // 2, period // 2 + 1), np.arange(period // 2 + 1)
    return magnitudes[rows][:, columns].transpose(2, 0, 1).ravel().astype(np.float32)


@dataclass(frozen=True, kw_only=True)
class TreesVariant(Variant):
    """Synthbuster in one setting.

    Attributes:
        trees: The parameters of the boosted trees.
    """

    trees: GradientBoosting


VARIANT = TreesVariant(
    trained_on="the train subset of the run",
    input_size="any, RGB",
    input_policy="the whole image, nothing resampled, cut to whole periods of 8 pixels (period=16: 16) at its lower and"
    " right edge; a side below 10 pixels (18) is mirrored up to it",
    trees=PAPER_TREES,
)


@dataclass(frozen=True)
class Synthbuster(Recipe):
    """Peaks of upsampling and boosted trees.

    Attributes:
        period: 8 as in the paper, or 16 as in the released models.
    """

    period: Literal[8, 16] = 8
    card: ClassVar[Card] = Card(
        name="synthbuster",
        family="frequency",
        year=2024,
        version=2,
        title="Synthbuster: peaks of the cross-difference + boosted trees",
        paper="Bammey, Synthbuster: Towards Detection of Diffusion Model Generated Images, IEEE OJSP 2024",
        upstream="https://github.com/qbammey/synthbuster (nothing copied)",
        licence="Apache-2.0 (own implementation)",
    )
    variants: ClassVar[Mapping[Setting, TreesVariant]] = {
        "paper": VARIANT,
        "small": replace(VARIANT, trees=SMALL_TREES),
    }

    def embedder(self, runtime: Runtime) -> SynthbusterEmbedder:
        """The magnitudes at the peaks."""
        del runtime
        return SynthbusterEmbedder(self.period)

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> ArrayHeadProbe:
        """Fit the trees. Raises ValueError for fewer than two images of a class."""
        embedder = self.embedder(runtime)
        return ArrayHeadProbe(embedder, self.variant.trees.fit(train.embed(embedder), train.labels, seed))

    def restore(self, state: State, runtime: Runtime) -> ArrayHeadProbe:
        """The probe with this state."""
        return ArrayHeadProbe(self.embedder(runtime), BoostedTrees(**state))
