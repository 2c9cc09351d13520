"""Log power spectra and logistic regression.

Upsampling in a generator leaves an excess or a lack of energy at high frequencies, and peaks: Zhang, Karaman and Chang,
"Detecting and Simulating Artifacts in GAN Fake Images" (AutoGAN), WIFS 2019, arXiv 1907.06515; Durall, Keuper and
Keuper, "Watch your Up-Convolution", CVPR 2020, arXiv 2003.01826; Frank et al., "Leveraging Frequency Analysis for Deep
Fake Image Recognition", ICML 2020, arXiv 2003.08685; Corvi et al., "Intriguing properties of synthetic images", CVPRW
2023, arXiv 2304.06408, who look at the spectrum of a denoiser's residual.

Here the power is averaged over overlapping windows before its logarithm is taken (Welch, 1967): one periodogram of one
image is mostly noise. Two spectra are read: that of the luma, and that of its difference from a 3x3 median.
"""

# Why these two spectra: mean accuracy on the training generator, 5-fold on the train split of a corpus like the
# embedded one; then on its val split, on other generators, and under JPEG 65 and blur of sigma 1.
#   one window of 128, pooled 2x2, median residual   .940   .937  .613  .801  .580
#   windows of 64, luma                              .965   .966  .588  .834  .759
#   windows of 64, median residual                   .966   .961  .613  .852  .578
#   windows of 64, both                              .977   .976  .613  .888  .819
#   windows of 32, both                              .977   .977  .620  .889  .804
# A linear high-pass instead of the median adds a constant to each log power, which scaling removes: it changes nothing.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import cv2
import numpy as np

from detectors.api import Array, Card, Runtime, Sample, Setting
from detectors.embedders.tensor_embedder import TensorEmbedder
from detectors.heads.linear import Logistic
from detectors.heads.probe_recipe import ProbeRecipe, ProbeVariant
from detectors.preprocessing.crops import centre_square, luma

if TYPE_CHECKING:
    from torch import Tensor

SIDE, SMALL_SIDE = 256, 128
WINDOW = 64
STEP = WINDOW // 2
SPECTRUM = WINDOW * (WINDOW // 2 + 1)  # frequencies of one real spectrum
FLOOR = 1.0  # of the power, where a grey level is 1: keeps the logarithm of a flat image finite
C = 0.1  # chosen by 5-fold on a corpus like the embedded one


class SpectrumEmbedder(TensorEmbedder):
    """Log power of the luma and of its median residual: float32 (N, 2 * 64 * 33), whatever the size of the crop."""

    def __init__(self, side: int, runtime: Runtime) -> None:
        super().__init__(f"spectrum.1.{side}.{WINDOW}.{STEP}", 2 * SPECTRUM, runtime)
        self.side = side

    def prepare(self, sample: Sample) -> Array:
        """The luma of the centre and its 3x3 median, uint8 (2, side, side)."""
        grey = luma(centre_square(sample.pixels, self.side))
        return np.stack([grey, cv2.medianBlur(grey, 3)])

    def features(self, images: Tensor) -> Tensor:
        """Spectra of N pairs of luma and median, uint8 (N, 2, side, side)."""
        import torch

        grey, median = images.float().unbind(1)
        return torch.cat([log_spectrum(grey), log_spectrum(grey - median)], 1)


def log_spectrum(maps: Tensor) -> Tensor:
    """Log of the power averaged over overlapping Hann windows, float32 (N, 64 * 33), of maps (N, side, side)."""
    import torch

    hann = torch.hann_window(WINDOW, device=maps.device)
    windows = maps.unfold(1, WINDOW, STEP).unfold(2, WINDOW, STEP)
    windows = windows - windows.mean((-2, -1), keepdim=True)
    coefficients: Tensor = torch.fft.rfft2(windows * hann * hann[:, None])
    power = torch.view_as_real(coefficients).square().sum(-1).mean((1, 2))
    return (power + FLOOR).log().flatten(1)


VARIANT = ProbeVariant(
    trained_on="the train subset of the run",
    input_size="256x256, luma",
    input_policy="centre crop, nothing resampled; a smaller image: its centred square, enlarged bilinearly",
    embedder=partial(SpectrumEmbedder, SIDE),
    head=Logistic(C),
)


@dataclass(frozen=True)
class Spectrum(ProbeRecipe):
    """Power spectra, in which upsampling leaves energy and peaks, and logistic regression."""

    card: ClassVar[Card] = Card(
        name="spectrum",
        family="frequency",
        year=2020,
        version=1,
        title="Power spectrum + logistic regression",
        paper="after Zhang et al., WIFS 2019, arXiv 1907.06515; Durall et al., CVPR 2020, arXiv 2003.01826; "
        "Frank et al., ICML 2020, arXiv 2003.08685; Corvi et al., CVPRW 2023, arXiv 2304.06408",
        upstream="none: own features; related code at https://github.com/RUB-SysSec/GANDCTAnalysis",
        licence="Apache-2.0 (own implementation)",
    )
    variants: ClassVar[Mapping[Setting, ProbeVariant]] = {
        "paper": VARIANT,
        "small": replace(VARIANT, input_size="128x128, luma", embedder=partial(SpectrumEmbedder, SMALL_SIDE)),
    }
