"""Which other files an ONNX file keeps weights in, read from its bytes: the package onnx is not needed to run one.

An ONNX file is one message of protocol buffers: fields of a number and a value, which may be a message itself. Of
weights that are kept elsewhere a tensor holds the name of the file alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from mmap import ACCESS_READ, mmap
from pathlib import Path

# by kind of message, the numbers of the fields through which tensors are reached, and the kinds of those
INNER: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},  # of what is kept elsewhere: a key and a value
    "entry": {},
}
KEY, VALUE = 1, 2  # numbers of the fields of an entry
VARINT, EIGHT_BYTES, LENGTH, FOUR_BYTES = 0, 1, 2, 5  # how a field's value is written

Span = tuple[int, int]  # of bytes: from the first to before the last


def referred_files(path: Path) -> list[str]:
    """Names of the files beside an ONNX file that hold weights of its graph, sorted; none of what is no ONNX file."""
    try:
        with path.open("rb") as stream, mmap(stream.fileno(), 0, access=ACCESS_READ) as data:
            return sorted(set(_locations(data, (0, len(data)), "model")))
    except (ValueError, IndexError):  # onnxruntime says what is wrong with the file
        return []


def _locations(data: mmap, span: Span, kind: str) -> Iterator[str]:
    """The locations that the tensors within a message name."""
    fields = list(_fields(data, span))
    if kind == "entry":
        texts = {number: data[start:end].decode() for number, (start, end) in fields}
        if texts.get(KEY) == "location":
            yield texts.get(VALUE, "")
    for number, inner in fields:
        if number in INNER[kind]:
            yield from _locations(data, inner, INNER[kind][number])


def _fields(data: mmap, span: Span) -> Iterator[tuple[int, Span]]:
    """The fields of a message that are texts, bytes or messages: their numbers, and where they are."""
    position, end = span
    while position < end:
        tag, position = _varint(data, position)
        size = {EIGHT_BYTES: 8, FOUR_BYTES: 4}.get(tag & 7)
        if size is None:
            value, position = _varint(data, position)
            if tag & 7 == VARINT:
                continue
            if tag & 7 != LENGTH or position + value > end:
                msg = f"field {tag >> 3} is none of this message"
                raise ValueError(msg)
            yield tag >> 3, (position, position + value)
            size = value
        position += size


def _varint(data: mmap, position: int) -> tuple[int, int]:
    """A whole number of seven bits per byte, the lowest first, and the position behind it."""
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
