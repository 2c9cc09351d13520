"""The decoder of all images: strict, to 8-bit sRGB, the same for every detector."""

from __future__ import annotations

import ctypes
import io
import re
import warnings
from contextlib import suppress
from functools import cache
from typing import NamedTuple

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError, _imaging

from bench.images.decoding.colour_profiles import ColourProfile
from bench.images.decoding.completeness import require_complete, require_valid_size
from bench.images.decoding.jpeg_tables import JpegEncoding, jpeg_encoding
from bench.platform.errors import InputError
from detectors.api import Sample
from detectors.types import Facts

_SIXTEEN_BIT_MODES = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})  # grey of 9 to 16 bits
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT, _EXIF_DIRECTORY = 258, 262, 339, 34665  # TIFF tags
_SIGNED = 2  # among TIFF's sample formats
_PILLOW_WARNINGS = ("ignore", None, UserWarning, re.compile(r"PIL\."), 0)


class UnreadableImage(InputError):
    """A file that does not hold one complete image. The message names it and gives the reason.

    Attributes:
        where: What messages call the file.
        reason: The reason in a few words, without the file's name.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(where, reason)
        self.where = where
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.where} cannot be decoded ({self.reason}); replace it or take it out of the data set"


class StorageDetails(NamedTuple):
    """How an image is stored, beyond what `detectors.types.Facts` holds.

    Attributes:
        mode: Pillow's name of the stored samples: "RGB", "CMYK", "L", "P", "RGBA", "I;16" and others.
        exif: Whether the file has EXIF data.
        profile: The description of its colour profile, at most 40 printable characters; "" for none.
        jpeg: How a JPEG file is encoded; None for other files.
    """

    mode: str
    exif: bool
    profile: str
    jpeg: JpegEncoding | None = None


def decode(data: bytes, where: str) -> Sample:
    """Read one image file.

    EXIF orientation is applied, and so is an embedded colour profile other than sRGB; alpha is composited on white,
    samples of 16 bits keep their high byte, and everything becomes 8-bit RGB. The file is first checked to be complete
    by its own structure, so that a truncated one raises an error instead of being half grey.

    Args:
        data: The whole file.
        where: What messages call it.

    Returns:
        Pixels uint8 (H, W, 3) and the facts of the file.

    Raises:
        UnreadableImage: The file is empty, damaged, truncated, animated, too large or not an image.
    """
    return decode_with_details(data, where)[0]


def decode_with_details(data: bytes, where: str) -> tuple[Sample, StorageDetails]:
    """Read one image file as `decode` does, and tell how it is stored. Raises `UnreadableImage`."""
    try:
        with _open(data) as image:
            _require_readable(image)
            details = StorageDetails(image.mode, _has_exif(image), "", jpeg_encoding(image))
            ImageOps.exif_transpose(image, in_place=True)
            profile = ColourProfile(image.info["icc_profile"]) if "icc_profile" in image.info else None
            pixels = np.asarray(_to_rgb(image, profile))
            kind = "JPEG" if image.format == "MPO" else image.format or ""
    except Exception as error:  # damaged files make Pillow raise nearly anything
        raise UnreadableImage(where, _reason(error)) from error
    quality = details.jpeg.nearest_quality if details.jpeg else None
    facts = Facts(kind, pixels.shape[1], pixels.shape[0], len(data), quality)
    return Sample(pixels, facts), details._replace(profile=profile.name if profile else "")


def size_of(data: bytes, where: str) -> tuple[int, int]:
    """Width and height in pixels of an image file as stored, without decoding it. Raises `UnreadableImage`."""
    try:
        with _open(data) as image:
            return image.size
    except Exception as error:
        raise UnreadableImage(where, _reason(error)) from error


def _open(data: bytes) -> Pillow.Image:
    """A complete file, opened by the reader of the format that its first bytes state."""
    kind = require_complete(data)
    if kind == "TIFF":
        _disable_libtiff_messages()
    if _PILLOW_WARNINGS not in warnings.filters:  # of odd metadata; a warnings context is not safe among threads
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    image = Pillow.open(io.BytesIO(data), formats=[kind])
    require_valid_size(image.size)
    return image


@cache
def _disable_libtiff_messages() -> None:
    """Keep libtiff from writing to the terminal about errors that Pillow raises as well."""
    with suppress(AttributeError, OSError):  # a Pillow that hides its libtiff: damaged files are refused all the same
        setter = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
        setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
        setter(None)


def _reason(error: Exception) -> str:
    """The reason of an error, as one printable line of at most 200 characters."""
    if isinstance(error, UnidentifiedImageError):  # its text holds an address in memory
        return "it is damaged: its header cannot be read"
    text = "".join(letter if letter.isprintable() else " " for letter in str(error))
    return text.strip()[:200] or f"it is damaged: {type(error).__name__}"


def _require_readable(image: Pillow.Image) -> None:
    """Raise `ValueError` for animations, and for samples without a known range.

    MPO holds a photograph and smaller versions of it, of which the first is the photograph.
    """
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        msg = "it is animated, still images are wanted"
        raise ValueError(msg)
    if image.mode == "F":
        msg = "floating-point samples have no stated range"
        raise ValueError(msg)
    if image.mode == "I" or _SIGNED in getattr(image, "tag_v2", {}).get(_SAMPLE_FORMAT, ()):
        msg = "its samples are signed or have more than 16 bits"
        raise ValueError(msg)


def _has_exif(image: Pillow.Image) -> bool:
    return "exif" in image.info or _EXIF_DIRECTORY in getattr(image, "tag_v2", {})


def _to_rgb(image: Pillow.Image, profile: ColourProfile | None) -> Pillow.Image:
    """The image as 8-bit sRGB, mode "RGB", alpha composited on white."""
    if image.mode in _SIXTEEN_BIT_MODES:
        image = _to_8_bits(image)
    if not image.has_transparency_data:
        return _to_srgb(image, profile)
    if image.mode in {"La", "RGBa"}:  # colours that are multiplied by alpha already
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    rgba = image.convert("RGBA")
    if profile:
        alpha = rgba.getchannel("A")
        rgba = _to_srgb(image.convert("L") if image.mode == "LA" else rgba.convert("RGB"), profile)
        rgba.putalpha(alpha)
    return Pillow.alpha_composite(Pillow.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _to_srgb(image: Pillow.Image, profile: ColourProfile | None) -> Pillow.Image:
    """An image without alpha as sRGB, mode "RGB"."""
    if profile is None:
        return image.convert("RGB")
    if image.mode not in {"L", "RGB", "CMYK", "LAB", "YCbCr"}:
        image = image.convert("L" if image.mode == "1" else "RGB")
    return profile.to_srgb(image)


def _to_8_bits(image: Pillow.Image) -> Pillow.Image:
    """Grey of up to 16 bits as 8-bit grey, with alpha where one value means transparent."""
    fields = getattr(image, "tag_v2", {})
    bits = fields.get(_BITS_PER_SAMPLE, (16,))[0]
    deep = np.asarray(image).astype(np.uint16)
    grey = (deep >> (bits - 8)).astype(np.uint8)
    if fields.get(_PHOTOMETRIC) == 0:  # a TIFF in which white is zero; Pillow inverts 8 bits only
        grey = 255 - grey
    shallow = Pillow.fromarray(grey)
    if (clear := image.info.get("transparency")) is not None:
        shallow.putalpha(Pillow.fromarray(np.where(deep == clear, 0, 255).astype(np.uint8)))
    return shallow
