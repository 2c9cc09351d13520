"""Which side of an image is up: the orientation in its EXIF, or else in its XMP."""

from __future__ import annotations

import re
import struct

from PIL import Image as Pillow

from bench.images.decoding.structure import DAMAGED_EXIF

_ORIENTATION = 274
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_NUMBERS = {3: "H", 4: "I", 8: "h", 9: "i"}  # types of whole numbers
_HEADER = re.compile(rb"(?:Exif\0\0){0,2}(?=(II|MM)(?:\*\0|\0\*))")
_IN_XMP = re.compile(rb'tiff:Orientation(?:="|>)([0-9])')
_TURN = (
    None,
    None,
    Pillow.Transpose.FLIP_LEFT_RIGHT,
    Pillow.Transpose.ROTATE_180,
    Pillow.Transpose.FLIP_TOP_BOTTOM,
    Pillow.Transpose.TRANSPOSE,
    Pillow.Transpose.ROTATE_270,
    Pillow.Transpose.TRANSVERSE,
    Pillow.Transpose.ROTATE_90,
)


def exif_of(image: Pillow.Image) -> bytes:
    """The EXIF that a loaded image other than TIFF has kept; b"" for none."""
    if stored := image.info.get("exif"):
        return bytes(stored)
    try:  # as ImageMagick writes it: three lines, then hexadecimal digits
        return bytes.fromhex("".join(str(image.info.get("Raw profile type exif", "")).split("\n")[3:]))
    except ValueError:
        return b"damaged"


def read_turn(image: Pillow.Image, exif: bytes) -> tuple[Pillow.Transpose | None, str]:
    """How a loaded image other than TIFF, which Pillow turns itself, is to be turned; and what is to say of its EXIF.

    Args:
        image: The image, whose XMP is read where EXIF states no orientation.
        exif: Its EXIF, b"" for none.
    """
    orientation, note = _read(exif) if exif else (None, "")
    if orientation is None:
        xmp = image.info.get("XML:com.adobe.xmp") or image.info.get("xmp") or b""
        found = _IN_XMP.search(xmp.encode() if isinstance(xmp, str) else bytes(xmp))
        orientation = int(found[1]) if found else 1
    return (_TURN[orientation] if 0 <= orientation < len(_TURN) else None), note


def _read(exif: bytes) -> tuple[int | None, str]:
    """The orientation that EXIF states, None for none, and a note where it is damaged."""
    header = _HEADER.match(exif)
    if header is None:
        return None, DAMAGED_EXIF
    data, order = exif[header.end() :], "<" if header[1] == b"II" else ">"
    orientation, note = None, ""
    try:
        (start,) = struct.unpack_from(order + "I", data, 4)
        (count,) = struct.unpack_from(order + "H", data, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, length, offset = struct.unpack_from(order + "HHII", data, entry)
            size = _TYPE_BYTES.get(kind, 0) * length
            if size > 4 and offset + size > len(data):
                note = DAMAGED_EXIF
            elif tag == _ORIENTATION and orientation is None:
                numbers = _NUMBERS.get(kind) if length == 1 else None
                orientation = struct.unpack_from(order + numbers, data, entry + 8)[0] if numbers else 1
    except struct.error:
        note = DAMAGED_EXIF
    return orientation, note
