"""The structure of AVIF and HEIC files: boxes within boxes (ISO/IEC 14496-12 and 23008-12)."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple

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
    """The largest size of an item, the colour of the main one, and the file up to its last whole box, without EXIF.

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
    meta = next((box for box in boxes if box.kind == b"meta"), None)
    if meta is None:
        return Structure(_largest(data[:end]), data[:end], notes)
    properties = data[meta.start : meta.end]
    hidden, count = _EXIF_ITEM.subn(rb"\1none", properties)
    whole = data[: meta.start] + hidden + data[meta.end : end] if count else data[:end]
    return Structure(_largest(data[:end]), whole, notes, hides_exif=bool(count), codes=_codes(properties))


def _largest(data: bytes) -> HeaderSize:
    """The largest size among the items and their previews."""
    found = (box.end() + 4 for box in re.finditer(b"ispe", data))
    sizes: list[HeaderSize] = [struct.unpack_from(">II", data, start) for start in found if start + 8 <= len(data)]
    return max(sizes, key=lambda size: size[0] * size[1], default=(0, 0))


def _codes(meta: bytes) -> ColourCodes | None:
    """The code points of the main item, from the content of the box of items."""
    boxes = {box.kind: box for box in _boxes(meta, 4, len(meta))}
    if not {b"pitm", b"iprp"} <= boxes.keys():
        return None
    main = int.from_bytes(meta[boxes[b"pitm"].start + 4 : boxes[b"pitm"].end], "big")
    inside = {box.kind: box for box in _boxes(meta, boxes[b"iprp"].start, boxes[b"iprp"].end)}
    if not {b"ipco", b"ipma"} <= inside.keys():
        return None
    properties = list(_boxes(meta, inside[b"ipco"].start, inside[b"ipco"].end))
    for index in _associations(meta, inside[b"ipma"]).get(main, ()):
        box = properties[index - 1] if 0 < index <= len(properties) else inside[b"ipma"]
        if box.kind == b"colr" and meta[box.start : box.start + 4] == b"nclx":
            primaries, transfer = struct.unpack_from(">HH", meta, box.start + 4)
            return ColourCodes(primaries, transfer, before_profile=False)
    return None


def _associations(meta: bytes, box: _Box) -> Mapping[int, list[int]]:
    """The numbers of the properties of each item, from 1."""
    version, flags = meta[box.start], meta[box.start + 3] & 1
    (count,) = struct.unpack_from(">I", meta, box.start + 4)
    offset, found = box.start + 8, {}
    item_bytes, property_bytes = (4 if version else 2), (2 if flags else 1)
    for _ in range(count):
        if offset + item_bytes >= box.end:
            break
        item = int.from_bytes(meta[offset : offset + item_bytes], "big")
        start = offset + item_bytes + 1
        offset = start + property_bytes * meta[start - 1]
        numbers = [meta[at : at + property_bytes] for at in range(start, offset, property_bytes)]
        mask = 0x7FFF if flags else 0x7F
        found[item] = [int.from_bytes(number, "big") & mask for number in numbers]
    return found
