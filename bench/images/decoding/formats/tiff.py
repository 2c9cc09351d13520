"""The structure of a TIFF file: its directories, and whether every strip or tile of pixels is inside the file."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.images.decoding.structure import DAMAGED_EXIF, ENDS_EARLY, HeaderSize, Structure, truncation_error

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_INTEGER_TYPES = {1: "u1", 3: "u2", 4: "u4", 13: "u4", 16: "u8"}
_KIND, _OLD_KIND, _PHOTOMETRIC, _DNG_VERSION = 254, 255, 262, 50706
_WIDTH, _HEIGHT, _SAMPLES, _PLANES = 256, 257, 277, 284
_STRIPS, _STRIP_ROWS, _STRIP_BYTES = 273, 278, 279
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES = 322, 323, 324, 325
_SUBDIRECTORIES = 330
_EXIF_DIRECTORIES = (34665, 34853)  # EXIF, GPS
_PIXEL_TAGS = frozenset({*range(256, 264), 266, *range(273, 282), *range(284, 294), *range(317, 348), *range(512, 533)})
_REDUCED_OR_MASK, _OLD_REDUCED = 1 | 4, 2  # among kinds of pages
_CAMERA_RAW = frozenset({32803, 34892})  # among photometric interpretations
_MAX_SAMPLES = 6
_MAX_PAGES = 64  # that are looked at: pyramids have some ten
_PAGES = "it holds several pages: the first is read"
_DAMAGED_FIELD = "a TIFF field beside its pixels is damaged and ignored"


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
        offset: Byte offset of the directory.
        next: Byte offset of the next directory, 0 for none.
        damaged: Byte offsets of the entries, by tag, whose values are outside the file.

    Raises:
        ValueError: It is not in the file, or a value that bears on pixels is not.
        struct.error: The same.
    """

    def __init__(self, data: bytes, offset: int | None = None) -> None:
        self._data = data
        self._order = "<" if data[:1] == b"I" else ">"
        big = data[2:4] in {b"+\0", b"\0+"}
        count_code, self._entry_code, self._offset_code = ("Q", "HHQ", "Q") if big else ("H", "HHI", "I")
        self._entry_bytes = 20 if big else 12
        self._first_at = 8 if big else 4
        self.offset = self._unpack(self._offset_code, self._first_at) if offset is None else offset
        count = self._unpack(count_code, self.offset)
        start = self.offset + struct.calcsize(f"{self._order}{count_code}")
        self._end = start + count * self._entry_bytes
        if self._end > len(data):
            raise truncation_error("TIFF")
        self._starts = range(start, self._end, self._entry_bytes)
        self.damaged: dict[int, int] = {}
        self._fields = dict(filter(None, map(self._entry, self._starts)))
        self.next = self._unpack(self._offset_code, self._end)

    def _entry(self, offset: int) -> tuple[int, _Field] | None:
        """The tag and the field of the entry at a byte offset; None where its values are outside the file."""
        tag, kind, length = struct.unpack_from(self._order + self._entry_code, self._data, offset)
        room = self._entry_bytes - struct.calcsize(self._order + self._entry_code)
        size = _TYPE_BYTES.get(kind, 1) * length
        value = offset + self._entry_bytes - room
        if size > room:  # the values are elsewhere in the file
            value = self._unpack(self._offset_code, value)
        if value + size <= len(self._data):
            return tag, _Field(kind, length, value)
        if tag in _PIXEL_TAGS:
            raise truncation_error("TIFF")
        self.damaged[tag] = offset
        return None

    def entry_of(self, tag: int) -> int:
        """Byte offset of the entry of a tag that is there."""
        return next(start for start in self._starts if self._unpack("H", start) == tag)

    def alone(self, cleared: Sequence[int]) -> bytes:
        """The file as if this were its only directory, the entries at some byte offsets without a value."""
        whole = bytearray(self._data)
        struct.pack_into(self._order + self._offset_code, whole, self._first_at, self.offset)
        struct.pack_into(self._order + self._offset_code, whole, self._end, 0)
        for start in cleared:
            struct.pack_into(f"{self._order}2xH{self._entry_code[-1]}{self._offset_code}", whole, start, 1, 1, 0)
        return bytes(whole)

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


def examine_tiff(data: bytes) -> Structure:
    """The size of the first page of full size, and the file with that page alone.

    The size is that of a tile where one is larger.

    Raises:
        ValueError: The page is cut off or damaged, or of a kind that is not read. The message is the reason.
        struct.error: It ends inside its directory.
    """
    first = _Directory(data)
    pages, ends_early = _pages(data, first)
    full = [page for page in pages if _is_full(page)]
    page = next(iter(full or filter(_is_full, _inner_directories(data, pages))), first)
    if _DNG_VERSION in first or page.value(_PHOTOMETRIC, 0) in _CAMERA_RAW:
        msg = "it is a camera raw file, which is not read; develop it to PNG or TIFF"
        raise ValueError(msg)
    if page.value(_SAMPLES, 1) > _MAX_SAMPLES:
        msg = "it has more samples a pixel than any kind of colour"
        raise ValueError(msg)
    size = _require_pixels(data, page)
    bad_exif = [page.entry_of(tag) for tag in _EXIF_DIRECTORIES if tag in page and not _is_directory(data, page, tag)]
    cleared = [*bad_exif, *page.damaged.values()]
    facts = (
        (bad_exif, DAMAGED_EXIF),
        (page.damaged, _DAMAGED_FIELD),
        (len(full) > 1, _PAGES),
        (ends_early, ENDS_EARLY),
    )
    changes = cleared or page.next or page is not first
    return Structure(size, page.alone(cleared) if changes else data, tuple(note for fact, note in facts if fact))


def _pages(data: bytes, first: _Directory) -> tuple[list[_Directory], bool]:
    """The directories of a file one after the other, and whether one of them or its pixels cannot be read."""
    pages = [first]
    seen = {first.offset}
    while (offset := pages[-1].next) and offset not in seen and len(seen) < _MAX_PAGES:
        seen.add(offset)
        try:
            pages.append(_Directory(data, offset))
            _require_pixels(data, pages[-1])
        except (ValueError, struct.error):
            return pages, True
    return pages, False


def _inner_directories(data: bytes, pages: Sequence[_Directory]) -> Iterator[_Directory]:
    """The directories that those of a file name as their own, but for those that cannot be read."""
    offsets = [offset for page in pages if _SUBDIRECTORIES in page for offset in page.values(_SUBDIRECTORIES)]
    for offset in offsets[:_MAX_PAGES]:
        try:
            yield _Directory(data, int(offset))
        except (ValueError, struct.error):
            continue


def _is_full(page: _Directory) -> bool:
    return not page.value(_KIND, 0) & _REDUCED_OR_MASK and page.value(_OLD_KIND, 0) != _OLD_REDUCED


def _is_directory(data: bytes, page: _Directory, tag: int) -> bool:
    """Whether a field leads to a directory whose values are in the file."""
    try:
        return not _Directory(data, page.value(tag)).damaged
    except (ValueError, struct.error):
        return False


def _require_pixels(data: bytes, directory: _Directory) -> HeaderSize:
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
        raise truncation_error("TIFF")
    candidates = [(width, height), (part_width, part_height)] if tiled else [(width, height)]
    return max(candidates, key=lambda size: size[0] * size[1])
