"""What a file of weights is, told from its content: its name says nothing. Torch is not imported."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Literal

FileKind = Literal["safetensors", "torch"]

HEAD_BYTES = 1024
PICKLE = b"\x80"  # the first byte of every pickle of protocol 2 or later
SAFETENSORS_HEADER_BYTES = 8  # the length of the header that follows
LONGEST_HEADER = 100_000_000  # bytes, as the format allows: text read as a length is far more
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
HARMLESS_BYTES = 2**25  # that a zip archive may always unpack to
MAX_RATIO = 20  # of its bytes when unpacked to those on the disk: torch packs nothing
PAGE = "a web page, as a download that needs a login or a confirmation leaves: download the file itself"
OTHER_KINDS = (  # the start of a file without leading space, in lower case, and what such a file is
    (b"version https://git-lfs", "a Git LFS pointer, not the weights it points to: fetch them with `git lfs pull`"),
    (b"<!", PAGE),  # a doctype or a comment
    (b"<html", PAGE),
    (b"<head", PAGE),
    (b"<body", PAGE),
    (b"<", "an XML document, as servers answer with an error: download the file itself"),
    (b"{", "a JSON document: give the file of weights that it describes"),
    (b"[", "a JSON document: give the file of weights that it describes"),
    (b"gguf", "a GGUF file: give a .safetensors file or a state dict"),
    (b"\x89hdf", "an HDF5 file, as Keras writes: give a .safetensors file or a state dict of torch"),
    (b"\x93numpy", "a NumPy array: give a .safetensors file or a state dict"),
    (b"\x1f\x8b", "a file compressed by gzip: unpack it first"),
)


def kind_of(path: Path) -> FileKind:
    """Whether a file of weights is of safetensors or of torch.

    Raises:
        ValueError: It is something else; the message says what, and what to do.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head:
        msg = "an empty file: download it again"
        raise ValueError(msg)
    length = int.from_bytes(head[:SAFETENSORS_HEADER_BYTES], "little")
    if head[SAFETENSORS_HEADER_BYTES : SAFETENSORS_HEADER_BYTES + 1] == b"{" and length <= LONGEST_HEADER:
        return "safetensors"
    if head.startswith(b"PK"):
        return _zip_kind(path)
    if head.startswith(PICKLE):
        return "torch"
    if other := _other_kind(head):
        raise ValueError(other)
    msg = "neither a .safetensors file nor one of torch.save: give the published file"
    raise ValueError(msg)


def is_page(head: bytes) -> bool:
    """Whether a file that starts so is a web page."""
    return _other_kind(head) == PAGE


def _other_kind(head: bytes) -> str:
    """What a file is that starts so, where it is known to be no file of weights; empty where it is not."""
    text = head.removeprefix(BYTE_ORDER_MARK).lstrip().lower()
    return next((description for start, description in OTHER_KINDS if text.startswith(start)), "")


def _zip_kind(path: Path) -> FileKind:
    """The kind of a zip archive: torch.save, TorchScript and NumPy all write one."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        msg = "a truncated file of torch.save: download it again"
        raise ValueError(msg) from None
    names, unpacked = [member.filename for member in members], sum(member.file_size for member in members)
    if unpacked > max(HARMLESS_BYTES, MAX_RATIO * path.stat().st_size):
        msg = f"a zip archive of {unpacked:,} bytes when unpacked, as no file of weights packs so well: do not trust it"
        raise ValueError(msg)
    if any("/code/" in name for name in names):
        msg = "a TorchScript program, which holds code beside its weights: give the state dict that it was made from"
        raise ValueError(msg)
    if any(name.endswith("data.pkl") for name in names):
        return "torch"
    archive_of = "arrays of NumPy" if any(name.endswith(".npy") for name in names) else f"{len(names)} other files"
    msg = f"a zip archive of {archive_of}: give a .safetensors file or a state dict"
    raise ValueError(msg)
