"""The structure of a GIF file: its blocks up to the trailer."""

from __future__ import annotations

import struct

from bench.images.decoding.structure import ANIMATED, ENDS_EARLY, HeaderSize, Structure, truncation_error

_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B


def examine_gif(data: bytes) -> Structure:
    """The size of the canvas with its first image on it, and the file up to the end of that image.

    Raises:
        ValueError: It is damaged, or ends before its first image is whole.
        IndexError, struct.error: The same.
    """
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    offset = 13 + _palette_bytes(flags)
    while (kind := data[offset]) == _EXTENSION:
        offset = _blocks_end(data, offset + 2)
    if kind == _TRAILER:
        raise truncation_error("GIF")
    if kind != _IMAGE:
        msg = f"it is damaged: no GIF block begins at byte {offset}"
        raise ValueError(msg)
    left, top, wide, high, flags = struct.unpack_from("<4HB", data, offset + 1)
    size: HeaderSize = max(width, left + wide), max(height, top + high)
    end = _blocks_end(data, offset + 11 + _palette_bytes(flags))
    note = _note_on_what_follows(data, end)
    return Structure(size, data[:end] + bytes([_TRAILER]), (note,) if note else ())


def _note_on_what_follows(data: bytes, offset: int) -> str:
    """What is to say of the blocks behind the first image; "" where it is the only one."""
    try:
        while (kind := data[offset]) == _EXTENSION:
            offset = _blocks_end(data, offset + 2)
    except IndexError:
        return ENDS_EARLY
    return {_TRAILER: "", _IMAGE: ANIMATED}.get(kind, ENDS_EARLY)


def _blocks_end(data: bytes, offset: int) -> int:
    """The end of a row of data blocks, of which an empty one is the last. Raises `IndexError` where it is missing."""
    while data[offset]:
        offset += 1 + data[offset]
    return offset + 1


def _palette_bytes(flags: int) -> int:
    return 3 * 2 ** (1 + flags % 8) if flags & 0x80 else 0
