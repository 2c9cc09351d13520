"""The structure of a WebP file: the length of the file and of each chunk."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from bench.images.decoding.structure import ANIMATED, ENDS_EARLY, HeaderSize, Structure, truncation_error

_PICTURES = frozenset({b"VP8 ", b"VP8L", b"ANMF"})


class _Chunk(NamedTuple):
    """One chunk: its kind, and the byte offsets of its content and of its end as it states them."""

    kind: bytes
    start: int
    end: int


def examine_webp(data: bytes) -> Structure:
    """The largest size that a chunk states, and the file up to its stated end, or to the last chunk that is whole.

    Raises:
        ValueError: It ends before its first picture is whole.
    """
    stated_end = 8 + int.from_bytes(data[4:8], "little")
    chunks = list(_chunks(data, stated_end))
    size = max((_size(chunk.kind, data[chunk.start : chunk.start + 10]) for chunk in chunks), key=_area, default=(0, 0))
    whole = [chunk for chunk in chunks if chunk.end <= min(stated_end, len(data))]
    pictures = sum(chunk.kind in _PICTURES for chunk in whole)
    if not pictures:
        raise truncation_error("WEBP")
    notes = (ANIMATED,) if sum(chunk.kind == b"ANMF" for chunk in chunks) > 1 else ()
    if len(whole) == len(chunks) and stated_end <= len(data):
        return Structure(size, data, notes)
    body = data[8 : whole[-1].end] + b"\0" * (whole[-1].end % 2)
    return Structure(size, b"RIFF" + struct.pack("<I", len(body)) + body, (*notes, ENDS_EARLY))


def _chunks(data: bytes, end: int) -> Iterator[_Chunk]:
    """The chunks up to an offset, or to the end of the file."""
    offset = 12
    while offset + 8 <= min(end, len(data)):
        kind, length = struct.unpack_from("<4sI", data, offset)
        yield _Chunk(kind, offset + 8, offset + 8 + length)
        offset += 8 + length + length % 2


def _area(size: HeaderSize) -> int:
    return size[0] * size[1]


def _size(kind: bytes, head: bytes) -> HeaderSize:
    """The size that the first 10 bytes of a chunk state."""
    if kind == b"VP8X":
        return int.from_bytes(head[4:7], "little") + 1, int.from_bytes(head[7:10], "little") + 1
    if kind == b"VP8 ":
        return int.from_bytes(head[6:8], "little") & 0x3FFF, int.from_bytes(head[8:10], "little") & 0x3FFF
    if kind == b"VP8L":
        bits = int.from_bytes(head[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return 0, 0
