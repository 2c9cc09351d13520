"""Other file formats than JPEG: encoding and decoding again. HEIC and JPEG XL need an extra of this package each.

What encoders write differs from version to version: each kind says which library wrote its pixels.
"""

from __future__ import annotations

import io
import re
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np
from PIL import Image as PillowImage
from PIL import features

from detectors.api import Sample
from protocols.degradations.jpeg import QUALITY
from protocols.degradations.kind import (
    DegradationKind,
    NumberRange,
    ParameterList,
    UnknownDegradation,
    facts_in_memory,
)

SMALLEST_JP2 = 64  # pixels: below, OpenJPEG does not reach the rate that it is asked for
AVIF_SPEED = 6


def webp(sample: Sample, quality: float) -> Sample:
    """Encode as lossy WebP with libwebp's method 4, which is always 4:2:0, and decode again; Pillow's binding.

    Args:
        sample: Any size that WebP has, which is 16383 pixels a side.
        quality: Whole number from 1 to 100; 100 is lossy too.

    Returns:
        Pixels of the same size; facts of the encoded file.

    Raises:
        ValueError: The encoder refuses the image.
    """
    return _through_pillow(sample, "WEBP", f"webp:{quality:g}", quality=int(quality), method=4, lossless=False)


def avif(sample: Sample, quality: float, speed: float) -> Sample:
    """Encode as AVIF with libaom on one thread, 8 bits, 4:2:0, one tile, and decode again; Pillow's binding.

    With more threads the encoder writes other pixels at one quality, and by default it takes as many as there are
    processors.

    Args:
        sample: Any size that AVIF has.
        quality: libavif's, a whole number from 1 to 100.
        speed: libavif's, a whole number from 0, the slowest, to 10.

    Returns:
        Pixels of the same size; facts of the encoded file.

    Raises:
        ValueError: The encoder refuses the image.
    """
    numbers = {"quality": int(quality), "speed": int(speed)}
    fixed = {"codec": "aom", "max_threads": 1, "subsampling": "4:2:0", "range": "full", "autotiling": False}
    return _through_pillow(sample, "AVIF", f"avif:{quality:g}:{speed:g}", **numbers, **fixed)


def jp2(sample: Sample, rate: float) -> Sample:
    """Encode as JPEG 2000 with OpenJPEG, irreversible 9/7 wavelet and colour transform, and decode again.

    One quality layer, six resolutions, no tiles: Pillow's and OpenJPEG's defaults.

    Args:
        sample: At least 64 pixels a side: smaller ones miss the rate.
        rate: How many times smaller than 24 bits a pixel the file is to be, at least 1.

    Returns:
        Pixels of the same size; facts of the encoded file.

    Raises:
        ValueError: The image is too small, or the encoder refuses it.
    """
    height, width = sample.pixels.shape[:2]
    if min(height, width) < SMALLEST_JP2:
        least = f"{SMALLEST_JP2}x{SMALLEST_JP2}"
        msg = f"jp2:{rate:g} misses its rate on an image of {width}x{height} pixels; give images of at least {least}"
        raise ValueError(msg)
    options = {"quality_mode": "rates", "quality_layers": [rate], "irreversible": True, "mct": 1, "no_jp2": False}
    return _through_pillow(sample, "JPEG2000", f"jp2:{rate:g}", **options)


def heic(sample: Sample, quality: float) -> Sample:
    """Encode as HEIC with x265 by libheif, 8 bits, 4:2:0, its default preset, and decode again; pillow-heif's binding.

    Args:
        sample: Any size that the encoder takes.
        quality: libheif's, a whole number from 1 to 100; 100 is lossy too.

    Returns:
        Pixels of the same size; facts of the encoded file.

    Raises:
        UnknownDegradation: The extra is not installed.
        ValueError: The encoder refuses the image.
    """
    _extra("heic")
    return _through_pillow(sample, "HEIF", f"heic:{quality:g}", quality=int(quality), chroma=420)


def jxl(sample: Sample, quality: float) -> Sample:
    """Encode as lossy JPEG XL with libjxl at effort 7 on one thread, and decode again; pillow-jxl-plugin's binding.

    Args:
        sample: Any size.
        quality: libjxl's, a whole number from 1 to 99: 100 would be lossless.

    Returns:
        Pixels of the same size; facts of the encoded file.

    Raises:
        UnknownDegradation: The extra is not installed.
        ValueError: The encoder refuses the image.
    """
    _extra("jxl")
    options = {"quality": int(quality), "effort": 7, "lossless": False, "num_threads": 1}
    return _through_pillow(sample, "JXL", f"jxl:{quality:g}", **options)


def _through_pillow(sample: Sample, file_format: str, name: str, **options: Any) -> Sample:  # noqa: ANN401
    """Encode with Pillow or a plug-in of it, and decode. The options are the encoder's."""
    data = io.BytesIO()
    try:
        PillowImage.fromarray(sample.pixels).save(data, file_format, **options)
        with PillowImage.open(data, formats=[file_format]) as decoded:
            pixels = np.array(decoded.convert("RGB"))
    except (OSError, RuntimeError, ValueError) as error:
        height, width = sample.pixels.shape[:2]
        msg = f"{name} cannot encode an image of {width}x{height} pixels: {error}"
        raise ValueError(msg) from error
    facts = facts_in_memory(sample.facts, pixels)
    return Sample(pixels, replace(facts, format=file_format, bytes=data.getbuffer().nbytes))


@cache
def _extra(kind: str) -> Any:  # noqa: ANN401 - a module
    """The module that an extra of this package brings, known to Pillow. Raises `UnknownDegradation` without it."""
    module, package = {"heic": ("pillow_heif", "pillow-heif"), "jxl": ("pillow_jxl", "pillow-jxl-plugin")}[kind]
    try:
        plugin = import_module(module)
    except ImportError as error:
        msg = f"degradation {kind} needs the package {package}, which is not installed: pip install -e '.[{kind}]'"
        raise UnknownDegradation(msg) from error
    if kind == "heic":
        plugin.register_heif_opener()  # the other registers itself
    return plugin


def _webp_library(*_: float) -> str:
    return f"libwebp {features.version('webp')}"


def _jp2_library(*_: float) -> str:
    return f"OpenJPEG {features.version('jpg_2000')}"


@cache
def _avif_library(*_: float) -> str:
    """The versions of libavif and of libaom. Raises `UnknownDegradation` where Pillow cannot encode with libaom."""
    from PIL import _avif

    encoder = re.search(r"aom \[[a-z/]*enc[a-z/]*\]:([^,]*)", _avif.codec_versions())
    if encoder is None:
        msg = "degradation avif needs a Pillow with libaom, which this one lacks: pip install --force-reinstall pillow"
        raise UnknownDegradation(msg)
    return f"libavif {features.version('avif')}, libaom {encoder[1]}"


@cache
def _heic_library(*_: float) -> str:
    plugin = _extra("heic")
    return f"libheif {plugin.libheif_version()}, {plugin.libheif_info()['HEIF']}"


@cache
def _jxl_library(*_: float) -> str:
    _extra("jxl")
    return f"pillow-jxl-plugin {version('pillow-jxl-plugin')}"  # which brings libjxl, and does not say which


WEBP = DegradationKind(
    webp, 1, QUALITY, "webp:N (WebP at quality 1 to 100, method 4, 4:2:0)", ("90", "75", "50", "25", "5"), _webp_library
)
AVIF = DegradationKind(
    avif,
    1,
    ParameterList((QUALITY, NumberRange(0, 10, whole=True)), (AVIF_SPEED,)),
    "avif:N or avif:N:SPEED (AVIF at quality 1 to 100, libaom on one thread, 4:2:0, speed 0 to 10, by default 6)",
    ("90", "75", "60", "40", "20"),
    _avif_library,
)
JP2 = DegradationKind(
    jp2,
    1,
    NumberRange(1, 1000, whole=False),
    "jp2:N (JPEG 2000, N times smaller than 24 bits a pixel, 9/7 wavelet, colour transform, from 64 px)",
    ("5", "10", "20", "40", "80"),
    _jp2_library,
)
HEIC = DegradationKind(
    heic,
    1,
    QUALITY,
    "heic:N (HEIC at quality 1 to 100, 4:2:0; needs the extra heic)",
    ("90", "70", "50", "35", "20"),
    _heic_library,
)
JXL = DegradationKind(
    jxl,
    1,
    NumberRange(1, 99, whole=True),
    "jxl:N (lossy JPEG XL at quality 1 to 99, effort 7; needs the extra jxl)",
    ("90", "75", "60", "40", "20"),
    _jxl_library,
)
