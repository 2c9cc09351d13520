"""Whether an image file is complete, by its own structure: decoders fill missing parts with grey and do not say so.

Each format marks its end in its own way: a marker, a trailer, a checksum, a length. The functions here follow that
structure without decoding pixels, and read the size on the way, so that no memory is allocated for a header that states
too large a size. What is damaged beside the pixels costs a note and not the image.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

from bench.images.decoding.formats.boxes import examine_boxes
from bench.images.decoding.formats.gif import examine_gif
from bench.images.decoding.formats.jpeg import examine_jpeg
from bench.images.decoding.formats.jpeg_scans import with_end_marker
from bench.images.decoding.formats.optional import examine_jxl
from bench.images.decoding.formats.png import examine_png
from bench.images.decoding.formats.signatures import format_of
from bench.images.decoding.formats.tiff import examine_tiff
from bench.images.decoding.formats.webp import examine_webp
from bench.images.decoding.structure import (
    ENDS_EARLY,
    LARGEST_MAX_PIXELS,
    HeaderSize,
    Structure,
    truncation_error,
)


def examine(data: bytes, max_pixels: int) -> tuple[str, Structure]:
    """Check that a file is complete and not too large.

    Args:
        data: The whole file.
        max_pixels: The largest number of pixels that is read.

    Returns:
        Its format, as Pillow calls it, "JPEG" for MPO too; and what its structure says.

    Raises:
        ValueError: It is empty, of another format, cut off, damaged, or of too many pixels. The message is the reason.
    """
    kind = format_of(data)
    try:
        structure = _EXAMINE[kind](data)
    except (struct.error, LookupError) as error:
        raise truncation_error(kind) from error
    require_valid_size(structure.size, max_pixels)
    return kind, with_end_marker(structure) if structure.in_scan else structure


def require_valid_size(size: HeaderSize, max_pixels: int) -> None:
    """Raise `ValueError` for an image without pixels, or of more than are read."""
    width, height = size
    if width < 1 or height < 1:
        msg = f"its header states a size of {width} x {height} pixels"
        raise ValueError(msg)
    if (pixels := width * height) > max_pixels:
        advice = f"; --max-pixels {pixels} reads it" if pixels <= LARGEST_MAX_PIXELS else ""
        msg = f"{width} x {height} pixels are more than the {max_pixels:,} that are read{advice}"
        raise ValueError(msg)


def _bmp(data: bytes) -> Structure:
    """The size. Rows that are not packed may end where the last pixel does, whatever length the file states."""
    short = int.from_bytes(data[14:18], "little") == 12
    width, height, _, bits = struct.unpack_from("<HHHH" if short else "<iiHH", data, 18)
    is_packed = not short and int.from_bytes(data[30:34], "little") not in {0, 3}
    size = width, abs(height)
    if int.from_bytes(data[2:6], "little") <= len(data):
        return Structure(size, data)
    row = -(-width * bits // 8)
    last_pixel = int.from_bytes(data[10:14], "little") + (abs(height) - 1) * (row + -row % 4) + row
    if is_packed or last_pixel > len(data):
        raise truncation_error("BMP")
    return Structure(size, data + bytes(-row % 4), (ENDS_EARLY,))


_EXAMINE: Mapping[str, Callable[[bytes], Structure]] = {
    "AVIF": examine_boxes,
    "BMP": _bmp,
    "GIF": examine_gif,
    "HEIF": examine_boxes,
    "JPEG": examine_jpeg,
    "JXL": examine_jxl,
    "PNG": examine_png,
    "TIFF": examine_tiff,
    "WEBP": examine_webp,
}
