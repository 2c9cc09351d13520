"""The structure of a TIFF file: its directory, and whether every strip or tile of pixels is inside the file."""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGER_TYPES = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8"}
_WIDTH, _HEIGHT, _SAMPLES, _PLANES = 256, 257, 277, 284
_STRIPS, _STRIP_ROWS, _STRIP_BYTES = 273, 278, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 322, 323, 324, 325
_SUBDIRECTORY_TAGS = (34665, 34853)  # directories of their own: EXIF, GPS
_MAX_SAMPLES = 6


class _Field(NamedTuple):
    """One field of a directory.

    Attributes:
        kind: The type of its values.
        length: The number of its values.
        offset: Byte offset of the first.
    """

    kind: int
    length: int
    offset: int


class _Directory:
    """One directory of a TIFF file.

    Args:
        data: The whole file.
        offset: Byte offset of the directory; None for the first one.

    Attributes:
        next: Byte offset of the next directory, 0 for none.

    Raises:
        ValueError: A value is outside the file.
    """

    def __init__(self, data: bytes, offset: int | None = None) -> None:
        self._data = data
        self._order = "<" if data[:1] == b"I" else ">"
        big = data[2:4] in {b"+\0", b"\0+"}
        count_code, self._entry_code, self._offset_code = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
        self._entry_bytes = 20 if big else 12
        offset = self._unpack(self._offset_code, 8 if big else 4) if offset is None else offset
        count = self._unpack(count_code, offset)
        start = offset + struct.calcsize(f"{self._order}{count_code}")
        end = start + count * self._entry_bytes
        if end > len(data):
            raise _truncation_error()
        self._fields = dict(map(self._entry, range(start, end, self._entry_bytes)))
        self.next = self._unpack(self._offset_code, end)

    def _entry(self, offset: int) -> tuple[int, _Field]:
        """The tag and the field of the entry at a byte offset."""
        tag, kind, length = struct.unpack_from(self._order + self._entry_code, self._data, offset)
        room = self._entry_bytes - struct.calcsize(self._order + self._entry_code)
        size = _TYPE_BYTES.get(kind, 1) * length
        value = offset + self._entry_bytes - room
        if size > room:  # the values are elsewhere in the file
            value = self._unpack(self._offset_code, value)
        if value + size > len(self._data):
            raise _truncation_error()
        return tag, _Field(kind, length, value)

    def _unpack(self, code: str, offset: int) -> int:
        return int(struct.unpack_from(self._order + code, self._data, offset)[0])

    def values(self, tag: int, default: int | None = None) -> NDArray[np.int64]:
        """The whole numbers of a field, int64 (N,). Raises `ValueError` for a field that is missing or holds others."""
        if tag not in self._fields:
            if default is None:
                msg = "it is damaged: its TIFF directory does not say where the pixels are"
                raise ValueError(msg)
            return np.array([default], np.int64)
        field = self._fields[tag]
        if field.kind not in _INTEGER_TYPES or not field.length:
            msg = f"it is damaged: TIFF field {tag} holds no whole numbers"
            raise ValueError(msg)
        numbers = np.frombuffer(self._data, self._order + _INTEGER_TYPES[field.kind], field.length, field.offset)
        return numbers.astype(np.int64)

    def value(self, tag: int, default: int | None = None) -> int:
        """The first whole number of a field."""
        return int(self.values(tag, default)[0])

    def __contains__(self, tag: int) -> bool:
        return tag in self._fields


def _truncation_error() -> ValueError:
    return ValueError("it is cut off: the TIFF structure ends early")


def require_complete_tiff(data: bytes) -> tuple[int, int]:
    """Check that a TIFF file holds one image, and all of its pixels.

    Args:
        data: The whole file, TIFF or BigTIFF.

    Returns:
        Width and height in pixels, those of a tile where one is larger.

    Raises:
        ValueError: It holds several images, or is cut off or damaged. The message is the reason.
        struct.error: It ends inside its directory.
    """
    directory = _Directory(data)
    if directory.next:
        msg = "it holds several pages, one still image is wanted"
        raise ValueError(msg)
    if directory.value(_SAMPLES, 1) > _MAX_SAMPLES:
        msg = "it has more samples a pixel than any kind of colour"
        raise ValueError(msg)
    for tag in _SUBDIRECTORY_TAGS:
        if tag in directory:
            _Directory(data, directory.value(tag))
    return _require_pixels(data, directory)


def _require_pixels(data: bytes, directory: _Directory) -> tuple[int, int]:
    """The size, where every strip or tile that the image needs is there. Raises `ValueError` where one is not."""
    width, height = directory.value(_WIDTH), directory.value(_HEIGHT)
    tiled = _TILES in directory
    part_width = directory.value(_TILE_WIDTH) if tiled else width
    part_height = directory.value(_TILE_HEIGHT) if tiled else directory.value(_STRIP_ROWS, height)
    needed = -(-width // max(part_width, 1)) * -(-height // max(part_height, 1))
    if directory.value(_PLANES, 1) == 2:
        needed *= directory.value(_SAMPLES, 1)
    starts = directory.values(_TILES if tiled else _STRIPS)
    sizes = directory.values(_TILE_BYTES if tiled else _STRIP_BYTES)
    if len(starts) != len(sizes) or len(starts) < needed:
        msg = f"it is damaged: {min(len(starts), len(sizes))} of {needed} TIFF strips are listed"
        raise ValueError(msg)
    if starts.min() < 0 or sizes.min() < 0 or starts.max() > len(data) or (starts + sizes > len(data)).any():
        raise _truncation_error()
    candidates = [(width, height), (part_width, part_height)] if tiled else [(width, height)]
    return max(candidates, key=lambda size: size[0] * size[1])
