"""A checksum inside a file, where its format has room for a text: damage is noticed when the file is read.

Whoever writes a file puts `EMPTY_SEAL` into it once: as metadata of Parquet, safetensors or ONNX, or as an entry of
JSON. Its zeros are filled with the CRC-32 of the whole file as it is with the zeros. The file stays what its format
says, is written in one step, and may be moved. CRC-32 finds every damage of one bit, and of several with a chance of
1 - 2^-32; it runs at 1.2 GB/s on a core of a machine on which SHA-256 runs at 0.4. It is no protection from a forger.
"""

from __future__ import annotations

import logging
import mmap
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from bench.platform.files import write_atomically
from bench.platform.printable import printable

SEAL = "checksum"  # what the entry of a file is called that has it
_MARK = b"lineup-crc32:"
_ZEROS = b"00000000"
EMPTY_SEAL = (_MARK + _ZEROS).decode()
WHOLE = ""
Buffer = bytes | bytearray | mmap.mmap
Content = TypeVar("Content")


def write_sealed(path: Path, write: Callable[[Path], object]) -> None:
    """`write_atomically` of a file in which `write` puts `EMPTY_SEAL`."""

    def write_and_seal(temporary: Path) -> None:
        write(temporary)
        with temporary.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
            _fill(content)

    write_atomically(path, write_and_seal)


def sealed(content: bytes) -> bytes:
    """The content of a file that has `EMPTY_SEAL` in it, sealed."""
    buffer = bytearray(content)
    _fill(buffer)
    return bytes(buffer)


def fault_of(path: Path) -> str:
    """What is wrong with a file; empty for one that is whole, or has no seal. Raises `OSError`."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            return "it is empty"
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content_fault(content)


def content_fault(content: Buffer) -> str:
    """What is wrong with the content of a file; empty for one that is whole, or has no seal."""
    if not len(content):
        return "it is empty"
    place = content.find(_MARK)
    whole = place < 0 or _seal_at(content, place) == _checksum(content, place)
    return WHOLE if whole else "its checksum is another"


def read_cached(path: Path, read: Callable[[Path], Content]) -> Content | None:
    """What a file of the cache holds; None where there is none.

    A damaged one is none: the user is told in one line, and it is deleted, to be made anew.

    Args:
        path: The file.
        read: Reads it. Whatever it raises is a damage.
    """
    try:
        if not (fault := fault_of(path)):
            return read(path)
    except FileNotFoundError:
        return None
    except PermissionError:  # says nothing of the content
        raise
    except Exception as error:  # noqa: BLE001 - whatever is wrong with a file of the cache, it is made again
        fault = str(error).partition("\n")[0] or type(error).__name__
    logging.getLogger(__name__).warning("%s", printable(f"{path} is damaged ({fault}): it is made anew"))
    with suppress(OSError):  # of a cache that cannot be written
        path.unlink()
    return None


def _fill(content: bytearray | mmap.mmap) -> None:
    place = content.find(EMPTY_SEAL.encode())
    if place < 0:
        msg = "a file that is to be sealed has no room for it"
        raise ValueError(msg)
    start = place + len(_MARK)
    content[start : start + len(_ZEROS)] = _checksum(content, place)


def _seal_at(content: Buffer, place: int) -> bytes:
    start = place + len(_MARK)
    return bytes(content[start : start + len(_ZEROS)])


def _checksum(content: Buffer, place: int) -> bytes:
    """CRC-32 of a content whose seal, at some place, is empty, as hexadecimal digits."""
    start = place + len(_MARK)
    with memoryview(content) as whole, whole[:start] as before, whole[start + len(_ZEROS) :] as after:
        return b"%08x" % zlib.crc32(after, zlib.crc32(_ZEROS, zlib.crc32(before)))
