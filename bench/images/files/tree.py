"""Trees of files: a folder, a zip or tar archive, or a remote store, all listed and read in one way.

Names are relative, with forward slashes; nothing above these modules knows where bytes come from. What cannot be
trusted is refused here: links that lead out of the folder, names of archive members that do, names that a terminal or a
table could not show.
"""

from __future__ import annotations

import os
import stat
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from errno import EFBIG, EINVAL
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

from bench.platform.errors import InputError

IMAGE_SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".jfif", ".jpeg", ".jpg", ".jxl", ".png", ".tif", ".tiff", ".webp"}
)
DATA_SUFFIXES = frozenset({".arrow", ".cls", ".csv", ".json", ".jsonl", ".parquet", ".txt"})
ARCHIVE_SUFFIXES = frozenset({".tar", ".zip"})
MANIFEST_SUFFIXES = frozenset({".csv", ".jsonl"})
MAX_FILE_BYTES = 2**29  # no image file is larger
FileStamp = tuple[int, int]  # size in bytes and modification time in ns: equal while a file has not changed


class FileSource(Protocol):
    """What an image set reads its files from."""

    @property
    def where(self) -> str:
        """What messages call this place."""

    @property
    def identity(self) -> str:
        """What a cache calls this place: equal for the same place only."""

    def read(self, name: str) -> bytes:
        """All bytes of one file. Raises `OSError` or `InputError`."""

    def stamp(self, name: str) -> FileStamp:
        """Size and time of one file. Raises `OSError`."""


@dataclass
class Listing:
    """Every file of a tree, by kind.

    Attributes:
        images: By folder ("" for the top), the names of its image files without the folder.
        data: Names of files that may describe images: tables, manifests, annotations.
        ignored: The number of all other files, by suffix; of system files under "hidden".
        refused: Image and data files that are not to be read, each with its reason.
        others: Names of the ignored files, without system files and links.
    """

    images: dict[str, list[str]] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """The number of images."""
        return sum(map(len, self.images.values()))

    def add(self, folder: str, name: str) -> None:
        """Add one file, by its kind."""
        suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - millions of names
        path = f"{folder}/{name}" if folder else name
        if is_hidden(name):
            self.ignored["hidden"] += 1
        elif suffix in IMAGE_SUFFIXES | DATA_SUFFIXES and not _is_printable(path):
            self.refused.append((printable(path), "its name holds characters that cannot be shown"))
        elif suffix in IMAGE_SUFFIXES:
            self.images.setdefault(folder, []).append(name)
        elif suffix in DATA_SUFFIXES:
            self.data.append(path)
        else:
            self.ignored[printable(suffix) or "no suffix"] += 1
            self.others += [path] if _is_printable(path) else []

    def add_path(self, path: str) -> None:
        """Add one file by its whole name; a file in a hidden folder is hidden."""
        folder, _, name = path.rpartition("/")
        if any(map(is_hidden, folder.split("/"))):
            self.ignored["hidden"] += 1
        else:
            self.add(folder, name)

    def in_order(self) -> Listing:
        """The same files, sorted."""
        images = {folder: sorted(self.images[folder]) for folder in sorted(self.images)}
        return Listing(images, sorted(self.data), self.ignored, sorted(self.refused), sorted(self.others))


def too_large_error(size: int) -> OSError:
    """The error of a file that is too large for an image."""
    return OSError(EFBIG, f"{size:,} bytes are more than an image file has")


def is_hidden(name: str) -> bool:
    """Whether a file or folder belongs to a system: dot files, resource forks, thumbnails."""
    return name.startswith(".") or name in {"__MACOSX", "@eaDir", "Thumbs.db"}


def _is_printable(name: str) -> bool:
    """Whether a name has no control characters, no undecodable bytes and no backslash."""
    return name.isprintable() and "\\" not in name


def printable(name: str) -> str:
    """A name with its unprintable characters escaped."""
    return name if _is_printable(name) else name.encode("unicode_escape", "surrogatepass").decode("ascii")


class Tree(ABC):
    """A tree of files that can be listed and read.

    Attributes:
        where: What messages call this place.
        identity: What a cache calls this place: equal for the same place only.
        given_file: The file at the top that the user gave in place of the tree; "" for none.
        mounts: The trees that are mounted into this one, by folder.
    """

    def __init__(self, where: str, identity: str, given_file: str = "") -> None:
        self.where = where
        self.identity = identity
        self.given_file = given_file
        self.mounts: Mapping[str, Tree] = {}

    @property
    def title(self) -> str:
        """A short name for tables."""
        return PurePosixPath(self.where).stem or self.where

    @cached_property
    def listing(self) -> Listing:
        """Every file, listed once."""
        return self._list().in_order()

    @abstractmethod
    def _list(self) -> Listing: ...

    @abstractmethod
    def stamp(self, name: str) -> FileStamp:
        """Size and time of one file. Raises `OSError`."""

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """One file, open for reading, seekable. Raises `OSError`."""

    def read(self, name: str) -> bytes:
        """All bytes of one file. Raises `OSError`, also for one that is larger than any image."""
        size, _ = self.stamp(name)
        if size > MAX_FILE_BYTES:
            raise too_large_error(size)
        return self.fetch(name)

    def fetch(self, name: str) -> bytes:
        """All bytes of one file of any size. Raises `OSError`."""
        with self.open(name) as opened:
            return opened.read()

    def local_path(self, name: str) -> Path | None:
        """The path of one file on a local disk; None where it is in an archive or a store."""
        del name
        return None

    def read_text(self, name: str) -> str:
        """The text in a file. Raises `InputError` where it cannot be read or is not UTF-8."""
        try:
            return self.fetch(name).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{self.where}/{name} cannot be read as UTF-8 text ({error}); mend it or take it away"
            raise InputError(msg) from error


class Folder(Tree):
    """A folder on a local disk."""

    def __init__(self, root: Path, given_file: str = "") -> None:
        super().__init__(str(root), str(root.resolve()), given_file)
        self.root = root
        self._real = root.resolve()

    @property
    def title(self) -> str:
        """The folder's own name, or that of the file in it that was given."""
        return Path(self.given_file).stem or self._real.name

    def _list(self) -> Listing:
        listing = Listing()
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(self.root / folder) as entries:
                    waiting += [path for entry in entries if (path := self._add(listing, folder, entry))]
            except OSError as error:
                msg = f"{self.root / folder} cannot be listed ({error.strerror}); mend its permissions or take it away"
                raise InputError(msg) from error
        return listing

    def _add(self, listing: Listing, folder: str, entry: os.DirEntry[str]) -> str | None:
        """Add one entry to the listing, or return its path where it is a folder that is listed too."""
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.is_symlink() and not is_hidden(entry.name):
            return self._add_link(listing, path, entry)
        if not entry.is_dir(follow_symlinks=False):
            listing.add(folder, entry.name)
        elif not is_hidden(entry.name):
            return path
        return None

    def _add_link(self, listing: Listing, path: str, entry: os.DirEntry[str]) -> str | None:
        """Add a link as what it leads to. Raises `InputError` for folders and data outside of the data folder."""
        try:
            target, is_folder = Path(entry.path).resolve(), entry.is_dir()
        except (OSError, RuntimeError):
            target, is_folder = Path(), False  # a link to itself leads nowhere
        inside = target.is_relative_to(self._real)
        exists = target != Path() and target.exists()
        if is_folder:
            if not inside or self._real.joinpath(path).is_relative_to(target):
                what = "to a folder that holds it" if inside else "out of the data folder"
                msg = f"{printable(entry.path)} is a link {what}; put a real folder there, or take the link away"
                raise InputError(msg)
            return path
        suffix = Path(entry.name).suffix.lower()
        reason = "a link out of the data folder" if exists else "a broken link"
        if inside and exists:
            listing.add_path(path)
        elif suffix in IMAGE_SUFFIXES:
            listing.refused.append((printable(path), reason))
        elif suffix in DATA_SUFFIXES:
            msg = f"{printable(entry.path)} is {reason}; put the file itself there, or take the link away"
            raise InputError(msg)
        else:
            listing.ignored["links"] += 1
        return None

    def stamp(self, name: str) -> FileStamp:
        """Size and modification time."""
        status = (self.root / name).stat()
        return status.st_size, status.st_mtime_ns

    def local_path(self, name: str) -> Path:
        """The path of the file."""
        return self.root / name

    def open(self, name: str) -> BinaryIO:
        """The file, if it is a regular one."""
        path = self.root / name
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(EINVAL, "not a regular file")
        return path.open("rb")


def top_folders(tree: Tree) -> Sequence[str]:
    """Names of the folders at the top that hold images at any depth."""
    return sorted({folder.split("/", 1)[0] for folder in tree.listing.images if folder})
