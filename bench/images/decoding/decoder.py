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
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import UnidentifiedImageError, _imaging

from bench.images.decoding.colour_profiles import ColourProfile, find_profile
from bench.images.decoding.completeness import examine, require_valid_size
from bench.images.decoding.exif import exif_of, read_turn
from bench.images.decoding.formats.jpeg_scans import require_whole_scan
from bench.images.decoding.jpeg_tables import JpegEncoding, jpeg_encoding
from bench.images.decoding.structure import ANIMATED, MAX_PIXELS, Structure
from bench.platform.errors import InputError
from detectors.api import Sample
from detectors.types import Facts

_Pixels = NDArray[np.uint8]
_SIXTEEN_BIT_MODES = frozenset({"I;16", "I;16B", "I;16L", "I;16N"})  # grey of 9 to 16 bits
_BITS_PER_SAMPLE, _PHOTOMETRIC, _SAMPLE_FORMAT, _EXIF_DIRECTORY = 258, 262, 339, 34665  # TIFF tags
_SIGNED = 2  # among TIFF's sample formats
_UPRIGHT = frozenset({"TIFF", "HEIF", "JXL"})  # formats that their decoders turn themselves
_BAND_PIXELS = 2**24  # that are copied at a time
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
        profile: The description of the colour profile that was applied, at most 40 printable characters; "" for none.
        notes: What of the file is not as it should be, or is more than one still image, and was passed over.
        jpeg: How a JPEG file is encoded; None for other files.
    """

    mode: str
    exif: bool
    profile: str
    notes: tuple[str, ...] = ()
    jpeg: JpegEncoding | None = None


def decode(data: bytes, where: str, max_pixels: int = MAX_PIXELS) -> Sample:
    """Read one image file.

    EXIF orientation is applied, and so is a colour profile other than sRGB; alpha is composited on white, samples of
    16 bits keep their high byte, and everything becomes 8-bit RGB. Of several pictures the first is read. The file is
    first checked to be complete by its own structure, so that a truncated one raises an error instead of being half
    grey; what is damaged beside the pixels is passed over.

    Args:
        data: The whole file.
        where: What messages call it.
        max_pixels: The largest number of pixels that is read.

    Returns:
        Pixels uint8 (H, W, 3) and the facts of the file.

    Raises:
        UnreadableImage: The file is empty, damaged, truncated, too large or not an image.
    """
    return decode_with_details(data, where, max_pixels)[0]


def decode_with_details(data: bytes, where: str, max_pixels: int = MAX_PIXELS) -> tuple[Sample, StorageDetails]:
    """Read one image file as `decode` does, and tell how it is stored. Raises `UnreadableImage`."""
    try:
        kind, structure = _examine(data, max_pixels)
        upright, details = _upright(kind, structure, max_pixels)
        pixels = _to_array(upright)
    except Exception as error:  # damaged files make Pillow raise nearly anything
        raise UnreadableImage(where, _reason(error)) from error
    quality = details.jpeg.nearest_quality if details.jpeg else None
    return Sample(pixels, Facts(kind, pixels.shape[1], pixels.shape[0], len(data), quality)), details


def decode_opened(image: Pillow.Image, where: str, max_pixels: int = MAX_PIXELS) -> Sample:
    """An image of Pillow as `decode` has one of a file: upright, in 8-bit sRGB, alpha composited on white.

    Args:
        image: The image, which is not changed. Nothing of a file is looked at beside what Pillow has kept of it.
        where: What messages call it.
        max_pixels: The largest number of pixels that is taken.

    Returns:
        Pixels uint8 (H, W, 3), and the facts of pixels that are not encoded.

    Raises:
        UnreadableImage: It is empty, too large, damaged, or its samples have no stated range.
    """
    try:
        require_valid_size(image.size, max_pixels)
        _require_readable(image)
        image.load()
        kind = image.format or ""
        turn = read_turn(image, exif_of(image))[0] if _is_to_turn(kind, image) else None
        rgb = _to_rgb(image, find_profile(image, None, _profile_mode(image.mode))[0])
        pixels = _to_array(rgb if turn is None else rgb.transpose(turn))
    except Exception as error:
        raise UnreadableImage(where, _reason(error)) from error
    return unencoded_sample(pixels)


def unencoded_sample(pixels: _Pixels) -> Sample:
    """Pixels uint8 (H, W, 3) with the facts of what is not encoded as a file."""
    return Sample(pixels, Facts("RAW", pixels.shape[1], pixels.shape[0], pixels.nbytes))


def size_of(data: bytes, where: str, max_pixels: int = MAX_PIXELS) -> tuple[int, int]:
    """Width and height in pixels of an image file as stored, without decoding it. Raises `UnreadableImage`."""
    try:
        with _open(*_examine(data, max_pixels), max_pixels) as image:
            return image.size
    except Exception as error:
        raise UnreadableImage(where, _reason(error)) from error


def _upright(kind: str, structure: Structure, max_pixels: int) -> tuple[Pillow.Image, StorageDetails]:
    """The image as it is seen, in sRGB, and how the file is stored."""
    with _open(kind, structure, max_pixels) as image:
        _require_readable(image)
        mode, jpeg = image.mode, jpeg_encoding(image)
        image.load()
        if kind == "JPEG" and not structure.in_scan:
            require_whole_scan(structure.data, image)
        exif = structure.exif or exif_of(image)
        turn, exif_note = read_turn(image, exif) if _is_to_turn(kind, image) else (None, "")
        profile, colour_note = find_profile(image, structure.codes, _profile_mode(image.mode))
        rgb = _to_rgb(image, profile)
    frames = ANIMATED if kind == "AVIF" and getattr(image, "n_frames", 1) > 1 else ""
    notes = tuple(filter(None, (*structure.notes, frames, exif_note, colour_note)))
    has_exif = bool(exif) or structure.hides_exif or _EXIF_DIRECTORY in getattr(image, "tag_v2", {})
    details = StorageDetails(mode, has_exif, profile.name if profile else "", notes, jpeg)
    return (rgb if turn is None else rgb.transpose(turn)), details


def _is_to_turn(kind: str, image: Pillow.Image) -> bool:
    """Whether a loaded image lies as stored; of JPEG XL, one that was made of a JPEG file does."""
    return kind not in _UPRIGHT or bool(getattr(image, "jpeg", False))


def _examine(data: bytes, max_pixels: int) -> tuple[str, Structure]:
    """What the structure of a file says, as `examine` has it."""
    if Pillow.MAX_IMAGE_PIXELS is not None and max_pixels > Pillow.MAX_IMAGE_PIXELS:
        Pillow.MAX_IMAGE_PIXELS = max_pixels  # of Pillow itself, for all that it opens
    return examine(data, max_pixels)


def _open(kind: str, structure: Structure, max_pixels: int) -> Pillow.Image:
    """A complete file, opened by the reader of its format."""
    if kind == "TIFF":
        _disable_libtiff_messages()
    if _PILLOW_WARNINGS not in warnings.filters:  # of odd metadata; a warnings context is not safe among threads
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    image = Pillow.open(io.BytesIO(structure.data), formats=[kind])
    require_valid_size(image.size, max_pixels)
    return image


def _to_array(image: Pillow.Image) -> _Pixels:
    """Pixels uint8 (H, W, 3) of an image of mode "RGB", copied band by band: large ones fill memory once."""
    rows = max(_BAND_PIXELS // image.width, 1)
    if image.height <= rows:
        return np.frombuffer(image.tobytes(), np.uint8).reshape(image.height, image.width, 3)
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, rows):
        bottom = min(top + rows, image.height)
        pixels[top:bottom] = np.asarray(image.crop((0, top, image.width, bottom)))
    return pixels


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
    if str(error).startswith("image file is truncated"):
        return "it is cut off: its pixels end early"
    if "libjxl" in str(error):  # which says no more than that it cannot
        return "it is cut off or damaged: its JPEG XL data cannot be decoded"
    text = "".join(letter if letter.isprintable() else " " for letter in str(error)).strip()[:180]
    # what this package raises is a sentence already
    return text if type(error) is ValueError and text else f"it is damaged: {text or type(error).__name__}"


def _require_readable(image: Pillow.Image) -> None:
    """Raise `ValueError` for samples without a known range."""
    if image.mode == "F":
        msg = "floating-point samples have no stated range"
        raise ValueError(msg)
    if image.mode == "I" or _SIGNED in getattr(image, "tag_v2", {}).get(_SAMPLE_FORMAT, ()):
        msg = "its samples are signed or have more than 16 bits"
        raise ValueError(msg)


def _profile_mode(mode: str) -> str:
    """The mode that pixels of a mode are converted to sRGB from."""
    if mode in {"CMYK", "LAB", "YCbCr"}:
        return mode
    return "L" if mode in {"1", "L", "LA", "La"} | _SIXTEEN_BIT_MODES else "RGB"


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
        rgba = _to_srgb(rgba.convert("RGB"), profile)
        rgba.putalpha(alpha)
    return Pillow.alpha_composite(Pillow.new("RGBA", rgba.size, "white"), rgba).convert("RGB")


def _to_srgb(image: Pillow.Image, profile: ColourProfile | None) -> Pillow.Image:
    """An image without alpha as sRGB, mode "RGB"."""
    if profile is None:
        return image if image.mode == "RGB" else image.convert("RGB")
    return profile.to_srgb(image if image.mode == profile.mode else image.convert(profile.mode))


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
