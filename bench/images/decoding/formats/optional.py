"""HEIC and JPEG XL, which are read where an extra of this package is installed, and imported only then."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module

from bench.images.decoding.structure import Structure, truncation_error

NAMES = {"HEIF": "HEIC", "JXL": "JPEG XL"}  # by Pillow's names
_EXTRAS = {"HEIF": ("heic", "pillow_heif"), "JXL": ("jxl", "pillow_jxl")}  # the extra, and the module that it brings
_RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))  # width to height, from 1


@cache
def load_reader(kind: str) -> None:
    """Let Pillow read a format. Raises `ValueError` where the extra is not installed."""
    extra, module = _EXTRAS[kind]
    try:
        plugin = import_module(module)
    except ImportError as error:
        msg = f"it is {NAMES[kind]}, which is read with the extra {extra}: pip install -e '.[{extra}]'"
        raise ValueError(msg) from error
    if kind == "HEIF":
        plugin.register_heif_opener()  # the other registers itself


def examine_jxl(data: bytes) -> Structure:
    """The size that the header of a JPEG XL file states. Its decoder refuses what is cut off."""
    bits = _bits(_codestream(data)[2:])
    is_small = bool(_number(bits, 1))
    height = _length(bits, is_small=is_small)
    ratio = _number(bits, 3)
    if not ratio:
        return Structure((_length(bits, is_small=is_small), height), data)
    wide, high = _RATIOS[ratio - 1]
    return Structure((height * wide // high, height), data)


def _codestream(data: bytes) -> bytes:
    """The beginning of the codestream: the file itself, or in the box that holds it. Raises `ValueError`."""
    if data.startswith(b"\xff\x0a"):
        return data[:64]
    offset = 0
    while offset + 8 <= len(data):
        length, kind, start = (
            int.from_bytes(data[offset : offset + 4], "big"),
            data[offset + 4 : offset + 8],
            offset + 8,
        )
        if length == 1:
            length, start = int.from_bytes(data[start : start + 8], "big"), start + 8
        if kind in {b"jxlc", b"jxlp"}:  # a part begins with its number
            start += 4 if kind == b"jxlp" else 0
            return data[start : start + 64]
        if length < 8:
            break
        offset += length
    raise truncation_error("JPEG XL")


def _bits(data: bytes) -> Iterator[int]:
    return (byte >> bit & 1 for byte in data for bit in range(8))


def _number(bits: Iterator[int], count: int) -> int:
    """An unsigned number, its lowest bit first. Raises `ValueError` where the header ends."""
    found = [bit for _, bit in zip(range(count), bits, strict=False)]
    if len(found) < count:
        raise truncation_error("JPEG XL")
    return sum(bit << place for place, bit in enumerate(found))


def _length(bits: Iterator[int], *, is_small: int) -> int:
    """Height or width in pixels."""
    if is_small:
        return 8 * (1 + _number(bits, 5))
    return 1 + _number(bits, (9, 13, 18, 30)[_number(bits, 2)])
