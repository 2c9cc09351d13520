"""The structure of AVIF and HEIC files: boxes within boxes (ISO/IEC 14496-12 and 23008-12)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from bench.images.decoding.formats.av1 import stream_colour
from bench.images.decoding.structure import (
    ENDS_EARLY,
    ColourCodes,
    HeaderSize,
    Structure,
    truncation_error,
)

_AVIF_BRANDS = frozenset({b"avif", b"avis"})
_HEIC_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs"})
_PICTURE_BRANDS = frozenset({b"mif1", b"msf1", b"mif2"})
_CODERS = {b"av01": "AVIF", b"hvc1": "HEIF", b"lhv1": "HEIF"}  # kinds of items
_NEEDED = frozenset({b"ftyp", b"meta", b"mdat", b"moov", b"moof"})
_ENTRY_BYTES = 78  # of what is said of a track's pictures, before its boxes
_STREAM_BYTES = 2**12  # at the beginning of a stream, in which its header is
_EXIF_ITEM = re.compile(rb"(infe(?:\x02.{3}.{4}|\x03.{3}.{6}))Exif", re.DOTALL)


class _Box(NamedTuple):
    """One box: its kind, and the byte offsets of its content and of its end."""

    kind: bytes
    start: int
    end: int


def _boxes(data: bytes, offset: int, end: int) -> Iterator[_Box]:
    """The boxes in a range of a file, up to the first that does not lie in it."""
    while offset + 8 <= end:
        length, kind = struct.unpack_from(">I4s", data, offset)
        start = offset + 8
        if length == 1 and start + 8 <= end:
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        box_end = offset + length if length else end
        if box_end > end or box_end < start:
            return
        yield _Box(kind, start, box_end)
        offset = box_end


def coder_of(data: bytes) -> str:
    """What a file of boxes is: "AVIF", "HEIF" as Pillow calls HEIC, or words for something else."""
    ftyp = next(_boxes(data, 0, len(data)), None)
    if ftyp is None:  # its first box is cut off
        return "AVIF"
    brands = [data[start : start + 4] for start in range(ftyp.start, ftyp.end - 3, 4)]
    for brand in [*brands[:1], *brands[2:]]:  # the second is a version
        if brand in _AVIF_BRANDS | _HEIC_BRANDS:
            return "AVIF" if brand in _AVIF_BRANDS else "HEIF"
    if not _PICTURE_BRANDS & {*brands}:
        return "a camera raw file (CR3)" if brands[0] == b"crx " else "a film (MP4 or MOV)"
    kinds = [kind for kind in _CODERS if kind in data[: 2**16]]
    return _CODERS[kinds[0]] if kinds else "HEIF of an unknown coder"


def examine_boxes(data: bytes) -> Structure:
    """The largest size of an item, the colour of what is shown, and the file up to its last whole box, without EXIF.

    The orientation of such files is a property and not their EXIF. That pixels are where boxes state is checked by the
    decoder.

    Raises:
        ValueError: A box that is needed is missing.
    """
    boxes = list(_boxes(data, 0, len(data)))
    end = boxes[-1].end if boxes else 0
    cut_kind = data[end + 4 : end + 8]
    if not boxes or cut_kind in _NEEDED or not {b"meta", b"moov"} & {box.kind for box in boxes}:
        raise truncation_error("AVIF or HEIC")
    notes = (ENDS_EARLY,) if end < len(data) else ()
    codes = _codes(data, boxes)
    meta = next((box for box in boxes if box.kind == b"meta"), None)
    if meta is None:
        return Structure(_largest(data[:end]), data[:end], notes, codes=codes)
    hidden, count = _EXIF_ITEM.subn(rb"\1none", data[meta.start : meta.end])
    whole = data[: meta.start] + hidden + data[meta.end : end] if count else data[:end]
    return Structure(_largest(data[:end]), whole, notes, hides_exif=bool(count), codes=codes)


def _largest(data: bytes) -> HeaderSize:
    """The largest size among the items and their previews."""
    found = (box.end() + 4 for box in re.finditer(b"ispe", data))
    sizes: list[HeaderSize] = [struct.unpack_from(">II", data, start) for start in found if start + 8 <= len(data)]
    return max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))


def _codes(data: bytes, boxes: Sequence[_Box]) -> ColourCodes | None:
    """The code points of what a decoder shows: the first track of a sequence, or else the main item."""
    tops = {box.kind: box for box in reversed(boxes)}
    shows_track = data[8:12] == b"avis" or b"meta" not in tops
    if shows_track and b"moov" in tops:
        return _track_codes(data, tops[b"moov"])
    return _item_codes(data, tops[b"meta"]) if b"meta" in tops else None


def _track_codes(data: bytes, moov: _Box) -> ColourCodes | None:
    """The code points of the first track."""
    samples = _below(data, moov, b"trak", b"mdia", b"minf", b"stbl")
    described = _below(data, samples, b"stsd")
    entry = next(_boxes(data, described.start + 8, described.end), None) if described else None
    if entry is None:
        return None
    places = [(box, size) for kind, size in ((b"stco", 4), (b"co64", 8)) if (box := _below(data, samples, kind))]
    start = next((_number(data, box.start + 8, size) for box, size in places), len(data))
    return _stated_codes(data, _boxes(data, entry.start + _ENTRY_BYTES, entry.end), start)


def _item_codes(data: bytes, meta: _Box) -> ColourCodes | None:
    """The code points of the main item."""
    boxes = {box.kind: box for box in _boxes(data, meta.start + 4, meta.end)}
    if not {b"pitm", b"iprp"} <= boxes.keys():
        return None
    main = int.from_bytes(data[boxes[b"pitm"].start + 4 : boxes[b"pitm"].end], "big")
    inside = {box.kind: box for box in _boxes(data, boxes[b"iprp"].start, boxes[b"iprp"].end)}
    if not {b"ipco", b"ipma"} <= inside.keys():
        return None
    properties = list(_boxes(data, inside[b"ipco"].start, inside[b"ipco"].end))
    own = [index - 1 for index in _associations(data, inside[b"ipma"]).get(main, ()) if 0 < index <= len(properties)]
    start = _item_start(data, boxes[b"iloc"], main) if b"iloc" in boxes else len(data)
    return _stated_codes(data, [properties[index] for index in own], start)


def _stated_codes(data: bytes, properties: Iterable[_Box], start: int) -> ColourCodes | None:
    """The code points among the properties of a picture, or else in its stream, where that is of AV1.

    Args:
        data: The file.
        properties: Boxes.
        start: Byte offset of the stream.
    """
    own = {box.kind: box for box in properties if box.kind != b"colr" or data[box.start : box.start + 4] == b"nclx"}
    if b"colr" in own:
        primaries, transfer = struct.unpack_from(">HH", data, own[b"colr"].start + 4)
        return ColourCodes(primaries, transfer, before_profile=False)
    if b"av1C" not in own:
        return None
    settings = own[b"av1C"]
    streams = data[settings.start + 4 : settings.end], data[start : start + _STREAM_BYTES]
    stated = next(filter(None, map(stream_colour, streams)), None)
    return ColourCodes(*stated, before_profile=False) if stated else None


def _below(data: bytes, box: _Box | None, *kinds: bytes) -> _Box | None:
    """The first box of the last kind, in the first of the one before, and so on."""
    for kind in kinds:
        inside = _boxes(data, box.start, box.end) if box else iter(())
        box = next((one for one in inside if one.kind == kind), None)
    return box


def _number(data: bytes, start: int, size: int) -> int:
    return int.from_bytes(data[start : start + size], "big")


def _item_start(data: bytes, box: _Box, item: int) -> int:
    """Byte offset of the first part of an item that lies in the file as such; the end of the file for another."""
    version = data[box.start]
    sizes = [byte >> shift & 15 for byte in data[box.start + 4 : box.start + 6] for shift in (4, 0)]
    offset_size, length_size, base_size, index_size = *sizes[:3], sizes[3] if version else 0
    id_size, method_size = (4 if version > 1 else 2), (2 if version else 0)
    at = box.start + 6
    count = _number(data, at, id_size)
    at += id_size
    for _ in range(count):
        if at >= box.end:
            break
        found, method = _number(data, at, id_size), _number(data, at + id_size, method_size) & 15
        at += id_size + method_size + 2
        base, parts = _number(data, at, base_size), _number(data, at + base_size, 2)
        at += base_size + 2
        if found == item:
            return len(data) if method else base + _number(data, at + index_size, offset_size)
        at += parts * (index_size + offset_size + length_size)
    return len(data)


def _associations(data: bytes, box: _Box) -> Mapping[int, list[int]]:
    """The numbers of the properties of each item, from 1."""
    version, flags = data[box.start], data[box.start + 3] & 1
    (count,) = struct.unpack_from(">I", data, box.start + 4)
    offset, found = box.start + 8, {}
    item_bytes, property_bytes = (4 if version else 2), (2 if flags else 1)
    for _ in range(count):
        if offset + item_bytes >= box.end:
            break
        item = int.from_bytes(data[offset : offset + item_bytes], "big")
        start = offset + item_bytes + 1
        offset = start + property_bytes * data[start - 1]
        numbers = [data[at : at + property_bytes] for at in range(start, offset, property_bytes)]
        mask = 0x7FFF if flags else 0x7F
        found[item] = [int.from_bytes(number, "big") & mask for number in numbers]
    return found
