"""The structure of a TIFF file: its directory, and whether every strip or tile of pixels lies inside of the file."""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8"}  # types of whole numbers
_WIDTH, _HEIGHT, _SAMPLES, _PLANES = 256, 257, 277, 284
_STRIPS, _STRIP_ROWS, _STRIP_BYTES = 273, 278, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 322, 323, 324, 325
_FOLDED = (34665, 34853)  # directories of their own: EXIF, GPS
_MOST_SAMPLES = 6


class _Field(NamedTuple):
    kind: int
    length: int
    place: int


class _Directory:
    """One directory, each of whose values lies inside of the file."""

    def __init__(self, data: bytes, place: int | None = None) -> None:
        self._data = data
        self._order = "<" if data[:1] == b"I" else ">"
        big = data[2:4] in {b"+\0", b"\0+"}
        number, entry, offset, step = ("Q", "HHQ", "Q", 20) if big else ("H", "HHI", "I", 12)
        place = self._unpack(offset, 8 if big else 4) if place is None else place
        count = self._unpack(number, place)
        place += struct.calcsize(f"{self._order}{number}")
        if place + count * step > len(data):
            raise _early()
        self._fields: dict[int, _Field] = {}
        for at in range(place, place + count * step, step):
            tag, kind, length = struct.unpack_from(self._order + entry, data, at)
            room = step - struct.calcsize(self._order + entry)
            size = _SIZES.get(kind, 1) * length
            value = at + step - room if size <= room else self._unpack(offset, at + step - room)
            if value + size > len(data):
                raise _early()
            self._fields[tag] = _Field(kind, length, value)
        self.next = self._unpack(offset, place + count * step)

    def _unpack(self, code: str, place: int) -> int:
        return int(struct.unpack_from(self._order + code, self._data, place)[0])

    def values(self, tag: int, default: int | None = None) -> NDArray[np.int64]:
        """The whole numbers of a field."""
        if tag not in self._fields:
            if default is None:
                msg = "it is damaged: its TIFF directory does not say where the pixels are"
                raise ValueError(msg)
            return np.array([default], np.int64)
        field = self._fields[tag]
        if field.kind not in _WHOLE or not field.length:
            msg = f"it is damaged: TIFF field {tag} holds no whole numbers"
            raise ValueError(msg)
        found = np.frombuffer(self._data, self._order + _WHOLE[field.kind], field.length, field.place)
        return found.astype(np.int64)

    def value(self, tag: int, default: int | None = None) -> int:
        """The first whole number of a field."""
        return int(self.values(tag, default)[0])

    def __contains__(self, tag: int) -> bool:
        return tag in self._fields


def _early() -> ValueError:
    return ValueError("it is cut off: the TIFF structure ends early")


def walk(data: bytes) -> tuple[int, int]:
    """Check the one picture of a TIFF file.

    Args:
        data: The whole file, TIFF or BigTIFF.

    Returns:
        Width and height in pixels, those of a tile where one is larger.

    Raises:
        ValueError: It holds several pictures, or is cut off or damaged. The message is the reason.
        struct.error: It ends inside of its directory.
    """
    directory = _Directory(data)
    if directory.next:
        msg = "it holds several pages, one still image is wanted"
        raise ValueError(msg)
    if directory.value(_SAMPLES, 1) > _MOST_SAMPLES:
        msg = "it has more samples a pixel than any kind of colour"
        raise ValueError(msg)
    for tag in _FOLDED:
        if tag in directory:
            _Directory(data, directory.value(tag))
    return _require_pixels(data, directory)


def _require_pixels(data: bytes, directory: _Directory) -> tuple[int, int]:
    """Raise `ValueError` unless every strip or tile that the picture needs is there; return the size."""
    width, height = directory.value(_WIDTH), directory.value(_HEIGHT)
    tiled = _TILES in directory
    wide = directory.value(_TILE_WIDTH) if tiled else width
    high = directory.value(_TILE_HEIGHT) if tiled else directory.value(_STRIP_ROWS, height)
    needed = -(-width // max(wide, 1)) * -(-height // max(high, 1))
    if directory.value(_PLANES, 1) == 2:
        needed *= directory.value(_SAMPLES, 1)
    starts = directory.values(_TILES if tiled else _STRIPS)
    sizes = directory.values(_TILE_BYTES if tiled else _STRIP_BYTES)
    if len(starts) != len(sizes) or len(starts) < needed:
        msg = f"it is damaged: {min(len(starts), len(sizes))} of {needed} TIFF strips are listed"
        raise ValueError(msg)
    if starts.min() < 0 or sizes.min() < 0 or starts.max() > len(data) or (starts + sizes > len(data)).any():
        raise _early()
    return max((width, height), (wide, high), key=lambda one: one[0] * one[1]) if tiled else (width, height)
