"""Noise residuals correlated with the fingerprints of sources, as cameras are identified.

Every sensor leaves a pattern in its noise (PRNU): Lukas, Fridrich and Goljan, IEEE TIFS 2006. Generators leave
patterns too: Marra, Gragnaniello, Verdoliva and Poggi, "Do GANs leave artificial fingerprints?", MIPR 2019, arXiv
1812.11842; a baseline of Frank et al., ICML 2020, arXiv 2003.08685 (https://github.com/RUB-SysSec/GANDCTAnalysis),
followed here:

The denoiser is that of Mihcak, Kozintsev and Ramchandran, ICASSP 1999, with a noise deviation of 5 grey levels: each
channel in four levels of the wavelet db4, in each detail a Wiener filter that keeps what does not exceed the noise,
by the smallest mean energy over windows of 3, 5, 7 and 9. The residuals of the three channels are combined to grey; the
means of rows and columns are subtracted in each of the four phases of the colour mosaic; a Wiener filter of its Fourier
transform removes periodic patterns. `fingerprints` averages and correlates.

Where this departs: the baseline weights residuals by intensity and filters their mean once more; Marra et al. average
them, as here. It searches levels and sigma on validation data; here they are the toolbox's.

On the embedded corpus this is far behind the other methods: .635 on the training generator (5-fold on the
train split), .51 and .58 on the generators without a decoder, .62 to .73 on the others. A fingerprint holds only what
is at the same pixels in every image, and 160 images are few to average over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import ClassVar

import cv2
import numpy as np
import pywt
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
from detectors.heads import fingerprints
from detectors.heads.array_heads import ArrayHeadProbe
from detectors.preprocessing.crops import centre_square

Maps = NDArray[np.floating]

SIDE = 128  # even: the mosaic has two phases
WAVELET, EDGES = "db4", "symmetric"
LEVELS = 4
SIGMA = 5.0  # of the noise, in grey levels
WINDOWS = (3, 5, 7, 9)
GREY = (0.29893602, 0.58704307, 0.11402090)
ROUNDING = 1e-3  # a residual of smaller deviation is a rounding error


class NoiseEmbedder(VectorEmbedder):
    """Filtered noise residuals: float32 (N, side * side), in grey levels."""

    def __init__(self, side: int) -> None:
        self.key = f"prnu.1.{side}.{LEVELS}.{SIGMA}"
        self.dim = side * side
        self.side = side

    def prepare(self, sample: Sample) -> Array:
        """The embedding, float32 (side * side,)."""
        return noise_residual(centre_square(sample.pixels, self.side)).ravel()


def noise_residual(pixels: Image) -> NDArray[np.float32]:
    """The filtered noise of an image, float32 (side, side) in grey levels."""
    grey = wavelet_noise(pixels.astype(np.float32)) @ np.array(GREY, np.float32)
    return np.asarray(suppress_periodic(subtract_phase_means(grey)), np.float32)


def wavelet_noise(image: Maps) -> Maps:
    """The noise that the denoiser removes from an image, float (side, side, 3) in grey levels, of the same dtype."""
    height, width = image.shape[:2]
    levels = min(LEVELS, pywt.dwt_max_level(min(height, width), WAVELET))
    scene, *details = pywt.wavedec2(image, WAVELET, EDGES, levels, axes=(0, 1))
    noise = [tuple(detail * noise_share(detail**2, SIGMA**2) for detail in level) for level in details]
    reconstructed = pywt.waverec2([np.zeros_like(scene), *noise], WAVELET, EDGES, axes=(0, 1))
    return np.asarray(reconstructed[:height, :width])


def noise_share(energy: Maps, variance: float) -> Maps:
    """Noise variance over that of signal and noise, in [0, 1], from energy (H, W) or (H, W, channels)."""
    signal = np.maximum(min_local_mean(energy) - variance, 0)
    return np.asarray(variance / (signal + variance))


def min_local_mean(energy: Maps) -> Maps:
    """The smallest of the means of energy over square windows around each position; it is 0 beyond the edges."""
    means = (cv2.blur(energy, (size, size), borderType=cv2.BORDER_CONSTANT) for size in WINDOWS)
    return np.asarray(reduce(np.minimum, means))


def subtract_phase_means(grey: Maps) -> Maps:
    """A map (side, side) less the means of its rows and columns, in each of the four phases of a 2x2 mosaic."""
    half = len(grey) // 2
    phases = grey.reshape(half, 2, half, 2)
    rows, columns = phases.mean(2, keepdims=True), phases.mean(0, keepdims=True)
    return np.asarray(phases - rows - columns + phases.mean((0, 2), keepdims=True)).reshape(grey.shape)


def suppress_periodic(grey: Maps) -> Maps:
    """A map (side, side) without the peaks of its Fourier transform; 0 for a map of rounding errors."""
    deviation = float(grey.std(ddof=1))
    if deviation < ROUNDING:
        return np.zeros_like(grey)
    coefficients = np.fft.fft2(grey, norm="ortho")
    noise = coefficients * noise_share(np.abs(coefficients) ** 2, deviation**2)
    return np.asarray(np.fft.ifft2(noise, norm="ortho").real)


WEAK = "weak: a fingerprint averaged over 200 images of 128x128 is mostly their noise"
VARIANT = Variant(
    trained_on="the train subset of the run",
    input_size="128x128, RGB",
    input_policy="centre crop, nothing resampled; a smaller image: its centred square, enlarged bilinearly",
)


@dataclass(frozen=True)
class Prnu(Recipe):
    """Noise residuals and the fingerprints of real images and of each generator."""

    card: ClassVar[Card] = Card(
        name="prnu",
        family="noise residual",
        year=2019,
        version=1,
        title="PRNU-style residuals + fingerprint correlation",
        paper="Marra et al., Do GANs leave artificial fingerprints?, MIPR 2019, arXiv 1812.11842; after Lukas, Fridrich"
        " and Goljan, IEEE TIFS 2006",
        upstream="https://github.com/RUB-SysSec/GANDCTAnalysis, baselines/prnu.py (nothing copied)",
        licence="Apache-2.0 (own implementation)",
    )
    variants: ClassVar[Mapping[Setting, Variant]] = {
        "paper": VARIANT,
        "small": replace(VARIANT, notes=WEAK),
    }

    def embedder(self, runtime: Runtime) -> NoiseEmbedder:
        """The residuals, the same in both settings."""
        del runtime
        return NoiseEmbedder(SIDE)

    def fit(self, train: TrainSet, seed: int, runtime: Runtime) -> ArrayHeadProbe:
        """Average the residuals of each source. Raises ValueError for fewer than two images of a class."""
        embedder = self.embedder(runtime)
        return ArrayHeadProbe(embedder, fingerprints.fit(train.embed(embedder), train.labels, train.generators, seed))

    def restore(self, state: State, runtime: Runtime) -> ArrayHeadProbe:
        """The probe with this state."""
        return ArrayHeadProbe(self.embedder(runtime), fingerprints.Fingerprints(**state))
