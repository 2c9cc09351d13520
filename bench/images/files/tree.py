"""Trees of files: a folder, a zip or tar archive, or a remote store, all listed and read in one way.

Names are relative, with forward slashes; nothing above these modules knows where bytes come from. Any name is taken:
one whose bytes are no UTF-8 is called by its escaped form, and what cannot be shown is escaped where it is shown. Links
are followed, unless a user says otherwise; refused are links in a circle and names of archive members that lead out.
"""

from __future__ import annotations

import os
import re
import stat
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from errno import EFBIG, EINVAL
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import BinaryIO, ClassVar, Protocol

from bench.images.reading import AS_STATED
from bench.platform.errors import InputError
from bench.platform.printable import printable

IMAGE_SUFFIXES = frozenset({
    ".avif", ".bmp", ".gif", ".heic", ".heif", ".j2k", ".jfif", ".jls", ".jp2", ".jpeg", ".jpg", ".jxl", ".png", ".tif",
    ".tiff", ".webp",
})  # fmt: skip
DATA_SUFFIXES = frozenset({".arrow", ".cls", ".csv", ".json", ".jsonl", ".parquet", ".tsv", ".txt"})
ARCHIVE_SUFFIXES = frozenset({".tar", ".zip"})
MANIFEST_SUFFIXES = frozenset({".csv", ".jsonl"})
IMAGE_HEADS = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP|GIF8[79]a|II[*+]\0|MM\0[*+]|....ftyp(avi[fs]|hei[cxs]|m[is]f1)|\xff\x0a"
    rb"|\0\0\0\x0cJXL |\0\0\0\x0cjP  ",
    re.DOTALL,
)
HEAD_BYTES = 16
MAX_FILE_BYTES = 2**29  # no image file is larger
STATES = 2**56  # numbers for the state of a file
FileStamp = tuple[int, int]  # size in bytes and a number for its state: equal while a file has not changed


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

    def paths(self) -> Iterator[str]:
        """The path of every image, folder by folder."""
        for folder, names in self.images.items():
            yield from (f"{folder}/{name}" if folder else name for name in names)

    def add(self, folder: str, name: str, is_image: Callable[[], bool] | None = None) -> None:
        """Add one file, by its kind.

        Args:
            folder: Its folder, "" for the top.
            name: Its name.
            is_image: Looks at its content, where its suffix says nothing.
        """
        _, dot, last = name.rpartition(".")
        suffix = f".{last.lower()}" if dot else ""
        if is_hidden(name):
            self.ignored["hidden"] += 1
        elif suffix in IMAGE_SUFFIXES or (suffix not in DATA_SUFFIXES and is_image is not None and is_image()):
            self.images.setdefault(folder, []).append(name)
        elif suffix in DATA_SUFFIXES:
            self.data.append(f"{folder}/{name}" if folder else name)
        else:
            self.ignored[printable(suffix) or "no suffix"] += 1
            self.others.append(f"{folder}/{name}" if folder else name)

    def add_plain_images(self, folder: str, entries: Iterable[os.DirEntry[str]]) -> list[os.DirEntry[str]]:
        """Add what most entries of large folders are, image files whose names say so; returns the other entries."""
        images, others = [], []
        for entry in entries:
            name = entry.name
            _, dot, last = name.rpartition(".")
            said = dot and f".{last.lower()}" in IMAGE_SUFFIXES and name.isascii() and not name.startswith(".")
            if said and entry.is_file(follow_symlinks=False):
                images.append(name)
            else:
                others.append(entry)
        if images:
            self.images.setdefault(folder, []).extend(images)
        return others

    def add_path(self, path: str, is_image: Callable[[], bool] | None = None) -> None:
        """Add one file by its whole name; a file in a hidden folder is hidden."""
        folder, _, name = path.rpartition("/")
        if any(map(is_hidden, folder.split("/"))):
            self.ignored["hidden"] += 1
        else:
            self.add(folder, name, is_image)

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


def storable(name: str) -> str:
    """A name as files of results can hold it: bytes that are no UTF-8 are escaped."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return os.fsencode(name).decode("utf-8", "backslashreplace")
    return name


def looks_like_image(head: bytes) -> bool:
    """Whether the first 16 bytes of a file are those of a format of images, whatever its name says."""
    return bool(IMAGE_HEADS.match(head))


class Tree(ABC):
    """A tree of files that can be listed and read.

    Attributes:
        where: What messages call this place.
        identity: What a cache calls this place: equal for the same place only.
        given_file: The file at the top that the user gave in place of the tree; "" for none.
        mounts: The trees that are mounted into this one, by folder.
        reading: What the user states of its images.
        left_out: Paths of images that were there and are not listed.
        is_shard: Whether it is a tar archive, which may be one of many of a webdataset.
    """

    is_shard: ClassVar[bool] = False

    def __init__(self, where: str, identity: str, given_file: str = "") -> None:
        self.where = where
        self.identity = identity
        self.given_file = given_file
        self.mounts: Mapping[str, Tree] = {}
        self.left_out: AbstractSet[str] = frozenset()
        self.reading = AS_STATED

    def __getstate__(self) -> dict[str, object]:
        """What another process reads files by: it is sent no list of them, of which there may be millions."""
        return {name: value for name, value in vars(self).items() if name != "listing"}

    @property
    def title(self) -> str:
        """A short name for tables."""
        return PurePosixPath(self.where).stem or self.where

    @cached_property
    def listing(self) -> Listing:
        """Every file, listed once."""
        return self._list().in_order()

    @cached_property
    def shards(self) -> frozenset[str]:
        """Folders that are tar archives, mounted into this tree."""
        return frozenset()

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

    @property
    def is_local(self) -> bool:
        """Whether each file has a path on a local disk, from which another process may read it with `read_local`."""
        return False

    def local_path(self, name: str) -> str | None:
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
    """A folder on a local disk.

    Args:
        root: Its path.
        given_file: The file in it that the user gave; "" for none.
        follow: Whether links are followed.
    """

    def __init__(self, root: Path, given_file: str = "", *, follow: bool = True) -> None:
        super().__init__(str(root), str(root.resolve()), given_file)
        self.root = root
        self._root_text = str(root)
        self._real = root.resolve()
        self._follow = follow
        self._raw: dict[str, str] = {}  # names on the disk of those that are called otherwise

    @property
    def title(self) -> str:
        """The folder's own name, or that of the file in it that was given."""
        return storable(Path(self.given_file).stem or self._real.name)

    def _list(self) -> Listing:
        listing = Listing()
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            called = storable(folder)
            try:
                with os.scandir(self.root / folder) as entries:
                    others = listing.add_plain_images(called, entries) if called == folder else entries
                    waiting += [path for entry in others if (path := self._add(listing, folder, called, entry))]
            except OSError as error:
                msg = f"{self.root / folder} cannot be listed ({error.strerror}); mend its permissions or take it away"
                raise InputError(msg) from error
        return listing

    def _add(self, listing: Listing, folder: str, called: str, entry: os.DirEntry[str]) -> str | None:
        """Add one entry to the listing, or return its path where it is a folder that is listed too.

        Args:
            listing: The listing.
            folder: The folder of the entry.
            called: The same as `storable` has it.
            entry: The entry.
        """
        path = f"{folder}/{entry.name}" if folder else entry.name
        if is_hidden(entry.name):
            listing.ignored["hidden"] += not entry.is_dir(follow_symlinks=False)
            return None
        if entry.is_symlink() and not self._may_follow(listing, path, entry):
            return None
        if entry.is_dir():
            return path
        stored = storable(entry.name)
        if stored != entry.name or called != folder:
            self._raw[f"{called}/{stored}" if called else stored] = path
        listing.add(called, stored, lambda: is_image_file(entry.path))
        return None

    def _may_follow(self, listing: Listing, path: str, entry: os.DirEntry[str]) -> bool:
        """Whether a link leads somewhere and is to be followed; what is not is counted or refused.

        Raises:
            InputError: It leads in a circle, or data is behind a link that leads nowhere.
        """
        try:
            target, is_folder = Path(entry.path).resolve(strict=True), entry.is_dir()
        except (OSError, RuntimeError):
            return self._refuse_link(listing, path, "a broken link")
        if not self._follow:
            return self._refuse_link(listing, path, "a link, and links are not followed")
        above = [self.root / PurePosixPath(path).parents[depth] for depth in range(path.count("/") + 1)]
        if is_folder and any(Path(folder).resolve() == target for folder in above):
            msg = f"{printable(entry.path)} is a link to a folder that holds it; take the link away"
            raise InputError(msg)
        return True

    @staticmethod
    def _refuse_link(listing: Listing, path: str, reason: str) -> bool:
        """Note a link that is not followed. Raises `InputError` for one that data would be behind."""
        suffix = PurePosixPath(path).suffix.lower()
        if suffix in DATA_SUFFIXES:
            msg = f"{printable(path)} is {reason}; put the file itself there, or take the link away"
            raise InputError(msg)
        if suffix in IMAGE_SUFFIXES:
            listing.refused.append((storable(path), reason))
        else:
            listing.ignored["links"] += 1
        return False

    def stamp(self, name: str) -> FileStamp:
        """Size, and a hash of the times of modification and of change, and of the inode."""
        return stamp_local(self.local_path(name))

    def read(self, name: str) -> bytes:
        """All bytes of one file. Raises what `read_local` raises."""
        return read_local(self.local_path(name))

    @property
    def is_local(self) -> bool:
        """Always."""
        return True

    def local_path(self, name: str) -> str:
        """The path of the file."""
        return f"{self._root_text}/{self._raw.get(name, name)}"

    def open(self, name: str) -> BinaryIO:
        """The file, if it is a regular one."""
        path = Path(self.local_path(name))
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(EINVAL, "not a regular file")
        return path.open("rb")


def stamp_local(path: str) -> FileStamp:
    """Size of a file on a local disk, and a hash of its times and inode. Raises `OSError`."""
    status = os.stat(path)  # noqa: PTH116 - millions of files
    return status.st_size, change_of(status)


def read_local(path: str) -> bytes:
    """All bytes of a regular file on a local disk. Raises `OSError`, also for one that is larger than any image."""
    status = os.stat(path)  # noqa: PTH116 - millions of files
    if status.st_size > MAX_FILE_BYTES:
        raise too_large_error(status.st_size)
    if not stat.S_ISREG(status.st_mode):
        raise OSError(EINVAL, "not a regular file")
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123
        return file.readall()


def change_of(status: os.stat_result) -> int:
    """A number that changes when a file is written or replaced, in 56 bits, though its size and time may stay."""
    # numbers have the same hash in every process; sha256 would take as long as asking the disk does. Where another
    # version of Python hashes otherwise, files are looked at once more
    return hash((status.st_mtime_ns, status.st_ctime_ns, status.st_ino)) % STATES


def is_image_file(path: str | Path) -> bool:
    """Whether a regular file begins as an image does, whatever its name says."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - a name of any bytes
            return False
        with open(path, "rb") as file:  # noqa: PTH123
            return looks_like_image(file.read(HEAD_BYTES))
    except OSError:
        return False


SHARD_NUMBER = r"[-_. ]?\d+([-_. ]of[-_. ]\d+)?$"  # at the end of the name of a shard or table


def without_number(path: str) -> str:
    """A path without the number of a shard at its end: "data/train-00000-of-00012" is "data/train", "00012" is ""."""
    folder, slash, last = path.rpartition("/")
    bare = re.sub(SHARD_NUMBER, "", last)
    return f"{folder}{slash}{bare}" if bare else folder


def shard_base(tree: Tree, folder: str) -> str:
    """A folder of a tree; where it is a mounted shard, or in one, the name of the shard without its number."""
    end = len(folder)
    while end > 0:
        if folder[:end] in tree.shards:
            return f"{without_number(folder[:end])}{folder[end:]}".lstrip("/")
        end = folder.rfind("/", 0, end)
    return folder
