"""The power spectrum averaged over all directions, and logistic regression.

Durall, Keuper and Keuper, "Watch your Up-Convolution: CNN Based Generative Deep Neural Networks are Failing to
Reproduce Spectral Distributions", CVPR 2020, arXiv 2003.01826, and https://github.com/cc-hpc-itwm/UpConv:
up-convolutions bend the end of the spectrum. 20 log(|F| + 1e-8) of the grey image, averaged over rings one pixel wide
around the middle of the shifted spectrum, brought to a fixed number of values by cubic interpolation, and divided by
the first of them.

Kept as published, though it is unusual: the logarithm is averaged and not the power; the rings are around the middle
pixel corner, half a pixel from the constant component; the innermost ring, which holds that component, and the
outermost one are left out, so that the profile is divided by its second ring and not by the constant component.

Where this departs: the columns are scaled before the logistic regression (C = 1), whose penalty would otherwise depend
on the scale of each; the published code also tries a linear SVM. Images that are not square give their largest centred
square: rings are not meaningful in a spectrum whose axes differ. The paper's setting gives 300 values, its number for
images of different sizes; the small one 80, its number for the small images of CelebA.
"""

# Mean accuracy on the training generator, 5-fold on the train split of a corpus like the embedded one: .919 with C = 1
# as published, .912 with 10.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from detectors.api import Array, Card, Sample, Setting
from detectors.embedders.vector_embedder import VectorEmbedder
from detectors.heads.linear import Logistic
from detectors.heads.probe_recipe import ProbeRecipe, ProbeVariant
from detectors.preprocessing.crops import centre_square, luma

POINTS, SMALL_POINTS = 300, 80
C = 1.0  # as published
MIN_SIDE = 16  # a smaller square has too few rings for a cubic
EPSILON = 1e-8


class RadialSpectrumEmbedder(VectorEmbedder):
    """Profiles of the spectrum, divided by their first value: float32 (N, points)."""

    def __init__(self, points: int) -> None:
        self.key = f"radial_spectrum.1.{points}"
        self.dim = points

    def prepare(self, sample: Sample) -> Array:
        """The embedding, float32 (points,)."""
        height, width = sample.pixels.shape[:2]
        grey = luma(centre_square(sample.pixels, max(MIN_SIDE, min(height, width))))
        return resample_profile(radial_profile(log_magnitudes(grey)), self.dim)


def log_magnitudes(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """20 log(|F| + 1e-8), float64 (side, side), the constant component at (side // 2, side // 2)."""
    coefficients = np.fft.fftshift(np.fft.fft2(grey))
    return np.asarray(20 * np.log(np.abs(coefficients) + EPSILON), np.float64)


def radial_profile(spectrum: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over rings one pixel wide around the middle of a square, without the innermost and the outermost ring."""
    offsets = np.arange(len(spectrum)) - (len(spectrum) - 1) / 2
    rings = np.hypot(offsets[:, None], offsets).astype(int).ravel()
    means = np.bincount(rings, spectrum.ravel()) / np.bincount(rings)
    return np.asarray(means[1:-1], np.float64)


def resample_profile(profile: NDArray[np.float64], points: int) -> NDArray[np.float32]:
    """A profile brought to `points` values by a cubic spline and divided by the first, float32 (points,)."""
    from scipy.interpolate import CubicSpline

    values = CubicSpline(np.linspace(0, 1, len(profile)), profile)(np.linspace(0, 1, points))
    return np.asarray(values / values[0], np.float32)


VARIANT = ProbeVariant(
    trained_on="the train subset of the run",
    input_size="any, luma",
    input_policy="the largest centred square, nothing resampled; one below 16 pixels is enlarged bilinearly to 16",
    embedder=lambda _: RadialSpectrumEmbedder(POINTS),
    head=Logistic(C),
)


@dataclass(frozen=True)
class RadialSpectrum(ProbeRecipe):
    """The decay of power from low to high frequencies, and logistic regression."""

    card: ClassVar[Card] = Card(
        name="radial_spectrum",
        family="frequency",
        year=2020,
        version=1,
        title="Azimuthally averaged spectrum + logistic regression",
        paper="Durall, Keuper and Keuper, Watch your Up-Convolution, CVPR 2020, arXiv 2003.01826",
        upstream="https://github.com/cc-hpc-itwm/UpConv (nothing copied)",
        licence="Apache-2.0 (own implementation)",
    )
    variants: ClassVar[Mapping[Setting, ProbeVariant]] = {
        "paper": VARIANT,
        "small": replace(VARIANT, embedder=lambda _: RadialSpectrumEmbedder(SMALL_POINTS)),
    }
