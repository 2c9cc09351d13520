"""Zip and tar archives as trees, read in place and never unpacked."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from abc import abstractmethod
from errno import EFBIG, EIO, ENOENT
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from bench.images.files.tree import (
    HEAD_BYTES,
    MAX_FILE_BYTES,
    FileStamp,
    Listing,
    Tree,
    change_of,
    looks_like_image,
    storable,
)
from bench.platform.errors import InputError
from bench.platform.printable import printable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ENCRYPTED_FLAG = 1  # of a zip member's flags
END_RECORD_BYTES = 22  # of the record at a zip archive's end, before a comment of at most 2**16 bytes
ZIP64 = 0xFFFF  # in place of a number that is in another record, which zipfile checks itself
HARMLESS_BYTES = 2**25  # of a member: so many are unpacked whatever they were packed to
MAX_RATIO = 200  # of a larger one
DAMAGE_ERRORS = (
    zipfile.BadZipFile,
    RuntimeError,
    NotImplementedError,
    EOFError,
    ValueError,
    zlib.error,
    lzma.LZMAError,
)


class Archive(Tree):
    """A local archive. Its path, size and state on the disk are its identity.

    Attributes:
        file: Its path.
    """

    def __init__(self, path: Path) -> None:
        status = path.stat()
        super().__init__(str(path), f"{path.resolve()}:{status.st_size}:{change_of(status)}")
        self.file = path

    def _looks_like_image(self, name: str) -> bool:
        return looks_like_image(self._head(name))

    @abstractmethod
    def _head(self, name: str) -> bytes:
        """The first bytes of a member; none where they cannot be read."""

    def _listing_of(self, names: list[str]) -> Listing:
        """The listing of these members. Raises `InputError` for names that lead out, or that come twice."""
        listing = Listing()
        for name in names:
            if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":":
                msg = f"{self.where} holds {printable(name)!r}, a name that leads out of it; do not trust this archive"
                raise InputError(msg)
            listing.add_path(name, partial(self._looks_like_image, name))
        if len(set(names)) < len(names):
            msg = f"{self.where} holds two members of one name; pack it again"
            raise InputError(msg)
        return listing


class ZipArchive(Archive):
    """A zip archive."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._zip = zipfile.ZipFile(path)
            members = self._zip.infolist()
            parts = _last_part(path) or max((member.volume for member in members), default=0)
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
            msg = f"{path} is not a whole zip archive ({error}); fetch it again, and join parts such as .z01 first"
            raise InputError(msg) from error
        if parts:
            msg = f"{path} is the last of several parts; join them first: zip -s 0 {path.name} --out whole.zip"
            raise InputError(msg)
        if locked := [member.filename for member in members if member.flag_bits & ENCRYPTED_FLAG]:
            msg = f"{path} is encrypted, as {printable(locked[0])} is; pack it again without a password"
            raise InputError(msg)
        files = [member for member in members if not member.is_dir()]
        self._names = [_member_name(member.filename) for member in files]
        self._members = dict(zip(self._names, files, strict=True))

    def __reduce__(self) -> tuple[type[ZipArchive], tuple[Path]]:
        """Another process opens it for itself."""
        return ZipArchive, (self.file,)

    def _list(self) -> Listing:
        return self._listing_of(self._names)

    def _head(self, name: str) -> bytes:
        try:
            with self._zip.open(self._member(name)) as opened:
                return opened.read(HEAD_BYTES)
        except (*DAMAGE_ERRORS, OSError):
            return b""

    def _member(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise FileNotFoundError(ENOENT, "no such member", name)
        return self._members[name]

    def stamp(self, name: str) -> FileStamp:
        """Size in bytes when unpacked, and the checksum in place of a time."""
        member = self._member(name)
        return member.file_size, member.CRC

    def open(self, name: str) -> BinaryIO:
        """The member, unpacked in memory and checked. Raises `OSError` for one too large for that."""
        member = self._member(name)
        if member.file_size > MAX_FILE_BYTES:
            msg = f"{member.file_size:,} bytes are too many to unpack in memory; unpack {self.file.name} first"
            raise OSError(EFBIG, msg)
        if member.file_size > max(HARMLESS_BYTES, MAX_RATIO * member.compress_size):
            msg = f"it unpacks to {member.file_size // max(1, member.compress_size):,} times its size, as no image does"
            raise OSError(EFBIG, f"{msg}; do not trust {self.file.name}")
        try:
            with self._zip.open(member) as opened:
                data = opened.read(member.file_size + 1)
        except DAMAGE_ERRORS as error:
            raise OSError(EIO, f"is damaged in {self.file.name}, or of another size than stated: {error}") from error
        if len(data) != member.file_size:
            msg = f"unpacks to another size than the {member.file_size:,} bytes that the archive states"
            raise OSError(EIO, msg)
        return io.BytesIO(data)


class TarArchive(Archive):
    """An uncompressed tar archive, such as a shard of a webdataset. Its index is read once."""

    is_shard = True

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            with tarfile.open(path, "r:") as opened:
                members = [member for member in opened if not member.isdir()]
        except tarfile.TarError as error:
            msg = f"{path} is not a whole, uncompressed tar archive ({error}); decompress it or pack it again"
            raise InputError(msg) from error
        for member in members:
            if not member.isreg() or member.issparse():
                what = "which is a link, a device or a file with holes"
                msg = f"{path} holds {printable(member.name)!r}, {what}; pack it again with plain files only"
                raise InputError(msg)
        self._names = [_member_name(member.name) for member in members]
        spans = [(member.offset_data, member.size) for member in members]
        self._spans = dict(zip(self._names, spans, strict=True))

    def _list(self) -> Listing:
        return self._listing_of(self._names)

    def _head(self, name: str) -> bytes:
        try:
            with self.open(name) as opened:
                return opened.read(HEAD_BYTES)
        except OSError:
            return b""

    def _span(self, name: str) -> tuple[int, int]:
        """Start and size of a member in the archive, in bytes."""
        if name not in self._spans:
            raise FileNotFoundError(ENOENT, "no such member", name)
        return self._spans[name]

    def stamp(self, name: str) -> FileStamp:
        """Size in bytes, and the start in the archive in place of a time, which the archive's identity holds."""
        offset, size = self._span(name)
        return size, offset

    def open(self, name: str) -> BinaryIO:
        """The member, as a section of the archive."""
        return cast("BinaryIO", io.BufferedReader(FileSection(self.file, *self._span(name))))


class FileSection(io.RawIOBase):
    """A section of a file, read as if it were a file of its own, so that large members need no memory.

    The file is opened for each section: a data set of thousands of shards needs few open files.
    """

    def __init__(self, path: Path, start: int, size: int) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._start, self._size, self._position = start, size, 0

    def readable(self) -> bool:
        """True: every section can be read."""
        return True

    def seekable(self) -> bool:
        """True: the position in a section can be set."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position in the section, and return it."""
        self._position = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence])
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read the next bytes, and return their number. Raises `OSError` where the file now ends before the section."""
        size = min(memoryview(buffer).nbytes, self._size - self._position)
        if size <= 0:
            return 0
        self._file.seek(self._start + self._position)
        count = self._file.readinto(memoryview(buffer).cast("B")[:size])
        if not count:
            msg = f"the archive ends {size:,} bytes early"
            raise OSError(EIO, msg)
        self._position += count
        return count

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()


def _member_name(name: str) -> str:
    """A member's name without the "./" of an archive of the working folder."""
    return storable(name.removeprefix("./"))


def _last_part(path: Path) -> int:
    """Number of a zip archive's last part, from the record at its end; 0 for a whole archive."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - END_RECORD_BYTES - 2**16))
        tail = file.read()
    record = tail.rfind(b"PK\x05\x06")
    number = int.from_bytes(tail[record + 4 : record + 6], "little") if record >= 0 else 0
    return 0 if number == ZIP64 else number


def open_archive(path: Path) -> Tree:
    """The archive at a path, by its suffix. Raises `InputError`."""
    return ZipArchive(path) if path.suffix.lower() == ".zip" else TarArchive(path)
