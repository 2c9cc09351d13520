"""Whether an image file is complete, by its own structure: decoders fill missing parts with grey and do not say so.

Each format marks its end in its own way: a marker, a trailer, a checksum, a length. The functions here follow that
structure without decoding pixels, and read the size on the way, so that no memory is allocated for a header that states
too large a size.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from zlib import crc32

from bench.images.decoding.tiff_structure import require_complete_tiff

MAX_PIXELS = 2**26  # 8192 x 8192: more is an attack, or too much for a detector
HeaderSize = tuple[int, int]  # width, height in pixels

_SCAN_DATA_MARKERS = frozenset({0x00, 0xFF, *range(0xD0, 0xD8)})  # after FF: stuffing, fill, restarts
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_END_MARKER, _SCAN_MARKER, _STANDALONE_MARKERS = 0xD9, 0xDA, frozenset({0x01, 0xD8})


def require_complete(data: bytes) -> str:
    """Check that a file is complete and not too large.

    Args:
        data: The whole file.

    Returns:
        Its format, as Pillow calls it; "JPEG" for MPO too.

    Raises:
        ValueError: It is empty, of another format, cut off, damaged, or of too many pixels. The message is the reason.
    """
    if not data:
        msg = "the file is empty"
        raise ValueError(msg)
    for start, kind, require_complete_format in _FORMATS:
        if start.match(data):
            try:
                size = require_complete_format(data)
            except (struct.error, IndexError) as error:
                raise _truncation_error(kind) from error
            require_valid_size(size)
            return kind
    msg = "it is not in a format that is read: " + ", ".join(sorted({kind for _, kind, _ in _FORMATS}))
    raise ValueError(msg)


def require_valid_size(size: HeaderSize) -> None:
    """Raise `ValueError` for an image without pixels, or of more than `MAX_PIXELS`."""
    width, height = size
    if width < 1 or height < 1:
        msg = f"its header states a size of {width} x {height} pixels"
        raise ValueError(msg)
    if width * height > MAX_PIXELS:
        msg = f"{width} x {height} pixels are more than the {MAX_PIXELS:,} that are read"
        raise ValueError(msg)


def _truncation_error(what: str) -> ValueError:
    return ValueError(f"it is cut off: the {what} structure ends early")


def _animation_error() -> ValueError:
    return ValueError("it is animated, still images are wanted")


def _jpeg(data: bytes) -> HeaderSize:
    """Segments, scans, and an end-of-image marker after them; what follows it is not part of the image."""
    size, scans, offset = (0, 0), 0, 2
    while (offset := _next_marker_end(data, offset)) and (marker := data[offset - 1]) != _END_MARKER:
        if marker in _STANDALONE_MARKERS:
            continue
        if marker in _FRAME_MARKERS:
            height, width = struct.unpack_from(">HH", data, offset + 3)
            size = width, height
        scans += marker == _SCAN_MARKER
        offset += int.from_bytes(data[offset : offset + 2], "big")
    if not offset or not scans:
        raise _truncation_error("JPEG")
    return size


def _next_marker_end(data: bytes, offset: int) -> int:
    """Offset of the end of the next marker, after the data of a scan; 0 for none."""
    while (offset := data.find(0xFF, offset) + 1) and data[offset] in _SCAN_DATA_MARKERS:
        pass
    return offset + 1 if offset else 0


def _png(data: bytes) -> HeaderSize:
    """Every chunk's checksum, pixels, and the end chunk."""
    view, offset, seen = memoryview(data), 8, set()
    while b"IEND" not in seen:
        length, kind = struct.unpack_from(">I4s", data, offset)
        end = offset + 12 + length
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if crc32(view[offset + 4 : end - 4]) != checksum:
            msg = f"it is damaged: the checksum of its PNG chunk at byte {offset} is wrong"
            raise ValueError(msg)
        if kind == b"acTL" and struct.unpack_from(">I", data, offset + 8)[0] > 1:
            raise _animation_error()
        seen.add(kind)
        offset = end
    if data[12:16] != b"IHDR" or b"IDAT" not in seen:
        msg = "it is damaged: PNG chunks are missing"
        raise ValueError(msg)
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _webp(data: bytes) -> HeaderSize:
    """The length of the file and of each chunk; what follows is not part of the image."""
    whole = 8 + int.from_bytes(data[4:8], "little")
    size, offset = (0, 0), 12
    while offset < whole:
        kind, length = struct.unpack_from("<4sI", data, offset)
        size = max(size, _webp_size(kind, data[offset + 8 : offset + 18]), key=_area)
        offset += 8 + length + length % 2
    if offset > whole + 1 or whole > len(data):  # a pad byte may be missing at the end
        raise _truncation_error("WEBP")
    return size


def _area(size: HeaderSize) -> int:
    return size[0] * size[1]


def _webp_size(kind: bytes, head: bytes) -> HeaderSize:
    if kind == b"VP8X":
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if kind == b"VP8 ":
        return int.from_bytes(head[6:8], "little") & 0x3FFF, int.from_bytes(head[8:10], "little") & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0


def _gif(data: bytes) -> HeaderSize:
    """Blocks up to the trailer, of which one is an image."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    offset, images = 13 + _palette_bytes(flags), 0
    while (kind := data[offset]) != 0x3B:
        if kind == 0x2C:
            left, top, wide, high, flags = struct.unpack_from("<4HB", data, offset + 1)
            width, height, images = max(width, left + wide), max(height, top + high), images + 1
            offset += 11 + _palette_bytes(flags)
        elif kind == 0x21:
            offset += 2
        else:
            msg = f"it is damaged: no GIF block begins at byte {offset}"
            raise ValueError(msg)
        while data[offset]:
            offset += 1 + data[offset]
        offset += 1
    if images > 1:
        raise _animation_error()
    return width, height


def _palette_bytes(flags: int) -> int:
    return 3 * 2 ** (1 + flags % 8) if flags & 0x80 else 0


def _bmp(data: bytes) -> HeaderSize:
    """The length that the file states."""
    if int.from_bytes(data[2:6], "little") > len(data):
        raise _truncation_error("BMP")
    short = int.from_bytes(data[14:18], "little") == 12
    width, height = struct.unpack_from("<HH" if short else "<ii", data, 18)
    return width, abs(height)


def _avif(data: bytes) -> HeaderSize:
    """Boxes up to the end. The decoder checks that pixels are where the boxes state."""
    size, offset = (0, 0), 0
    while offset < len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, offset + 8)
        end = offset + length if length else len(data)
        if end > len(data) or end < offset + 8:
            raise _truncation_error("AVIF")
        if kind == b"meta":
            size = _avif_size(data[offset:end])
        offset = end
    return size


def _avif_size(meta: bytes) -> HeaderSize:
    """The largest size among the items and their previews."""
    sizes: list[HeaderSize] = [struct.unpack_from(">II", meta, box.end() + 4) for box in re.finditer(b"ispe", meta)]
    return max(sizes, key=_area, default=(0, 0))


_FORMATS: tuple[tuple[re.Pattern[bytes], str, Callable[[bytes], HeaderSize]], ...] = (
    (re.compile(rb"\xff\xd8\xff"), "JPEG", _jpeg),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG", _png),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WEBP", _webp),
    (re.compile(rb"GIF8[79]a"), "GIF", _gif),
    (re.compile(rb"BM"), "BMP", _bmp),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), "TIFF", require_complete_tiff),
    (re.compile(rb"....ftyp(avi[fs]|m[is]f1)", re.DOTALL), "AVIF", _avif),
)
