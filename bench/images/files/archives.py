"""Zip and tar archives as trees, read where they lie and never unpacked."""

from __future__ import annotations

import io
import lzma
import tarfile
import zipfile
import zlib
from errno import EFBIG, EIO, ENOENT
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from bench.images.files.tree import LARGEST_FILE, FileMark, Listing, Tree, readable
from bench.platform.errors import InputError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

ENCRYPTED = 1  # of a zip member's flags
END_RECORD = 22  # bytes of the record at a zip archive's end, before a comment of at most 2**16
ZIP64 = 0xFFFF  # stands where the true number is in another record, which zipfile checks itself
DAMAGE = (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, ValueError, zlib.error, lzma.LZMAError)


class Archive(Tree):
    """A local archive, known by its path, size and modification time."""

    def __init__(self, path: Path) -> None:
        found = path.stat()
        super().__init__(str(path), f"{path.resolve()}:{found.st_size}:{found.st_mtime_ns}")
        self.file = path

    def _listed(self, names: list[str]) -> Listing:
        """The listing of these members. Raises `InputError` for names that lead out, or that come twice."""
        listing = Listing()
        for name in names:
            if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":":
                msg = f"{self.where} holds {readable(name)!r}, a name that leads out of it; do not trust this archive"
                raise InputError(msg)
            listing.add_path(name)
        if len(set(names)) < len(names):
            msg = f"{self.where} holds two members of one name; pack it again"
            raise InputError(msg)
        return listing


class Zip(Archive):
    """A zip archive."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            self._zip = zipfile.ZipFile(path)
            members = self._zip.infolist()
            parts = _part(path) or max((one.volume for one in members), default=0)
        except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError) as error:
            msg = f"{path} is not a whole zip archive ({error}); fetch it again, and join parts such as .z01 first"
            raise InputError(msg) from error
        if parts:
            msg = f"{path} is the last of several parts; join them first: zip -s 0 {path.name} --out whole.zip"
            raise InputError(msg)
        if locked := [one.filename for one in members if one.flag_bits & ENCRYPTED]:
            msg = f"{path} is encrypted, as {readable(locked[0])} is; pack it again without a password"
            raise InputError(msg)
        files = [one for one in members if not one.is_dir()]
        self._names = [_plain(one.filename) for one in files]
        self._members = dict(zip(self._names, files, strict=True))

    def _list(self) -> Listing:
        return self._listed(self._names)

    def _found(self, name: str) -> zipfile.ZipInfo:
        if name not in self._members:
            raise FileNotFoundError(ENOENT, "no such member", name)
        return self._members[name]

    def mark(self, name: str) -> FileMark:
        """Size when unpacked, and the checksum in place of a time."""
        found = self._found(name)
        return found.file_size, found.CRC

    def open(self, name: str) -> BinaryIO:
        """The member, unpacked in memory and checked. Raises `OSError` for one too large for that."""
        found = self._found(name)
        if found.file_size > LARGEST_FILE:
            msg = f"{found.file_size:,} bytes are too many to unpack in memory; unpack {self.file.name} first"
            raise OSError(EFBIG, msg)
        try:
            with self._zip.open(found) as member:
                data = member.read(found.file_size + 1)
        except DAMAGE as error:
            raise OSError(EIO, f"is damaged in {self.file.name}, or of another size than stated: {error}") from error
        if len(data) != found.file_size:
            msg = f"unpacks to another size than the {found.file_size:,} bytes that the archive states"
            raise OSError(EIO, msg)
        return io.BytesIO(data)


class Tar(Archive):
    """An uncompressed tar archive, such as a shard of a webdataset. Its index is read once; members are then sought."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            with tarfile.open(path, "r:") as opened:
                members = [one for one in opened if not one.isdir()]
        except tarfile.TarError as error:
            msg = f"{path} is not a whole, uncompressed tar archive ({error}); decompress it or pack it again"
            raise InputError(msg) from error
        for one in members:
            if not one.isreg() or one.issparse():
                what = "which is a link, a device or a file with holes"
                msg = f"{path} holds {readable(one.name)!r}, {what}; pack it again with plain files only"
                raise InputError(msg)
        self._names = [_plain(one.name) for one in members]
        self._places = {name: (one.offset_data, one.size) for name, one in zip(self._names, members, strict=True)}

    def _list(self) -> Listing:
        return self._listed(self._names)

    def _place(self, name: str) -> tuple[int, int]:
        if name not in self._places:
            raise FileNotFoundError(ENOENT, "no such member", name)
        return self._places[name]

    def mark(self, name: str) -> FileMark:
        """Size, and the place in the archive in place of a time: the archive as a whole has the time."""
        offset, size = self._place(name)
        return size, offset

    def open(self, name: str) -> BinaryIO:
        """The member, as a window of the archive."""
        return cast("BinaryIO", io.BufferedReader(FileSection(self.file, *self._place(name))))


class FileSection(io.RawIOBase):
    """A part of a file, read as if it were a file of its own, so that large members need no memory.

    The file is opened for each window: a data set of thousands of shards needs few open files.
    """

    def __init__(self, path: Path, start: int, size: int) -> None:
        super().__init__()
        self._file = path.open("rb")
        self._start, self._size, self._at = start, size, 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a place in the part, and return it."""
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Read on. Raises `OSError` where the file has become shorter than the part."""
        wanted = min(memoryview(buffer).nbytes, self._size - self._at)
        if wanted <= 0:
            return 0
        self._file.seek(self._start + self._at)
        count = self._file.readinto(memoryview(buffer).cast("B")[:wanted])
        if not count:
            msg = f"the archive ends {wanted:,} bytes early"
            raise OSError(EIO, msg)
        self._at += count
        return count

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()


def _plain(name: str) -> str:
    """A member's name without the folder that an archive of "." begins it with."""
    return name.removeprefix("./")


def _part(path: Path) -> int:
    """Number of a zip archive's last part, 0 for a whole archive: it stands in the record at the end."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - END_RECORD - 2**16))
        tail = file.read()
    place = tail.rfind(b"PK\x05\x06")
    number = int.from_bytes(tail[place + 4 : place + 6], "little") if place >= 0 else 0
    return 0 if number == ZIP64 else number


def archive(path: Path) -> Tree:
    """The archive at a path, by its suffix."""
    return Zip(path) if path.suffix.lower() == ".zip" else Tar(path)
