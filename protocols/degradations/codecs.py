"""Encoding in a file format and decoding again."""

from __future__ import annotations

import re
from dataclasses import replace

import cv2
import numpy as np

from detectors.api import Sample
from protocols.degradations.kind import DegradationKind, NumberRange, Numbers, facts_in_memory


def jpeg(sample: Sample, quality: float) -> Sample:
    """Encode as baseline JPEG with libjpeg's quality scale, chroma 4:2:0, and decode again.

    Args:
        sample: Any size.
        quality: Whole number from 1 to 100.

    Returns:
        Pixels of the same size; facts of the encoded file.

    Raises:
        ValueError: The image is larger than a JPEG file can be.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420]
    encoded, data = cv2.imencode(".jpg", sample.pixels[:, :, ::-1], options)
    if not encoded:
        height, width = sample.pixels.shape[:2]
        msg = f"jpeg:{quality:g} cannot encode an image of {width}x{height} pixels"
        raise ValueError(msg)
    pixels = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), dtype=np.uint8)
    facts = facts_in_memory(sample.facts, pixels)
    return Sample(pixels, replace(facts, format="JPEG", bytes=data.size, jpeg_quality=int(quality)))


def canonical(sample: Sample, quality: float) -> Sample:
    """Encode every image alike: as JPEG of one quality, or losslessly as PNG where `quality` is 0.

    PNG makes the format of all files the same and leaves the traces of earlier compression in the pixels.

    Args:
        sample: Any size.
        quality: Whole number from 1 to 100, or 0 for PNG.
    """
    if quality:
        return jpeg(sample, quality)
    _, data = cv2.imencode(".png", sample.pixels[:, :, ::-1])
    facts = facts_in_memory(sample.facts, sample.pixels)
    return Sample(sample.pixels, replace(facts, format="PNG", bytes=data.size))


def _parse_encoding(text: str) -> Numbers | None:
    match = re.fullmatch(r"jpeg([1-9]\d?|100)", text)
    if match:
        return (float(match[1]),)
    return (0,) if text == "png" else None


JPEG = DegradationKind(
    jpeg, 1, NumberRange(1, 100, whole=True), "jpeg:N (JPEG at quality 1 to 100, 4:2:0, libjpeg-turbo)"
)
CANONICAL = DegradationKind(
    canonical, 1, _parse_encoding, "canonical:jpegN or canonical:png (everything encoded alike)"
)
