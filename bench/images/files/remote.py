"""Object stores and hubs as trees, through fsspec: `s3://bucket/folder`, `gs://bucket/folder`, `hf://datasets/owner/name`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from errno import EIO, ENOENT
from pathlib import Path
from typing import Any, BinaryIO, cast

from bench.images.files.local import open_local
from bench.images.files.tree import (
    MANIFEST_SUFFIXES,
    MAX_FILE_BYTES,
    FileStamp,
    Listing,
    Tree,
    too_large_error,
)
from bench.platform.errors import InputError
from bench.storage.connection import connect, state_of
from bench.storage.object_store import DamagedObject, ObjectStore, StoreFault, length_fault


def open_remote(url: str, file_suffixes: Collection[str] = MANIFEST_SUFFIXES) -> Tree:
    """The tree at a URL; one of the local disk is opened by `open_local`, with these suffixes. Raises `InputError`."""
    system, root = connect(url)
    protocols = (system.protocol,) if isinstance(system.protocol, str) else system.protocol
    return open_local(Path(root), file_suffixes) if "file" in protocols else RemoteStore(url, system, root)


class RemoteStore(Tree):
    """A folder on a remote store. Images are fetched whole whenever they are read."""

    def __init__(self, url: str, system: Any, root: str) -> None:  # noqa: ANN401 - a file system of fsspec
        super().__init__(url.rstrip("/"), url.rstrip("/"))
        self._system, self._root = system, root
        self._info: dict[str, dict[str, Any]] = {}  # the store's information on each file

    def _list(self) -> Listing:
        try:
            found: dict[str, dict[str, Any]] = self._system.find(self._root, detail=True)
        except Exception as error:  # every store has errors of its own
            raise self._unreachable(error) from error
        if not found.keys() - {self._root}:
            what = "is one file" if found else "holds nothing or does not exist"
            msg = f"{self.where} is no folder of files: it {what}; give the address of a folder"
            raise InputError(msg)
        listing = Listing()
        for path, info in found.items():
            name = path[len(self._root) :].lstrip("/")
            self._info[name] = info
            listing.add_path(name)
        return listing

    def _unreachable(self, error: Exception) -> InputError:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return InputError(f"{self.where} cannot be read ({reason}); check the address and your credentials")

    def stamp(self, name: str) -> FileStamp:
        """Size in bytes, 0 where the store does not know it, and a hash of its information in place of a time."""
        if name not in self._info:
            _ = self.listing
        if name not in self._info:
            raise FileNotFoundError(ENOENT, "no such file on the store", f"{self.where}/{name}")
        if self._info[name].get("size") is None:  # a listing may lack the information on one file
            with _as_os_error():
                info: dict[str, Any] = self._system.info(f"{self._root}/{name}")
            self._info[name] = info | {"size": info.get("size") or 0}
        return int(self._info[name]["size"]), state_of(self._info[name])

    def read(self, name: str) -> bytes:
        """All bytes of one file. Raises `OSError`, also for one that is larger than any image."""
        if self.stamp(name)[0]:
            return super().read(name)
        with _as_os_error(), self.open(name) as opened:
            data = opened.read(MAX_FILE_BYTES + 1)
        if len(data) > MAX_FILE_BYTES:
            raise too_large_error(len(data))
        return data

    def fetch(self, name: str) -> bytes:
        """The whole file, asked for until it comes whole.

        Raises:
            OSError: There is none, or it is not as long as the store says.
            StoreFault: The store does not answer well: the same would be said of every file.
        """
        size = self.stamp(name)[0]
        try:
            return ObjectStore(self.where).read(name, lambda data: length_fault(data, size))
        except StoreFault as fault:
            if isinstance(fault, DamagedObject) or isinstance(fault.__cause__, PermissionError):
                raise OSError(EIO, str(fault)) from fault
            raise

    def open(self, name: str) -> BinaryIO:
        """The file, fetched block by block as it is read. Raises `OSError`."""
        with _as_os_error():
            return cast("BinaryIO", self._system.open(f"{self._root}/{name}", "rb"))


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Turn any error into an `OSError`: every store has errors of its own."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(EIO, str(error)) from error
