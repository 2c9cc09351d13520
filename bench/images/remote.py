"""Object stores and hubs as trees, through fsspec: `s3://bucket/folder`, `gs://bucket/folder`, `hf://datasets/owner/name`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EIO, ENOENT
from typing import Any, BinaryIO, cast

from bench.errors import InputError
from bench.images.trees import Listing, Mark, Tree

PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "hf": "huggingface_hub"}


class Remote(Tree):
    """A folder on a remote store. Images are fetched whole, by one request each, whenever they are read."""

    def __init__(self, url: str) -> None:
        super().__init__(url.rstrip("/"), url.rstrip("/"))
        self._system, self._root = _connect(url)
        self._marks: dict[str, Mark] = {}

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
        for path, facts in found.items():
            name = path[len(self._root) :].lstrip("/")
            self._marks[name] = int(facts.get("size") or 0), _time(facts)
            listing.add_path(name)
        return listing

    def _unreachable(self, error: Exception) -> InputError:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return InputError(f"{self.where} cannot be read ({reason}); check the address and your credentials")

    def mark(self, name: str) -> Mark:
        """Size, and the version that the store gives the file in place of a time."""
        if not self._marks:
            _ = self.listing
        if name not in self._marks:
            raise FileNotFoundError(ENOENT, "no such file on the store", f"{self.where}/{name}")
        return self._marks[name]

    def fetch(self, name: str) -> bytes:
        """The whole file by one request. Raises `OSError`."""
        with _as_os_error():
            return bytes(self._system.cat_file(f"{self._root}/{name}"))

    def open(self, name: str) -> BinaryIO:
        """The file, fetched block by block as it is read."""
        with _as_os_error():
            return cast("BinaryIO", self._system.open(f"{self._root}/{name}", "rb"))


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Every store has errors of its own."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(EIO, str(error)) from error


def _connect(url: str) -> tuple[Any, str]:
    import fsspec

    scheme = url.partition("://")[0]
    try:
        system, root = fsspec.core.url_to_fs(url.rstrip("/"))
    except (ImportError, ValueError) as error:
        package = PACKAGES.get(scheme)
        advice = f"install {package} beside Lineup" if package else f"use one of {', '.join(PACKAGES)}, or a local path"
        msg = f"{url} cannot be opened ({error}); {advice}"
        raise InputError(msg) from error
    return system, str(root)


def _time(facts: dict[str, Any]) -> int:
    """A number that changes when the file does."""
    from zlib import crc32

    stamp = facts.get("ETag") or facts.get("etag") or facts.get("LastModified") or facts.get("mtime") or ""
    return crc32(str(stamp).encode())
