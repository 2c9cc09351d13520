"""Every degradation: its name, its parameter, its exact meaning, and one pure function.

A degradation is written `kind:numbers`; a chain joins several with "+", applied from left to right: `lr:112+jpeg:65`.
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

from detectors.api import Image, Sample
from detectors.types import Facts
from protocols.api import NONE

GRID = 16  # pixels: the blocks of JPEG with 4:2:0 chroma


class UnknownDegradation(ValueError):
    """A degradation that is not spelled as one. The message lists what there is."""


@dataclass(frozen=True, slots=True)
class DegradationKind:
    """One kind of degradation: what it does with a sample and its numbers, and how these are written.

    Attributes:
        apply: The pure function; takes the sample and the numbers.
        version: Rises when the pixels would change.
        numbers: Reads what stands after the colon: the numbers, or None where it is not that.
        spelled: How it is written, with the numbers' range.
    """

    apply: Callable[..., Sample]
    version: int
    numbers: Callable[[str], tuple[float, ...] | None]
    spelled: str


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


def crop(sample: Sample, width: float, height: float) -> Sample:
    """Keep the centre, at most this large; nothing is resampled and a smaller side stays as it is.

    The corner of what is kept lies on a multiple of `GRID` pixels, so that the blocks of an earlier JPEG compression
    stay blocks of the next one.

    Args:
        sample: Any size.
        width: Whole number of pixels, at least 1.
        height: Whole number of pixels, at least 1.
    """
    old_height, old_width = sample.pixels.shape[:2]
    top, left = (max(0, old - int(new)) // 2 // GRID * GRID for old, new in ((old_height, height), (old_width, width)))
    kept = sample.pixels[top : top + int(height), left : left + int(width)]
    if kept.shape == sample.pixels.shape:
        return sample
    pixels = np.ascontiguousarray(kept)
    return Sample(pixels, _resized(sample.facts, pixels))


def canonical(sample: Sample, quality: float) -> Sample:
    """Encode every image alike: as JPEG of one quality, or losslessly as PNG where `quality` is 0.

    PNG takes the format from what a file tells and leaves the traces of earlier compression in the pixels.
    """
    if quality:
        return jpeg(sample, quality)
    _, data = cv2.imencode(".png", sample.pixels[:, :, ::-1])
    facts = _resized(sample.facts, sample.pixels)
    return Sample(sample.pixels, replace(facts, format="PNG", bytes=data.size))


def _number(low: float, high: float, *, whole: bool) -> Callable[[str], tuple[float, ...] | None]:
    """Reads one number of a range."""

    def read(text: str) -> tuple[float, ...] | None:
        value = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else -1.0
        return (value,) if low <= value <= high and (value.is_integer() or not whole) else None

    return read


def _size(text: str) -> tuple[float, ...] | None:
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    return (float(match[1]), float(match[2])) if match else None


def _encoding(text: str) -> tuple[float, ...] | None:
    match = re.fullmatch(r"jpeg([1-9]\d?|100)", text)
    if match:
        return (float(match[1]),)
    return (0,) if text == "png" else None


def kinds() -> dict[str, DegradationKind]:
    """Every kind of degradation by name."""
    side = _number(1, 100_000, whole=True)
    return {
        "jpeg": DegradationKind(
            jpeg, 1, _number(1, 100, whole=True), "jpeg:N (JPEG at quality 1 to 100, 4:2:0, libjpeg-turbo)"
        ),
        "blur": DegradationKind(
            blur, 1, _number(0.05, 100, whole=False), "blur:N (Gaussian blur, sigma 0.05 to 100 pixels)"
        ),
        "lr": DegradationKind(low_resolution, 1, side, "lr:N (shorter side downsampled to 1 to 100000 pixels)"),
        "crop": DegradationKind(crop, 1, _size, "crop:WxH (the centre, nothing resampled)"),
        "canonical": DegradationKind(
            canonical, 1, _encoding, "canonical:jpegN or canonical:png (everything encoded alike)"
        ),
    }


def _parse_one(text: str) -> tuple[DegradationKind, tuple[float, ...], str]:
    """The kind, its numbers, and the canonical spelling."""
    name, _, rest = text.partition(":")
    known = kinds()
    if name in known and (numbers := known[name].numbers(rest)) is not None:
        spelled = rest if len(numbers) > 1 or not rest[:1].isdigit() else f"{numbers[0]:g}"
        return known[name], numbers, f"{name}:{spelled}"
    there = ", ".join(kind.spelled for kind in known.values())
    msg = f"degradation {text!r} is not known; there is {NONE}, {there}, and chains joined with '+'"
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
    steps: tuple[tuple[DegradationKind, tuple[float, ...]], ...]

    def __call__(self, sample: Sample) -> Sample:
        """Apply the chain to one sample; the sample is left alone."""
        for kind, numbers in self.steps:
            sample = kind.apply(sample, *numbers)
        return sample


def degradation(text: str) -> Degradation:
    """Parse "none", "jpeg:65" or a chain such as "lr:112+jpeg:65". Raises `UnknownDegradation`."""
    if text == NONE:
        return Degradation(NONE, NONE, ())
    steps = [_parse_one(part) for part in text.split("+")]
    return Degradation(
        "+".join(name for _, _, name in steps),
        "+".join(f"{name}@{kind.version}" for kind, _, name in steps),
        tuple((kind, numbers) for kind, numbers, _ in steps),
    )
