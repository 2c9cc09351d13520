"""JPEG once, and again and again as an image meets it: on shifted grids, and at falling quality.

On one grid at one quality a repeated JPEG stops changing after some five saves: it is no degradation of its own.
"""

from __future__ import annotations

import re
from dataclasses import replace

import cv2
import numpy as np

from detectors.api import Image, Sample
from protocols.degradations.kind import DegradationKind, NumberRange, ParameterList, Parameters, facts_in_memory

SHIFT = (3, 5)  # rows and columns: odd, so that sixteen saves have sixteen grids
BLOCK = 16  # pixels: the blocks of JPEG with 4:2:0 chroma
FALL = 10  # steps of quality from one save to the next
MOST_SAVES = 16


def jpeg(sample: Sample, quality: float) -> Sample:
    """Encode as baseline JPEG with libjpeg's quality scale, chroma 4:2:0, and decode again.

    The encoder and the decoder are libjpeg-turbo with the slow integer DCT, as OpenCV calls them.

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
    return jpeg(sample, quality) if quality else png(sample)


def png(sample: Sample) -> Sample:
    """The same pixels, of any size, with the facts of the PNG file that OpenCV writes of them."""
    _, data = cv2.imencode(".png", sample.pixels[:, :, ::-1])
    facts = facts_in_memory(sample.facts, sample.pixels)
    return Sample(sample.pixels, replace(facts, format="PNG", bytes=data.size))


def jpeg_shifted(sample: Sample, quality: float, saves: float) -> Sample:
    """Save as `jpeg` several times at one quality, each time on another grid of blocks.

    The first save is on the grid of the image. Before each further one the grid has moved by 3 rows and 5 columns,
    modulo 16: the image is extended at the top and on the left by repeating its edge, encoded, decoded, and cut back.

    Args:
        sample: Any size.
        quality: Whole number from 1 to 100.
        saves: Whole number from 1 to 16.

    Returns:
        Pixels of the same size; facts of the last file, whose bytes are those of the extended image.

    Raises:
        ValueError: The image is larger than a JPEG file can be.
    """
    height, width = sample.pixels.shape[:2]
    for save in range(int(saves)):
        top, left = (save * shift % BLOCK for shift in SHIFT)
        saved = jpeg(Sample(_extended(sample.pixels, top, left), sample.facts), quality)
        facts = replace(saved.facts, width=width, height=height)
        sample = Sample(np.ascontiguousarray(saved.pixels[top:, left:]), facts)
    return sample


def _extended(pixels: Image, top: int, left: int) -> Image:
    """The image with rows above and columns on the left that repeat its edge."""
    return np.pad(pixels, ((top, 0), (left, 0), (0, 0)), mode="edge") if top or left else pixels


def jpeg_falling(sample: Sample, quality: float, saves: float) -> Sample:
    """Save as `jpeg` several times on one grid, each time at a quality that is lower by 10, but never below 1.

    Args:
        sample: Any size.
        quality: Of the first save, a whole number from 1 to 100.
        saves: Whole number from 1 to 16.

    Returns:
        Pixels of the same size; facts of the last file.

    Raises:
        ValueError: The image is larger than a JPEG file can be.
    """
    for save in range(int(saves)):
        sample = jpeg(sample, max(1, quality - FALL * save))
    return sample


def _parse_encoding(text: str) -> Parameters | None:
    match = re.fullmatch(r"jpeg([1-9]\d?|100)", text, re.ASCII)
    if match:
        return (float(match[1]),)
    return (0,) if text == "png" else None


QUALITY = NumberRange(1, 100, whole=True)
_SEVERAL_SAVES = ParameterList((QUALITY, NumberRange(1, MOST_SAVES, whole=True)))

JPEG = DegradationKind(
    jpeg,
    1,
    QUALITY,
    "jpeg:N (JPEG at quality 1 to 100, 4:2:0, slow integer DCT, libjpeg-turbo)",
    ("90", "75", "60", "45", "30"),
    sweep=lambda _: [str(quality) for quality in range(100, 0, -10)],
)
CANONICAL = DegradationKind(
    canonical, 1, _parse_encoding, "canonical:jpegN or canonical:png (everything encoded alike)"
)
JPEG_SHIFTED = DegradationKind(
    jpeg_shifted,
    1,
    _SEVERAL_SAVES,
    "jpeg_shifted:N:M (M times JPEG at quality N, each time on a grid moved by 5x3 pixels, M up to 16)",
    ("75:1", "75:2", "75:4", "75:8", "75:16"),
)
JPEG_FALLING = DegradationKind(
    jpeg_falling,
    1,
    _SEVERAL_SAVES,
    "jpeg_falling:N:M (M times JPEG, the first time at quality N, each time 10 lower, M up to 16)",
    ("90:2", "90:3", "90:4", "90:5", "90:6"),
)
