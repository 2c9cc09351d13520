"""The types that a pickle would make, read from its operations: nothing of it is run. Torch is not imported."""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Iterator
from io import BytesIO
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any, BinaryIO

from detectors.weights.file_kinds import PICKLE

MAGIC = 0x1950A86A20F9469CFC6C  # the first pickle of a file that torch.save wrote before it wrote zip archives
READ_PROTOCOL = 2  # the only one that torch reads without running code
STORED = frozenset({"MEMOIZE", "PUT", "BINPUT", "LONG_BINPUT"})
FETCHED = frozenset({"GET", "BINGET", "LONG_BINGET"})


def other_pickle(path: Path) -> str | None:
    """What a pickle would make that torch does not read as its own.

    Returns:
        The first type or function that it names, as "module.name"; empty for a whole pickle that names none; None for
        a file of torch.save, for one that is damaged before it names any, and for no pickle.
    """
    try:
        with _opened(path) as file:
            if not _is_other(file, in_archive=zipfile.is_zipfile(path)):
                return None
            return next(_names(file), "")
    except Exception:  # noqa: BLE001 - what is damaged raises whatever it meets
        return None


def is_named(path: Path, name: str) -> bool:
    """Whether a file names a type as a whole, and not the beginning of one where it is cut."""
    module, _, last = name.rpartition(".")
    if zipfile.is_zipfile(path):  # it has its end, and so is not cut
        return True
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as content:
        return content.find(f"c{module}\n{last}\n".encode()) >= 0


def _is_other(file: BinaryIO, *, in_archive: bool) -> bool:
    """Whether a pickle is none of torch.save, or of a protocol that torch reads by running code alone."""
    start = file.read(2)
    file.seek(0)
    if in_archive:
        return start[:1] == PICKLE and start[1] > READ_PROTOCOL
    first = next(argument for operation, argument, _ in pickletools.genops(file) if operation.name != "PROTO")
    file.seek(0)
    return bool(first != MAGIC)


def _names(file: BinaryIO) -> Iterator[str]:
    """The types and functions that a pickle names, as far as it can be read.

    They may stand in it as one text, or as two that were put onto the stack before, by themselves or from the memo.
    """
    texts: list[str] = []
    memo: dict[Any, str] = {}
    for operation, argument, _ in pickletools.genops(file):
        if operation.name in {"GLOBAL", "INST"}:
            yield str(argument).replace(" ", ".")
        elif operation.name == "STACK_GLOBAL":
            yield ".".join(texts[-2:])
        elif operation.name in STORED:
            memo[len(memo) if operation.name == "MEMOIZE" else argument] = texts[-1] if texts else ""
        elif operation.name in FETCHED:
            texts.append(memo.get(argument, ""))
        elif isinstance(argument, str):
            texts.append(argument)


def _opened(path: Path) -> BinaryIO:
    """The pickle in a file, which a zip archive of torch.save has as a member."""
    if not zipfile.is_zipfile(path):
        return path.open("rb")
    with zipfile.ZipFile(path) as archive:
        return BytesIO(archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl"))))
