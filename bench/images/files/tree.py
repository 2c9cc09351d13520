"""Where files lie: a folder, a zip or tar archive, or a remote store, all seen as one tree of names.

Names are relative, with forward slashes. A layout reads meaning from the names; nothing above this module knows where
bytes come from. What cannot be trusted is refused here: links that lead out of the folder, archive members that would
be written outside of it, names that a terminal or a table could not show.
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

IMAGES = frozenset({".avif", ".bmp", ".gif", ".jfif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
DATA = frozenset({".arrow", ".cls", ".csv", ".json", ".jsonl", ".parquet", ".txt"})
ARCHIVES = frozenset({".tar", ".zip"})
MANIFESTS = frozenset({".csv", ".jsonl"})
LARGEST_FILE = 2**29  # bytes: no image file is larger
FileMark = tuple[int, int]  # size and time: a file whose mark is unchanged has not changed


class FileSource(Protocol):
    """Where an image set takes its bytes from."""

    @property
    def where(self) -> str:
        """What messages call this place."""

    @property
    def identity(self) -> str:
        """What a cache calls this place: alike for the same place only."""

    def read(self, name: str) -> bytes:
        """All bytes of one file. Raises `OSError` or `InputError`."""

    def mark(self, name: str) -> FileMark:
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
        """Sort one file in."""
        suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - millions of names
        path = f"{folder}/{name}" if folder else name
        if hidden(name):
            self.ignored["hidden"] += 1
        elif suffix in IMAGES | DATA and not shows(path):
            self.refused.append((readable(path), "its name holds characters that cannot be shown"))
        elif suffix in IMAGES:
            self.images.setdefault(folder, []).append(name)
        elif suffix in DATA:
            self.data.append(path)
        else:
            self.ignored[readable(suffix) or "no suffix"] += 1
            self.others += [path] if shows(path) else []

    def add_path(self, path: str) -> None:
        """Sort one file in by its whole name; a file in a hidden folder is hidden."""
        folder, _, name = path.rpartition("/")
        if any(map(hidden, folder.split("/"))):
            self.ignored["hidden"] += 1
        else:
            self.add(folder, name)

    def in_order(self) -> Listing:
        """The same files, sorted."""
        images = {folder: sorted(self.images[folder]) for folder in sorted(self.images)}
        return Listing(images, sorted(self.data), self.ignored, sorted(self.refused), sorted(self.others))


def too_large(size: int) -> OSError:
    """The error of a file that is too large for an image."""
    return OSError(EFBIG, f"{size:,} bytes are more than an image file has")


def hidden(name: str) -> bool:
    """Whether a file or folder is a system's own: dot files, resource forks, thumbnails."""
    return name.startswith(".") or name in {"__MACOSX", "@eaDir", "Thumbs.db"}


def shows(name: str) -> bool:
    """Whether a name can be shown and stored: no control characters, no undecodable bytes, no backslash."""
    return name.isprintable() and "\\" not in name


def readable(name: str) -> str:
    """A name with everything that cannot be shown escaped."""
    return name if shows(name) else name.encode("unicode_escape", "surrogatepass").decode("ascii")


class Tree(ABC):
    """A tree of files that can be listed and read.

    Attributes:
        where: What messages call this place.
        identity: What a cache calls this place.
        given: The one file at the top that the user gave in place of the tree, or "".
        mounts: The folders that are trees of their own, hung into this one.
    """

    def __init__(self, where: str, identity: str, given: str = "") -> None:
        self.where = where
        self.identity = identity
        self.given = given
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
    def mark(self, name: str) -> FileMark:
        """Size and time of one file. Raises `OSError`."""

    @abstractmethod
    def open(self, name: str) -> BinaryIO:
        """One file, open for reading, seekable. Raises `OSError`."""

    def read(self, name: str) -> bytes:
        """All bytes of one file. Raises `OSError`, also for one that is larger than any image."""
        size, _ = self.mark(name)
        if size > LARGEST_FILE:
            raise too_large(size)
        return self.fetch(name)

    def fetch(self, name: str) -> bytes:
        """All bytes of one file of any size. Raises `OSError`."""
        with self.open(name) as opened:
            return opened.read()

    def path(self, name: str) -> Path | None:
        """Where one file lies on a local disk; None where it does not, as in an archive or a store."""
        del name
        return None

    def text(self, name: str) -> str:
        """A text file. Raises `InputError` where it cannot be read or is not UTF-8."""
        try:
            return self.fetch(name).decode("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            msg = f"{self.where}/{name} cannot be read as UTF-8 text ({error}); mend it or take it away"
            raise InputError(msg) from error


class Folder(Tree):
    """A folder on a local disk."""

    def __init__(self, root: Path, given: str = "") -> None:
        super().__init__(str(root), str(root.resolve()), given)
        self.root = root
        self._real = root.resolve()

    @property
    def title(self) -> str:
        """The folder's own name, or that of the file in it that was given."""
        return Path(self.given).stem or self._real.name

    def _list(self) -> Listing:
        listing = Listing()
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            try:
                with os.scandir(self.root / folder) as entries:
                    waiting += [path for entry in entries if (path := self._sort(listing, folder, entry))]
            except OSError as error:
                msg = f"{self.root / folder} cannot be listed ({error.strerror}); mend its permissions or take it away"
                raise InputError(msg) from error
        return listing

    def _sort(self, listing: Listing, folder: str, entry: os.DirEntry[str]) -> str | None:
        """Put one entry into the listing, or return it as a folder to look into."""
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.is_symlink() and not hidden(entry.name):
            return self._sort_link(listing, path, entry)
        if not entry.is_dir(follow_symlinks=False):
            listing.add(folder, entry.name)
        elif not hidden(entry.name):
            return path
        return None

    def _sort_link(self, listing: Listing, path: str, entry: os.DirEntry[str]) -> str | None:
        try:
            target, is_folder = Path(entry.path).resolve(), entry.is_dir()
        except (OSError, RuntimeError):
            target, is_folder = Path(), False  # a link to itself leads nowhere
        inside = target.is_relative_to(self._real)
        exists = target != Path() and target.exists()
        if is_folder:
            if not inside or self._real.joinpath(path).is_relative_to(target):
                what = "to a folder that holds it" if inside else "out of the data folder"
                msg = f"{readable(entry.path)} is a link {what}; put a real folder there, or take the link away"
                raise InputError(msg)
            return path
        suffix = Path(entry.name).suffix.lower()
        reason = "a link out of the data folder" if exists else "a broken link"
        if inside and exists:
            listing.add_path(path)
        elif suffix in IMAGES:
            listing.refused.append((readable(path), reason))
        elif suffix in DATA:
            msg = f"{readable(entry.path)} is {reason}; put the file itself there, or take the link away"
            raise InputError(msg)
        else:
            listing.ignored["links"] += 1
        return None

    def mark(self, name: str) -> FileMark:
        """Size and modification time."""
        found = (self.root / name).stat()
        return found.st_size, found.st_mtime_ns

    def path(self, name: str) -> Path:
        """The file itself."""
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
