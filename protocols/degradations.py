"""Every degradation: its name, its parameter, its exact meaning, and one pure function.

A degradation is written `kind:value`; a chain joins several with "+", applied from left to right: `lr:112+jpeg:65`.
GenImage (arXiv 2306.08571, Table 5) names LR 112 and 64, JPEG 65 and 30 and blur 3 and 5, and states neither
interpolation nor encoder. What they mean here is stated at each function; a change of meaning raises the version,
which is part of every cache key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from PIL import Image as PillowImage

from detectors.api import Facts, Image, Sample

NONE = "none"


class UnknownDegradation(ValueError):
    """A degradation that is not spelled as one. The message lists what there is."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of degradation: what it does with a sample and a number, and which numbers it takes."""

    apply: Callable[[Sample, float], Sample]
    version: int
    low: float
    high: float
    whole: bool  # takes whole numbers only
    meaning: str


def _resized(facts: Facts, pixels: Image) -> Facts:
    """Facts of an image that was processed in memory: it has no encoded size of its own any more."""
    height, width = pixels.shape[:2]
    return replace(facts, format="RAW", width=width, height=height, bytes=pixels.nbytes, jpeg_quality=None)


def jpeg(sample: Sample, quality: float) -> Sample:
    """Encode as baseline JPEG with libjpeg's quality scale, chroma 4:2:0, and decode again.

    Args:
        sample: Any size.
        quality: Whole number from 1 to 100.

    Returns:
        Pixels of the same size; facts of the encoded file.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    done, data = cv2.imencode(".jpg", sample.pixels[:, :, ::-1], options)
    if not done:
        height, width = sample.pixels.shape[:2]
        msg = f"jpeg:{quality:g} cannot encode an image of {width}x{height} pixels"
        raise ValueError(msg)
    pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
    facts = _resized(sample.facts, pixels)
    return Sample(pixels, replace(facts, format="JPEG", bytes=data.size, jpeg_quality=int(quality)))


def blur(sample: Sample, sigma: float) -> Sample:
    """Gaussian blur of each sRGB channel, computed in float32 and rounded to the nearest integer.

    The kernel is cut off at 4 sigma and the border mirrored with the edge pixel repeated, as in
    `scipy.ndimage.gaussian_filter`.

    Args:
        sample: Any size.
        sigma: Standard deviation in pixels, above 0.
    """
    size = 2 * int(4 * sigma + 0.5) + 1
    blurred = cv2.GaussianBlur(
        sample.pixels.astype(np.float32), (size, size), sigmaX=sigma, sigmaY=sigma, borderType=cv2.BORDER_REFLECT
    )
    pixels = np.clip(np.rint(blurred), 0, 255).astype(np.uint8)
    return Sample(pixels, _resized(sample.facts, pixels))


def low_resolution(sample: Sample, side: float) -> Sample:
    """Downsample until the shorter side has `side` pixels, keeping the aspect ratio; never scale up again.

    Bilinear with antialiasing (a triangle filter as wide as the reduction), which is what Pillow and torchvision call
    bilinear. An image whose shorter side is no larger is left as it is. Detectors bring the small image to their own
    input size as their method says.

    Args:
        sample: Any size.
        side: Whole number of pixels, at least 1.
    """
    height, width = sample.pixels.shape[:2]
    shorter = min(height, width)
    if shorter <= side:
        return sample
    size = (max(1, round(width * side / shorter)), max(1, round(height * side / shorter)))
    resized = PillowImage.fromarray(sample.pixels).resize(size, PillowImage.Resampling.BILINEAR)
    pixels = np.asarray(resized)
    return Sample(pixels, _resized(sample.facts, pixels))


def kinds() -> dict[str, Kind]:
    """Every kind of degradation by name."""
    return {
        "jpeg": Kind(jpeg, 1, 1, 100, whole=True, meaning="JPEG at this quality, 4:2:0, libjpeg-turbo"),
        "blur": Kind(blur, 1, 0.05, 100, whole=False, meaning="Gaussian blur with this sigma in pixels"),
        "lr": Kind(low_resolution, 1, 1, 100_000, whole=True, meaning="shorter side downsampled to this many pixels"),
    }


def _parse_one(text: str) -> tuple[Kind, float, str]:
    match = re.fullmatch(r"([a-z]+):(\d+(?:\.\d+)?)", text)
    known = kinds()
    if match and match[1] in known:
        kind, value = known[match[1]], float(match[2])
        if kind.low <= value <= kind.high and (value.is_integer() or not kind.whole):
            return kind, value, f"{match[1]}:{value:g}"
    spelled = ", ".join(f"{name}:N ({kind.meaning}, {kind.low:g} to {kind.high:g})" for name, kind in known.items())
    msg = f"degradation {text!r} is not known; there is {NONE}, {spelled}, and chains joined with '+'"
    raise UnknownDegradation(msg)


@dataclass(frozen=True, slots=True)
class Degradation:
    """A chain of degradations. Both classes are always degraded alike.

    Attributes:
        name: Canonical spelling, such as "jpeg:65" or "none".
        key: The name with the version of each step: what changes the pixels.
    """

    name: str
    key: str
    steps: tuple[tuple[Kind, float], ...]

    def __call__(self, sample: Sample) -> Sample:
        """Apply the chain to one sample; the sample is left alone."""
        for kind, value in self.steps:
            sample = kind.apply(sample, value)
        return sample


def degradation(text: str) -> Degradation:
    """Parse "none", "jpeg:65" or a chain such as "lr:112+jpeg:65". Raises `UnknownDegradation`."""
    if text == NONE:
        return Degradation(NONE, NONE, ())
    steps = [_parse_one(part) for part in text.split("+")]
    return Degradation(
        "+".join(name for _, _, name in steps),
        "+".join(f"{name}@{kind.version}" for kind, _, name in steps),
        tuple((kind, value) for kind, value, _ in steps),
    )
