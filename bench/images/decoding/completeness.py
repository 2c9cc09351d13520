"""Whether an image file is whole, by its own structure: what decoders fill with grey without a word is found here.

Each format says in its own way where it ends: a marker, a trailer, a checksum, a length. These walks follow it without
looking at pixels, and read the size on the way, so that nothing is allocated for a header that promises too much.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from zlib import crc32

from bench.images.decoding.tiff_structure import walk as _tiff

LARGEST = 2**26  # pixels, 8192 x 8192: more is an attack, or no work for a detector
HeaderSize = tuple[int, int]  # width, height

_PART_OF_SCAN = frozenset({0x00, 0xFF, *range(0xD0, 0xD8)})  # after FF: stuffing, fill, restarts
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_END, _SCAN, _BARE = 0xD9, 0xDA, frozenset({0x01, 0xD8})


def header(data: bytes) -> str:
    """Check that a file is whole and small enough.

    Args:
        data: The whole file.

    Returns:
        Its format, as Pillow calls it: "JPEG" for MPO too.

    Raises:
        ValueError: It is empty, of another format, cut off, damaged, or of too many pixels. The message is the reason.
    """
    if not data:
        msg = "the file is empty"
        raise ValueError(msg)
    for starts, kind, walk in _WALKS:
        if starts.match(data):
            try:
                size = walk(data)
            except (struct.error, IndexError) as error:
                raise _early(kind) from error
            require_small(size)
            return kind
    msg = "it is not in a format that is read: " + ", ".join(sorted({kind for _, kind, _ in _WALKS}))
    raise ValueError(msg)


def require_small(size: HeaderSize) -> None:
    """Raise `ValueError` for a picture without pixels, or of more than `LARGEST`."""
    width, height = size
    if width < 1 or height < 1:
        msg = f"its header states a size of {width} x {height} pixels"
        raise ValueError(msg)
    if width * height > LARGEST:
        msg = f"{width} x {height} pixels are more than the {LARGEST:,} that are read"
        raise ValueError(msg)


def _early(what: str) -> ValueError:
    return ValueError(f"it is cut off: the {what} structure ends early")


def _animated() -> ValueError:
    return ValueError("it is animated, still images are wanted")


def _jpeg(data: bytes) -> HeaderSize:
    """Segments, scans, and an end-of-image marker after them; what follows it is not part of the picture."""
    size, scans, place = (0, 0), 0, 2
    while (place := _after_marker(data, place)) and (marker := data[place - 1]) != _END:
        if marker in _BARE:
            continue
        if marker in _FRAMES:
            height, width = struct.unpack_from(">HH", data, place + 3)
            size = width, height
        scans += marker == _SCAN
        place += int.from_bytes(data[place : place + 2], "big")
    if not place or not scans:
        raise _early("JPEG")
    return size


def _after_marker(data: bytes, place: int) -> int:
    """Where the next marker ends, past the data of a scan; 0 for none."""
    while (place := data.find(0xFF, place) + 1) and data[place] in _PART_OF_SCAN:
        pass
    return place + 1 if place else 0


def _png(data: bytes) -> HeaderSize:
    """Every chunk's checksum, pixels, and the end chunk."""
    view, place, seen = memoryview(data), 8, set()
    while b"IEND" not in seen:
        length, kind = struct.unpack_from(">I4s", data, place)
        end = place + 12 + length
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if crc32(view[place + 4 : end - 4]) != checksum:
            msg = f"it is damaged: the checksum of its PNG chunk at byte {place} is wrong"
            raise ValueError(msg)
        if kind == b"acTL" and struct.unpack_from(">I", data, place + 8)[0] > 1:
            raise _animated()
        seen.add(kind)
        place = end
    if data[12:16] != b"IHDR" or b"IDAT" not in seen:
        msg = "it is damaged: PNG chunks are missing"
        raise ValueError(msg)
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def _webp(data: bytes) -> HeaderSize:
    """The length of the whole and of each chunk; what follows is not part of the picture."""
    whole = 8 + int.from_bytes(data[4:8], "little")
    size, place = (0, 0), 12
    while place < whole:
        kind, length = struct.unpack_from("<4sI", data, place)
        size = max(size, _webp_size(kind, data[place + 8 : place + 18]), key=lambda one: one[0] * one[1])
        place += 8 + length + length % 2
    if place > whole + 1 or whole > len(data):  # a pad byte may be missing at the end
        raise _early("WEBP")
    return size


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
    """Blocks up to the trailer, of which one is a picture."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    place, pictures = 13 + _palette(flags), 0
    while (kind := data[place]) != 0x3B:
        if kind == 0x2C:
            left, top, wide, high, flags = struct.unpack_from("<4HB", data, place + 1)
            width, height, pictures = max(width, left + wide), max(height, top + high), pictures + 1
            place += 11 + _palette(flags)
        elif kind == 0x21:
            place += 2
        else:
            msg = f"it is damaged: no GIF block begins at byte {place}"
            raise ValueError(msg)
        while data[place]:
            place += 1 + data[place]
        place += 1
    if pictures > 1:
        raise _animated()
    return width, height


def _palette(flags: int) -> int:
    return 3 * 2 ** (1 + flags % 8) if flags & 0x80 else 0


def _bmp(data: bytes) -> HeaderSize:
    """The length that the file states."""
    if int.from_bytes(data[2:6], "little") > len(data):
        raise _early("BMP")
    short = int.from_bytes(data[14:18], "little") == 12
    width, height = struct.unpack_from("<HH" if short else "<ii", data, 18)
    return width, abs(height)


def _avif(data: bytes) -> HeaderSize:
    """Boxes up to the end. Pixels lie where the boxes say, which the decoder checks."""
    size, place = (0, 0), 0
    while place < len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, place + 8)
        end = place + length if length else len(data)
        if end > len(data) or end < place + 8:
            raise _early("AVIF")
        if kind == b"meta":
            size = _avif_size(data[place:end])
        place = end
    return size


def _avif_size(meta: bytes) -> HeaderSize:
    """The largest picture among the items and their previews."""
    sizes: list[HeaderSize] = [struct.unpack_from(">II", meta, one.end() + 4) for one in re.finditer(b"ispe", meta)]
    return max(sizes, key=lambda one: one[0] * one[1], default=(0, 0))


_WALKS: tuple[tuple[re.Pattern[bytes], str, Callable[[bytes], HeaderSize]], ...] = (
    (re.compile(rb"\xff\xd8\xff"), "JPEG", _jpeg),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "PNG", _png),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "WEBP", _webp),
    (re.compile(rb"GIF8[79]a"), "GIF", _gif),
    (re.compile(rb"BM"), "BMP", _bmp),
    (re.compile(rb"II[*+]\0|MM\0[*+]"), "TIFF", _tiff),
    (re.compile(rb"....ftyp(avi[fs]|m[is]f1)", re.DOTALL), "AVIF", _avif),
)
