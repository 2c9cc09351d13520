"""The one decoder: strict, 8-bit sRGB out, the same for every detector."""

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

from bench.images.decoding import jpeg_tables
from bench.images.decoding.colour_profiles import Profile
from bench.images.decoding.completeness import header, require_small
from bench.platform.errors import InputError
from detectors.api import Sample
from detectors.types import Facts

_DEEP = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})  # grey of 9 to 16 bits
_BITS, _COMPLEMENT, _FORMAT, _EXIF = 258, 262, 339, 34665  # TIFF fields
_SIGNED = 2  # among TIFF's sample formats
_REMARKS = ("ignore", None, UserWarning, re.compile(r"PIL\."), 0)


class Unreadable(InputError):
    """A file that does not hold one whole image. The message names it and says why.

    Attributes:
        reason: Why, in a few words, without the file's name.
    """

    def __init__(self, where: str, reason: str) -> None:
        super().__init__(where, reason)
        self.where = where
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.where} cannot be decoded ({self.reason}); replace it or take it out of the data set"


class StorageDetails(NamedTuple):
    """How an image is stored, beyond its facts.

    Attributes:
        mode: Pillow's name of the stored samples: "RGB", "CMYK", "L", "P", "RGBA", "I;16" and others.
        exif: Whether the file has EXIF data.
        profile: The description of its colour profile, at most 40 printable characters; "" for none.
    """

    mode: str
    exif: bool
    profile: str


def decode(data: bytes, where: str) -> Sample:
    """Read one image file.

    EXIF orientation is applied, an embedded colour profile other than sRGB too; alpha is laid on white, samples of 16
    bits keep their high byte, and everything becomes 8-bit RGB. The file is first checked to be whole by its own
    structure, so that a truncated one raises instead of being half grey.

    Args:
        data: The whole file.
        where: What messages call it.

    Returns:
        Pixels uint8 (H, W, 3) and the facts of the file.

    Raises:
        Unreadable: The file is empty, damaged, truncated, animated, too large or not an image.
    """
    return decode_with_details(data, where)[0]


def decode_with_details(data: bytes, where: str) -> tuple[Sample, StorageDetails]:
    """Read one image file as `decode` does, and how it is stored. Raises `Unreadable`."""
    try:
        with _open(data) as image:
            _require_readable(image)
            details = StorageDetails(image.mode, _has_exif(image), "")
            ImageOps.exif_transpose(image, in_place=True)
            profile = Profile(image.info["icc_profile"]) if "icc_profile" in image.info else None
            pixels = np.asarray(_to_rgb(image, profile))
            quality = _quality(image)
            kind = "JPEG" if image.format == "MPO" else image.format or ""
    except Exception as error:  # damaged files make Pillow raise nearly anything
        raise Unreadable(where, _reason(error)) from error
    facts = Facts(kind, pixels.shape[1], pixels.shape[0], len(data), quality)
    return Sample(pixels, facts), details._replace(profile=profile.name if profile else "")


def size_of(data: bytes, where: str) -> tuple[int, int]:
    """Width and height of an image file as stored, without decoding its pixels. Raises `Unreadable`."""
    try:
        with _open(data) as image:
            return image.size
    except Exception as error:
        raise Unreadable(where, _reason(error)) from error


def _open(data: bytes) -> Pillow.Image:
    """A whole file, opened by the one reader that its first bytes ask for."""
    kind = header(data)
    if kind == "TIFF":
        _quieten_libtiff()
    if _REMARKS not in warnings.filters:  # on odd metadata; a warnings context is not safe among threads that decode
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    image = Pillow.open(io.BytesIO(data), formats=[kind])
    require_small(image.size)
    return image


@cache
def _quieten_libtiff() -> None:
    """Keep libtiff from writing to the terminal about errors, which Pillow raises as well."""
    with suppress(AttributeError, OSError):  # a Pillow that hides its libtiff: damaged files are refused all the same
        setter = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
        setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
        setter(None)


def _reason(error: Exception) -> str:
    """One short printable line."""
    if isinstance(error, UnidentifiedImageError):  # its text holds an address in memory
        return "it is damaged: its header cannot be read"
    text = "".join(one if one.isprintable() else " " for one in str(error))
    return text.strip()[:200] or f"it is damaged: {type(error).__name__}"


def _require_readable(image: Pillow.Image) -> None:
    """Refuse animations, and samples without a range.

    MPO holds a photograph and smaller views of it, of which the first is the photograph.
    """
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        msg = "it is animated, still images are wanted"
        raise ValueError(msg)
    if image.mode == "F":
        msg = "floating-point samples have no stated range"
        raise ValueError(msg)
    if image.mode == "I" or _SIGNED in getattr(image, "tag_v2", {}).get(_FORMAT, ()):
        msg = "its samples are signed or have more than 16 bits"
        raise ValueError(msg)


def _has_exif(image: Pillow.Image) -> bool:
    return "exif" in image.info or _EXIF in getattr(image, "tag_v2", {})


def _quality(image: Pillow.Image) -> int | None:
    """The quality that the table of a JPEG's first component stands for."""
    tables, layers = getattr(image, "quantization", None), getattr(image, "layer", None)
    return jpeg_tables.quality(tables[layers[0][3]]) if tables and layers else None


def _to_rgb(image: Pillow.Image, profile: Profile | None) -> Pillow.Image:
    """8-bit sRGB: profile applied, alpha laid on white, 16-bit grey, palette, grey and CMYK converted."""
    if image.mode in _DEEP:
        image = _high_byte(image)
    if not image.has_transparency_data:
        return _in_srgb(image, profile)
    if image.mode in {"La", "RGBa"}:  # colours that are multiplied by alpha already
        image = image.convert("LA" if image.mode == "La" else "RGBA")
    rgba = image.convert("RGBA")
    if profile:
        alpha = rgba.getchannel("A")
        rgba = _in_srgb(image.convert("L") if image.mode == "LA" else rgba.convert("RGB"), profile)
        rgba.putalpha(alpha)
    return Pillow.alpha_composite(Pillow.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _in_srgb(image: Pillow.Image, profile: Profile | None) -> Pillow.Image:
    """The same colours in mode "RGB"."""
    if profile is None:
        return image.convert("RGB")
    if image.mode not in {"L", "RGB", "CMYK", "LAB", "YCbCr"}:
        image = image.convert("L" if image.mode == "1" else "RGB")
    return profile.to_srgb(image)


def _high_byte(image: Pillow.Image) -> Pillow.Image:
    """Grey of up to 16 bits as 8-bit grey, with alpha where one value stands for transparent."""
    fields = getattr(image, "tag_v2", {})
    bits = fields.get(_BITS, (16,))[0]
    deep = np.asarray(image).astype(np.uint16)
    grey = (deep >> (bits - 8)).astype(np.uint8)
    if fields.get(_COMPLEMENT) == 0:  # a TIFF in which white is zero; Pillow inverts 8 bits only
        grey = 255 - grey
    shallow = Pillow.fromarray(grey)
    if (clear := image.info.get("transparency")) is not None:
        shallow.putalpha(Pillow.fromarray(np.where(deep == clear, 0, 255).astype(np.uint8)))
    return shallow
