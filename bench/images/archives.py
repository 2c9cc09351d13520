"""Zip and tar archives as trees, read where they lie and never unpacked."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import BinaryIO

from bench.errors import InputError
from bench.images.trees import ARCHIVES, Folder, Listing, Mark, Mounted, Tree, safe_members


class Archive(Tree):
    """A local archive, known by its path, size and modification time."""

    def __init__(self, path: Path) -> None:
        found = path.stat()
        super().__init__(str(path), f"{path.resolve()}:{found.st_size}:{found.st_mtime_ns}")
        self.path = path

    def _listed(self, names: list[str]) -> Listing:
        """The listing of these members. Raises `InputError` for names that lead out, or that come twice."""
        listing = Listing()
        for name in safe_members(self.where, names):
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
        except (zipfile.BadZipFile, NotImplementedError) as error:
            msg = f"{path} is not a whole zip archive ({error}); parts such as .z01 must be joined first"
            raise InputError(msg) from error

    def _list(self) -> Listing:
        return self._listed([one.filename for one in self._zip.infolist() if not one.is_dir()])

    def mark(self, name: str) -> Mark:
        """Size when unpacked, and the checksum in place of a time."""
        found = self._zip.getinfo(name)
        return found.file_size, found.CRC

    def open(self, name: str) -> BinaryIO:
        """The member, unpacked in memory."""
        found = self._zip.getinfo(name)
        try:
            with self._zip.open(found) as member:
                data = member.read(found.file_size + 1)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
            raise OSError(str(error)) from error
        if len(data) != found.file_size:
            msg = f"unpacks to another size than the {found.file_size:,} bytes that the archive states"
            raise OSError(msg)
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
            if not one.isreg():
                msg = f"{path} holds {one.name!r}, which is a link or a device; pack it again with files only"
                raise InputError(msg)
        self._names = [one.name.removeprefix("./") for one in members]
        self._places = {name: (one.offset_data, one.size) for name, one in zip(self._names, members, strict=True)}
        self._file = path.open("rb")

    def _list(self) -> Listing:
        return self._listed(self._names)

    def mark(self, name: str) -> Mark:
        """Size, and the place in the archive in place of a time: the archive as a whole has the time."""
        offset, size = self._places[name]
        return size, offset

    def open(self, name: str) -> BinaryIO:
        """The member, in memory."""
        offset, size = self._places[name]
        data = os.pread(self._file.fileno(), size, offset)
        if len(data) != size:
            msg = f"the archive ends {size - len(data):,} bytes early"
            raise OSError(msg)
        return io.BytesIO(data)


def archive(path: Path) -> Tree:
    """The archive at a path, by its suffix."""
    return Zip(path) if path.suffix.lower() == ".zip" else Tar(path)


def local(path: Path) -> Tree:
    """The tree at a local path: a folder, an archive, or a folder of nothing but archives.

    Raises:
        InputError: There is nothing that can be read as a tree.
    """
    if path.is_dir():
        folder = Folder(path)
        found = sorted(one for one in path.iterdir() if one.suffix.lower() in ARCHIVES and one.is_file())
        if not found or folder.listing.images:
            return folder
        return Mounted(folder, {one.name: archive(one) for one in found})
    if path.suffix.lower() in ARCHIVES and path.is_file():
        return archive(path)
    msg = f"data {path} " + (
        "is neither a folder nor a .zip or .tar archive" if path.exists() else "does not exist: give a folder"
    )
    raise InputError(f"{msg}, an archive, a .csv or .jsonl manifest, or a URL")
