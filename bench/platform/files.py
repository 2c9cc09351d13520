"""Files: written whole or not at all, and named by digests."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from typing import Any, NamedTuple

from bench.platform.errors import DiskFull

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}  # the disk, the user's share of it, or the largest file
LENGTH_BYTES = 8  # before each part of a digest
TEXTS_AT_A_TIME = 100_000
LONGEST_NAME = 90  # bytes of a part of a file name, of which there may be two: file systems take 255 in all


class TextColumn(NamedTuple):
    """Texts as Arrow holds them, of which there may be millions: each is a part of a digest.

    Attributes:
        texts: An array or chunked array of `large_string`, without nulls.
    """

    texts: Any


def digest(*parts: str | bytes | TextColumn) -> str:
    """Hexadecimal sha256 over parts, none of which can run into the next."""
    whole = sha256()
    for part in parts:
        if isinstance(part, TextColumn):
            for framed in _framed(part):
                whole.update(framed)
        else:
            data = part.encode() if isinstance(part, str) else part
            whole.update(len(data).to_bytes(LENGTH_BYTES, "little") + data)
    return whole.hexdigest()


def _framed(column: TextColumn) -> Iterator[memoryview]:
    """The bytes of texts, each after its length, some texts at a time."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    for start in range(0, len(column.texts), TEXTS_AT_A_TIME):
        texts = column.texts.slice(start, TEXTS_AT_A_TIME).cast(pa.large_binary())
        lengths = np.asarray(pc.binary_length(texts)).astype("<i8")
        starts = np.arange(len(texts) + 1) * LENGTH_BYTES
        buffers = [None, pa.py_buffer(starts), pa.py_buffer(lengths)]
        heads = pa.Array.from_buffers(pa.large_binary(), len(texts), buffers)
        whole = pc.binary_join_element_wise(heads, texts, pa.scalar(b"", pa.large_binary()))
        size = int(lengths.sum()) + LENGTH_BYTES * len(texts)
        joined = pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole
        yield memoryview(joined.buffers()[2])[:size]


def plain_name(text: str) -> str:
    """A text as part of a file name: anything but letters, digits and a few signs becomes a low line.

    One that no file system would take is cut, and told from others by its digest.
    """
    plain = re.sub(r"[^\w.+=,@-]+", "_", text)
    if len(plain.encode()) <= LONGEST_NAME:
        return plain
    return f"{plain.encode()[:LONGEST_NAME].decode(errors='ignore')}-{digest(text)[:8]}"


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file in the same folder, then rename it to `path`.

    Others may read it as far as the user's umask lets them: safetensors makes files for their owner alone.

    Raises:
        DiskFull: The disk is full, or its quota is used up: what is there stays as it is.
    """
    try:
        _replace(path, write)
    except Exception as error:
        if full := fullness(error):
            msg = (
                f"{path.name} cannot be written into {path.parent} ({full}); make room there and run the same command "
                "again: what is written is kept"
            )
            raise DiskFull(msg) from error
        raise


def fullness(error: Exception) -> str:
    """How a disk is full, in words; "" for another error. Libraries tell the number in the text alone."""
    found = re.search(r"(?:os error|errno) (\d+)", str(error), re.IGNORECASE)
    number = (isinstance(error, OSError) and error.errno) or (int(found[1]) if found else 0)
    return os.strerror(number) if number in FULL else ""


def _replace(path: Path, write: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{token_hex(4)}.partial")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        write(temporary)
        temporary.chmod(mode)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
