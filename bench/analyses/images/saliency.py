"""Saliency by gradients: how much the answer of a fitted detector changes with each pixel, and where and how finely.

The gradient of the log odds of "generated" by the pixels, as decoded, before the crop, resize and normalisation of the
detector: what `protocols.degraded.adversarial` follows too. The saliency of a pixel is the largest magnitude over its
three channels: Simonyan, Vedaldi and Zisserman, "Deep inside convolutional networks", 2013, arXiv 1312.6034.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.analyses.images.degraded_pass import REAL, LeftOut, MadeArray, made_arrays
from bench.engine.selections import Positions
from bench.images.image_set import ImageSet
from bench.records.columns import DEGRADATION, DETECTOR, GENERATOR, IMAGES, LABEL, LOG_ODDS, NAME
from detectors.api import Array, Detector, Recipe, Sample, Unavailable
from detectors.differentiable import Differentiable, has_gradient
from detectors.types import FloatImage
from protocols.api import NONE
from protocols.degradations import parse_degradation

RINGS = 32  # of frequencies, from 0 to that of a checkerboard
HIGHEST = float(np.sqrt(0.5))  # cycles per pixel, along the diagonal
CENTRE_SHARE, GINI, MEAN, FREQUENCY, POWER_SHARE = "centre_share", "gini", "mean_saliency", "frequency", "power_share"
SALIENCY = (DETECTOR, NAME, GENERATOR, LABEL, DEGRADATION, LOG_ODDS, MEAN, CENTRE_SHARE, GINI)  # of `saliency_table`
GRADIENT_SPECTRA = (DETECTOR, LABEL, DEGRADATION, IMAGES, FREQUENCY, POWER_SHARE)  # of `gradient_spectrum_table`
SaliencyValues = NDArray[np.float64]  # (H, W), 0 or more


@dataclass(frozen=True)
class FittedDetector:
    """A fitted detector whose saliency is asked for.

    Attributes:
        name: What tables call it.
        recipe: What it was fitted from.
        detector: The detector.
    """

    name: str
    recipe: Recipe
    detector: Detector

    @property
    def differentiable(self) -> Differentiable:
        """The detector as one that has a gradient. Raises `Unavailable` where it has none, with the reason."""
        if has_gradient(self.recipe) and isinstance(self.detector, Differentiable):
            return self.detector
        if self.recipe.input != "published":
            msg = f"it is shown images with input={self.recipe.input}, and may have a gradient as published alone"
            raise Unavailable(msg)
        msg = "its log odds have no gradient by the pixels that can be followed"
        raise Unavailable(msg)


@dataclass(frozen=True)
class SaliencyMap:
    """The gradient of the log odds of one detector for one image.

    Attributes:
        detector: Its name.
        name: Of the image.
        generator: That made it, or `REAL`.
        label: 0 real, 1 generated.
        degradation: Canonical name of what the image went through first.
        log_odds: Of "generated".
        gradient: By each sample of the image, in [0, 1], float32 (H, W, 3).
    """

    detector: str
    name: str
    generator: str
    label: int
    degradation: str
    log_odds: float
    gradient: FloatImage

    @cached_property
    def values(self) -> SaliencyValues:
        """The saliency, float64 (H, W): the largest magnitude of the gradient over the channels."""
        return np.asarray(np.abs(self.gradient.astype(np.float64)).max(axis=2))


@dataclass(frozen=True)
class Saliency:
    """Maps of several detectors.

    Attributes:
        maps: Detector by detector, in the order of the images.
        left_out: Images that could not be shown, each once.
        without: By detector, why it has no map.
    """

    maps: tuple[SaliencyMap, ...]
    left_out: tuple[LeftOut, ...]
    without: dict[str, str]


def saliency(
    detectors: Sequence[FittedDetector], images: ImageSet, rows: Positions, workers: int, degradation: str = NONE
) -> Saliency:
    """The saliency of some images for each detector that has a gradient; each image is decoded once.

    Detectors see one image at a time, so that nothing depends on what stands beside it.

    Args:
        detectors: Fitted detectors of different names.
        images: The image set.
        rows: Positions of images, int64 (N,).
        workers: Threads that decode and degrade.
        degradation: Applied to every image first.

    Raises:
        UnknownDegradation: The degradation is none.
    """
    able: dict[str, Differentiable] = {}
    without: dict[str, str] = {}
    for one in detectors:
        try:
            able[one.name] = one.differentiable
        except Unavailable as error:
            without[one.name] = str(error)
    chain = parse_degradation(degradation).name
    maps: dict[str, list[SaliencyMap]] = {name: [] for name in able}
    left_out: list[LeftOut] = []
    for made in made_arrays(images, rows, {chain: _pixels}, workers) if able else ():
        if made.array is None:
            left_out.append(LeftOut(images.names[made.row], chain, made.reason))
            continue
        for name in list(able):
            try:
                maps[name].append(_map(name, able[name], images, made, made.array))
            except (Unavailable, ValueError) as error:
                without[name] = f"{images.names[made.row]}: {error}"
                del able[name], maps[name]
    return Saliency(tuple(one for found in maps.values() for one in found), tuple(left_out), without)


def _pixels(sample: Sample) -> Array:
    return sample.pixels


def _map(name: str, detector: Differentiable, images: ImageSet, made: MadeArray, pixels: Array) -> SaliencyMap:
    odds, gradient = detector.odds_and_gradient((pixels / 255).astype(np.float32))
    row = made.row
    label = int(images.labels[row])
    generator = str(images.table["generator"].iloc[row]) if label else REAL
    return SaliencyMap(name, images.names[row], generator, label, made.degradation, odds, gradient)


def centre_share(values: SaliencyValues) -> float:
    """The share of the saliency in the middle half of the rows and of the columns: about 0.25 where it is even.

    Args:
        values: (H, W).

    Returns:
        In [0, 1]; NaN where the saliency is 0 everywhere.
    """
    height, width = values.shape
    total = float(values.sum())
    middle = values[height // 4 : height - height // 4, width // 4 : width - width // 4]
    return float(middle.sum()) / total if total else float("nan")


def gini(values: SaliencyValues) -> float:
    """How unevenly saliency lies on the pixels: 0 where all have as much, 1 - 1 / (H W) where one has all.

    Returns:
        Half the mean difference of two pixels, divided by their mean; NaN where the saliency is 0 everywhere.
    """
    ordered = np.sort(values.ravel())
    total = float(ordered.sum())
    if not total:
        return float("nan")
    ranks = np.arange(1, len(ordered) + 1)
    return float((2 * ranks - len(ordered) - 1) @ ordered) / (len(ordered) * total)


def gradient_spectrum(gradient: FloatImage) -> NDArray[np.float64]:
    """The shares of the power of a gradient by frequency.

    Args:
        gradient: (H, W, 3).

    Returns:
        Float64 (RINGS,), which add up to 1: of rings of distance from frequency 0, of equal widths up to `HIGHEST`, of
        the three channels together. NaN where the gradient is 0 everywhere.
    """
    height, width = gradient.shape[:2]
    powers = (np.abs(np.fft.fft2(gradient.astype(np.float64), axes=(0, 1))) ** 2).sum(axis=2)
    distances = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
    rings = np.minimum((distances / HIGHEST * RINGS).astype(int), RINGS - 1)
    total = powers.sum()
    sums = np.bincount(rings.ravel(), powers.ravel(), minlength=RINGS)
    return np.asarray(sums / total) if total else np.full(RINGS, np.nan)


def ring_frequencies() -> NDArray[np.float64]:
    """The middles of the rings of `gradient_spectrum`, in cycles per pixel, float64 (RINGS,)."""
    return np.asarray((np.arange(RINGS) + 0.5) * HIGHEST / RINGS)


def saliency_table(maps: Iterable[SaliencyMap]) -> pd.DataFrame:
    """One row per detector and image, columns `SALIENCY`."""
    rows = (
        (
            *(one.detector, one.name, one.generator, one.label, one.degradation, one.log_odds),
            *(float(one.values.mean()), centre_share(one.values), gini(one.values)),
        )
        for one in maps
    )
    return pd.DataFrame(rows, columns=list(SALIENCY))


def gradient_spectrum_table(maps: Iterable[SaliencyMap]) -> pd.DataFrame:
    """The mean over images of `gradient_spectrum`: one row per detector, class and ring, columns `GRADIENT_SPECTRA`.

    Images whose gradient is 0 everywhere are not counted.
    """
    groups: dict[tuple[str, int, str], list[NDArray[np.float64]]] = {}
    for one in maps:
        found = gradient_spectrum(one.gradient)
        if np.isfinite(found).all():
            groups.setdefault((one.detector, one.label, one.degradation), []).append(found)
    tables = [_spectrum_rows(key, found) for key, found in groups.items()]
    return pd.DataFrame([row for rows in tables for row in rows], columns=list(GRADIENT_SPECTRA))


def _spectrum_rows(key: tuple[str, int, str], found: Sequence[NDArray[np.float64]]) -> Iterator[tuple[object, ...]]:
    for frequency, share in zip(ring_frequencies(), np.mean(found, axis=0), strict=True):
        yield (*key, len(found), float(frequency), float(share))
