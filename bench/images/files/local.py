"""The tree at a path of the local disk: a folder, an archive, a folder of archives, or the folder of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path, PurePosixPath

from bench.images.files.archives import open_archive
from bench.images.files.mounting import MountedTree
from bench.images.files.tree import ARCHIVE_SUFFIXES, MANIFEST_SUFFIXES, Folder, Tree
from bench.platform.errors import InputError


def require_exists(path: Path) -> None:
    """Raise `InputError` where nothing is at a path."""
    if not path.exists():
        raise _path_error(path, "does not exist")


def open_local(path: Path, file_suffixes: Collection[str] = MANIFEST_SUFFIXES, *, follow: bool = True) -> Tree:
    """The tree at a local path: a folder, with archives in it as folders, an archive, or the folder of one file.

    Args:
        path: The path.
        file_suffixes: Suffixes, in lower case, of files that a user may give in place of their folder.
        follow: Whether links in folders are followed.

    Raises:
        InputError: There is nothing that can be read as a tree.
    """
    if path.is_dir():
        return _with_archives(Folder(path, follow=follow))
    if path.suffix.lower() in ARCHIVE_SUFFIXES and path.is_file():
        return open_archive(path)
    if path.suffix.lower() in file_suffixes and path.is_file():
        return Folder(path.parent, path.name, follow=follow)
    require_exists(path)
    raise _path_error(path, "is no data set")


def _path_error(path: Path, what: str) -> InputError:
    return InputError(f"data {path} {what}: give a folder, a .zip or .tar archive, a .csv or .jsonl manifest, or a URL")


def _with_archives(folder: Folder) -> Tree:
    """A folder with the archives in it mounted as folders, each called by its name without the suffix.

    An archive beside a folder of that name was unpacked there, and one without images or tables is of something else:
    they are left.
    """
    listing = folder.listing
    unpacked = {path[:end] for path in listing.images for end in (*_slashes(path), len(path))}
    mounts: dict[str, Tree] = {}
    mounted = []
    for path in listing.others:
        name, _, suffix = path.rpartition(".")
        if name in unpacked or f".{suffix.lower()}" not in ARCHIVE_SUFFIXES:
            continue
        if name in mounts:
            msg = f"{folder.where} holds two archives called {name}; keep one of the two"
            raise InputError(msg)
        archive = open_archive(Path(folder.local_path(path)))
        if archive.listing.images or archive.listing.data:
            mounts[name] = archive
            mounted.append(path)
    listing.ignored -= Counter(PurePosixPath(path).suffix.lower() for path in mounted)
    listing.others = sorted({*listing.others} - {*mounted})
    return MountedTree(folder, mounts) if mounts else folder


def _slashes(path: str) -> list[int]:
    return [position for position, letter in enumerate(path) if letter == "/"]
