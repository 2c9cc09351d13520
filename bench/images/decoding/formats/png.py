"""The structure of a PNG file: its chunks and their checksums."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from bench.images.decoding.structure import (
    ANIMATED,
    DAMAGED_EXIF,
    DAMAGED_PROFILE,
    DAMAGED_TEXT,
    ENDS_EARLY,
    ColourCodes,
    Structure,
    truncation_error,
)

_SIGNATURE_BYTES = 8
_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_PIXEL_KINDS = frozenset({*_PIXEL_CHUNKS, b"IEND"})
_TEXT_CHUNKS = frozenset({b"tEXt", b"zTXt", b"iTXt"})
_ORIENTATION_TEXTS = frozenset({b"Raw profile type exif", b"XML:com.adobe.xmp"})
_MAX_TEXT_BYTES = 2**20  # of one text or profile, unpacked: Pillow's limit
_END_CHUNK = b"\0\0\0\0IEND\xaeB`\x82"
_NOTES = {b"eXIf": DAMAGED_EXIF, b"iCCP": DAMAGED_PROFILE, **dict.fromkeys(_TEXT_CHUNKS, DAMAGED_TEXT)}
_STATED_BETTER = frozenset({b"iCCP", b"sRGB"})  # chunks that come before a gamma and primaries, as usable cICP does
# numbers of sRGB in 1/100,000, what counts as equal (libpng's), and what is said of others
_COLOUR_CHUNKS = {
    b"gAMA": ((45455,), 2273, "its gamma (PNG gAMA) is not that of sRGB and is ignored"),
    b"cHRM": (
        (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000),  # x, y of white, red, green, blue
        1000,
        "its primaries (PNG cHRM) are not those of sRGB and are ignored",
    ),
}
_OTHER_NOTE = "a PNG chunk beside its pixels is damaged and ignored"


class _Chunk(NamedTuple):
    """One chunk.

    Attributes:
        kind: Its four letters.
        offset: Byte offset of its first byte.
        stored: It as the file has it, as far as the file goes.
        content: What it holds, as far as the file goes.
        is_whole: Whether all of it is in the file.
        is_sound: Whether its checksum is right.
    """

    kind: bytes
    offset: int
    stored: memoryview
    content: memoryview
    is_whole: bool
    is_sound: bool

    @property
    def is_for_pixels(self) -> bool:
        """Whether it bears on pixels, or has a name so near that it may be one that was damaged."""
        is_ancillary = self.kind[:1].islower()
        near = any(sum(a != b for a, b in zip(self.kind, kind, strict=True)) < 2 for kind in _PIXEL_CHUNKS)
        return near or not (is_ancillary or self.kind == b"IEND")

    def to_bytes(self) -> bytes | memoryview:
        """The chunk with a right length and checksum."""
        if self.is_sound:
            return self.stored
        checksum = zlib.crc32(self.content, zlib.crc32(self.kind))
        return struct.pack(">I4s", len(self.content), self.kind) + self.content + struct.pack(">I", checksum)


def examine_png(data: bytes) -> Structure:
    """The size, and the file with the chunks that bear on pixels, colour and orientation alone.

    Of a file that ends early, the decoder tells whether the pixels are whole: the stream that they are in says so.

    Raises:
        ValueError: A chunk that bears on pixels is damaged or missing.
    """
    chunks = list(_chunks(data))
    kinds = [chunk.kind for chunk in chunks]
    if not chunks or (b"IDAT" not in kinds and b"IEND" not in kinds):
        raise truncation_error("PNG")
    if kinds[0] != b"IHDR" or b"IDAT" not in kinds:
        msg = "it is damaged: PNG chunks are missing"
        raise ValueError(msg)
    for chunk in chunks:
        _require_pixels_sound(chunk)
    width, height = struct.unpack_from(">II", chunks[0].content)
    if _PIXEL_KINDS.issuperset(kinds) and all(chunk.is_sound for chunk in chunks) and kinds[-1] == b"IEND":
        return Structure((width, height), data[: chunks[-1].offset] + _END_CHUNK)  # as most are
    codes = next((_codes(chunk) for chunk in chunks if chunk.kind == b"cICP" and chunk.is_sound), None)
    kept = b"".join(chunk.to_bytes() for chunk in chunks if _is_kept(chunk))
    return Structure((width, height), data[:_SIGNATURE_BYTES] + kept + _END_CHUNK, _notes(chunks), codes=codes)


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """The chunks up to the end chunk, or to the end of the file."""
    view, offset, kind = memoryview(data), _SIGNATURE_BYTES, b""
    while kind != b"IEND" and offset + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        end = offset + 12 + length
        content, stated = view[offset + 8 : offset + 8 + length], view[end - 4 : end]
        is_sound = len(stated) == 4 and zlib.crc32(content, zlib.crc32(kind)) == int.from_bytes(stated, "big")
        yield _Chunk(kind, offset, view[offset:end], content, end <= len(data), is_sound)
        offset = end


def _require_pixels_sound(chunk: _Chunk) -> None:
    """Raise `ValueError` for a damaged chunk that bears on pixels, or that may have swallowed one."""
    if chunk.is_sound or (chunk.kind == b"IDAT" and not chunk.is_whole):
        return
    swallowed = any(kind in bytes(chunk.content) for kind in _PIXEL_CHUNKS)
    if chunk.is_whole and (chunk.is_for_pixels or swallowed):
        msg = f"it is damaged: the checksum of its PNG chunk at byte {chunk.offset} is wrong"
        raise ValueError(msg)
    if swallowed:
        raise truncation_error("PNG")


def _is_kept(chunk: _Chunk) -> bool:
    """Whether the decoder is given a chunk."""
    if chunk.kind == b"IDAT":
        return True
    if not chunk.is_sound or _is_too_large(chunk):
        return False
    if chunk.kind in _TEXT_CHUNKS:
        return bytes(chunk.content[:32]).split(b"\0")[0] in _ORIENTATION_TEXTS
    return chunk.kind in {*_PIXEL_CHUNKS, b"eXIf", b"iCCP"}


def _is_too_large(chunk: _Chunk) -> bool:
    """Whether a text or a profile is larger than the decoder reads, packed or unpacked; or cannot be unpacked."""
    if chunk.kind not in _TEXT_CHUNKS | {b"iCCP"}:
        return False
    packed = _packed(chunk)
    if packed is None:
        return len(chunk.content) > _MAX_TEXT_BYTES
    try:
        unpacking = zlib.decompressobj()
        unpacking.decompress(packed, _MAX_TEXT_BYTES)
    except zlib.error:
        return True
    return not unpacking.eof


def _packed(chunk: _Chunk) -> bytes | None:
    """The packed part of a text or a profile; None where nothing of it is packed, b"" where it is damaged."""
    name, _, rest = bytes(chunk.content).partition(b"\0")
    del name
    if chunk.kind == b"tEXt":
        return None
    if chunk.kind != b"iTXt":
        return rest[1:] if rest[:1] == b"\0" else b""
    return rest[2:].split(b"\0", 2)[-1] if rest[:1] != b"\0" else None


def _codes(chunk: _Chunk) -> ColourCodes | None:
    """The colour that a chunk states, unless it is of samples that a PNG cannot hold."""
    if len(chunk.content) != 4 or tuple(chunk.content[2:]) != (0, 1):
        return None
    return ColourCodes(chunk.content[0], chunk.content[1], before_profile=True)


def _notes(chunks: Sequence[_Chunk]) -> tuple[str, ...]:
    """What is not as it should be, each once."""
    notes = [
        _NOTES.get(chunk.kind, _OTHER_NOTE)
        for chunk in chunks
        if chunk.is_whole and chunk.kind != b"IEND" and (not chunk.is_sound or _is_too_large(chunk))
    ]
    if chunks[-1].kind != b"IEND" or not chunks[-1].is_sound:
        notes.append(ENDS_EARLY)
    notes += _colour_notes(chunks)
    if any(chunk.kind == b"acTL" and bytes(chunk.content[:4]) > b"\0\0\0\1" for chunk in chunks):
        notes.append(ANIMATED)
    return tuple(dict.fromkeys(notes))


def _colour_notes(chunks: Sequence[_Chunk]) -> Iterator[str]:
    """What is to say of a gamma and primaries, which are ignored where nothing states colour better."""
    sound = [chunk for chunk in chunks if chunk.is_sound and not _is_too_large(chunk)]
    if any(chunk.kind in _STATED_BETTER or (chunk.kind == b"cICP" and _codes(chunk)) for chunk in sound):
        return
    is_grey = not chunks[0].content[9] & 2  # of the kinds of pixels, as IHDR has them
    for chunk in sound:
        usual, tolerance, note = _COLOUR_CHUNKS.get(chunk.kind, ((), 0, ""))
        if len(chunk.content) != 4 * len(usual) or (is_grey and chunk.kind == b"cHRM"):
            continue
        stated = struct.unpack(f">{len(usual)}I", chunk.content)
        if all(stated) and any(abs(one - other) > tolerance for one, other in zip(stated, usual, strict=True)):
            yield note
