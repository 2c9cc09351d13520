"""The one decoder: strict, 8-bit RGB out, the same for every detector."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps

from bench.errors import InputError
from detectors.api import Facts, Sample

DEEP = {"I;16", "I;16B", "I;16L", "I"}  # 16 bits a sample, as Pillow opens 16-bit PNG and TIFF


class Unreadable(InputError):
    """A file that does not hold one whole image. The message names it and says why."""


def _to_rgb(image: Pillow.Image) -> Pillow.Image:
    """8-bit RGB: alpha is laid on white, 16-bit grey scaled, palette, grey and CMYK converted."""
    if image.mode in DEEP:
        deep = np.asarray(image)
        if deep.min() < 0 or deep.max() > 65535:
            msg = "more than 16 bits a sample"
            raise ValueError(msg)
        grey = (deep.astype(np.uint32) // 257).astype(np.uint8)
        return Pillow.fromarray(grey).convert("RGB")
    if image.mode == "F":
        msg = "floating-point samples have no stated range"
        raise ValueError(msg)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        return Pillow.alpha_composite(Pillow.new("RGBA", rgba.size, "white"), rgba).convert("RGB")
    return image.convert("RGB")


def _require_still(image: Pillow.Image) -> None:
    """Refuse an animation; MPO holds a photograph and smaller views of it, of which the first is the photograph."""
    if getattr(image, "n_frames", 1) > 1 and image.format != "MPO":
        msg = "it is animated, still images are wanted"
        raise ValueError(msg)


def decode(data: bytes, where: str) -> Sample:
    """Read one image file.

    EXIF orientation is applied, alpha laid on white, everything converted to 8-bit RGB; colour
    profiles are not applied. The file is read whole, so a
    truncated or damaged one raises instead of being half grey.

    Args:
        data: The whole file.
        where: What messages call it.

    Returns:
        Pixels uint8 (H, W, 3) and the facts of the file.

    Raises:
        Unreadable: The file is missing, empty, damaged, truncated, animated or not an image.
    """
    try:
        with Pillow.open(io.BytesIO(data)) as image:
            _require_still(image)
            kind = image.format or "RAW"
            pixels = np.asarray(_to_rgb(ImageOps.exif_transpose(image)))
    except Exception as error:  # damaged files make Pillow raise nearly anything
        reason = str(error).replace("\n", " ") or type(error).__name__
        msg = f"{where} cannot be decoded ({reason}); replace it or take it out of the data set"
        raise Unreadable(msg) from error
    return Sample(pixels, Facts(kind, pixels.shape[1], pixels.shape[0], len(data)))


def size_of(data: bytes, where: str) -> tuple[int, int]:
    """Width and height of an image file, from its header alone. Raises `Unreadable`."""
    try:
        with Pillow.open(io.BytesIO(data)) as image:
            return image.size
    except Exception as error:
        msg = f"{where} cannot be decoded ({error}); replace it or take it out of the data set"
        raise Unreadable(msg) from error
