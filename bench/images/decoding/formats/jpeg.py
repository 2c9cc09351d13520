"""The structure of a JPEG file: its segments, its scans and its end marker."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import NamedTuple

from bench.images.decoding.structure import ENDS_EARLY, Structure, truncation_error

# a marker among the data of a scan: not stuffing, fill or a restart
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xCA})
_END, _SCAN, _LOSSLESS_FRAME, _STANDALONE = 0xD9, 0xDA, 0xF7, frozenset({0x01, 0xD8, 0xD9})
_OTHER_DATA = frozenset({*range(0xE0, 0xF0), 0xFE})  # application segments and comments
_EXIF, _VIEWS, _VIEW_LIST = b"Exif\0\0", b"MPF\0", 0xB002
_MAX_SCANS, _MAX_SCAN_PIXELS = 32, 2**31  # encoders write some ten; each of them costs time by pixels, and few bytes
# segments that bear on pixels: those too short for libjpeg to heed are none
_KEPT = re.compile(
    rb"\xff(\xe0..JFIF\0.{9}|\xee..Adobe.{7}|\xe2..ICC_PROFILE\0|\xe1..http://ns\.adobe\.com/xap/1\.0/\0)", re.DOTALL
)


class _Segment(NamedTuple):
    """One segment: its marker, the offset of the marker, and that of its end."""

    marker: int
    start: int
    end: int


def examine_jpeg(data: bytes) -> Structure:
    """The size, and the file without metadata other than colour profiles and XMP. Its EXIF is apart.

    Raises:
        ValueError: It ends outside of a scan, has no scan, or is of a kind that is not read.
    """
    segments = list(_segments(data))
    frame = next((segment for segment in segments if segment.marker in _FRAMES), None)
    first_scan = next((segment for segment in segments if segment.marker == _SCAN), None)
    if any(segment.marker == _LOSSLESS_FRAME for segment in segments):
        msg = "it is JPEG-LS, which is not read; save it as PNG"
        raise ValueError(msg)
    if frame is None or first_scan is None:
        raise truncation_error("JPEG")
    precision, height, width = struct.unpack_from(">BHH", data, frame.start + 4)
    if precision != 8:
        msg = f"it is a JPEG of {precision} bits a sample, which is not read; save it as PNG"
        raise ValueError(msg)
    in_scan = segments[-1].marker == _SCAN and _all_is_sent(data, segments)
    if segments[-1].marker != _END and not in_scan:
        raise truncation_error("JPEG")
    scans = sum(segment.marker == _SCAN for segment in segments)
    if scans > _MAX_SCANS and scans * width * height > _MAX_SCAN_PIXELS:
        msg = "it has far more scans than a picture needs"
        raise ValueError(msg)
    others = [segment for segment in segments if segment.marker in _OTHER_DATA and segment.start < first_scan.start]
    exif = [data[start + 4 : end] for _, start, end in others if data[start + 4 : start + 10] == _EXIF]
    dropped = [segment for segment in others if not _KEPT.match(data, segment.start, segment.end)]
    whole_exif = b"".join([*exif[:1], *(part[len(_EXIF) :] for part in exif[1:])])
    notes = (ENDS_EARLY,) if any(_misses_views(data, segment) for segment in others) else ()
    return Structure((width, height), _without(data, dropped), notes, exif=whole_exif, in_scan=in_scan)


def _segments(data: bytes) -> Iterator[_Segment]:
    """The segments up to the end marker, which is the last; what follows it is not part of the image."""
    offset, marker = 2, 0
    while marker != _END and (found := _MARKER.search(data, offset)):
        marker, offset = data[found.end() - 1], found.end()
        if marker not in _STANDALONE:
            offset += int.from_bytes(data[offset : offset + 2], "big")
        yield _Segment(marker, found.start(), offset)


def end_of_scan(data: bytes) -> int:
    """The offset of the end marker of a file that has one."""
    return next(segment.start for segment in _segments(data) if segment.marker == _END)


def _misses_views(data: bytes, segment: _Segment) -> bool:
    """Whether a segment is an index of further pictures (MPO) some of which are not in the file."""
    start = segment.start + 8  # from which the index counts
    if data[segment.start + 4 : start] != _VIEWS:
        return False
    order = "<" if data[start : start + 2] == b"II" else ">"
    try:
        (directory,) = struct.unpack_from(order + "I", data, start + 4)
        (count,) = struct.unpack_from(order + "H", data, start + directory)
        for entry in range(start + directory + 2, start + directory + 2 + 12 * count, 12):
            tag, _, length, offset = struct.unpack_from(order + "HHII", data, entry)
            if tag == _VIEW_LIST:
                views = struct.iter_unpack(order + "4xII4x", data[start + offset : start + offset + length // 16 * 16])
                return any(start + first + size > len(data) for size, first in views if first)
    except struct.error:  # an index that is damaged
        pass
    return False


def _without(data: bytes, dropped: list[_Segment]) -> bytes:
    """The file without some segments."""
    starts = [0, *(segment.end for segment in dropped)]
    ends = [*(segment.start for segment in dropped), len(data)]
    return b"".join(data[start:end] for start, end in zip(starts, ends, strict=True)) if dropped else data


def _all_is_sent(data: bytes, segments: list[_Segment]) -> bool:
    """Whether the scans that have begun hold every bit of every coefficient of every component."""
    frame = next(segment for segment in segments if segment.marker in _FRAMES)
    count = data[frame.start + 9]
    missing = {data[frame.start + 10 + 3 * index]: [1] * 64 for index in range(count)}  # bits, by coefficient
    for scan in (segment for segment in segments if segment.marker == _SCAN):
        names = data[scan.start + 5 : scan.start + 5 + 2 * data[scan.start + 4] : 2]
        first, last, bits = data[scan.end - 3 : scan.end]
        if frame.marker not in _PROGRESSIVE:
            first, last, bits = 0, 63, 0
        for name in names:
            missing[name][first : last + 1] = [bits & 15] * (last + 1 - first)
    return not any(map(any, missing.values()))
