"""The tree at a path of the local disk: a folder, an archive, a folder of archives, or the folder of a file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path

from bench.images.files.archives import open_archive
from bench.images.files.mounting import MountedTree
from bench.images.files.tree import ARCHIVE_SUFFIXES, MANIFEST_SUFFIXES, Folder, Tree, is_hidden
from bench.platform.errors import InputError


def require_exists(path: Path) -> None:
    """Raise `InputError` where nothing is at a path."""
    if not path.exists():
        raise _path_error(path, "does not exist")


def open_local(path: Path, file_suffixes: Collection[str] = MANIFEST_SUFFIXES) -> Tree:
    """The tree at a local path: a folder, an archive, a folder of nothing but archives, or the folder of one file.

    Args:
        path: The path.
        file_suffixes: Suffixes, in lower case, of files that a user may give in place of their folder.

    Raises:
        InputError: There is nothing that can be read as a tree.
    """
    if path.is_dir():
        folder = Folder(path)
        return folder if folder.listing.images else _with_archives(folder)
    if path.suffix.lower() in ARCHIVE_SUFFIXES and path.is_file():
        return open_archive(path)
    if path.suffix.lower() in file_suffixes and path.is_file():
        return Folder(path.parent, path.name)
    require_exists(path)
    raise _path_error(path, "is no data set")


def _path_error(path: Path, what: str) -> InputError:
    return InputError(f"data {path} {what}: give a folder, a .zip or .tar archive, a .csv or .jsonl manifest, or a URL")


def _with_archives(folder: Folder) -> Tree:
    """A folder with the archives in it mounted as folders, each called by its name without the suffix."""
    found = (
        path.relative_to(folder.root) for path in folder.root.rglob("*") if path.suffix.lower() in ARCHIVE_SUFFIXES
    )
    paths = [path for path in sorted(found) if (folder.root / path).is_file() and not any(map(is_hidden, path.parts))]
    mounts: dict[str, Tree] = {}
    for path in paths:
        name = path.with_suffix("").as_posix()
        if name in mounts:
            msg = f"{folder.where} holds two archives called {name}; keep one of the two"
            raise InputError(msg)
        mounts[name] = open_archive(folder.root / path)
    folder.listing.ignored -= Counter(path.suffix.lower() for path in paths)
    folder.listing.others = sorted({*folder.listing.others} - {path.as_posix() for path in paths})
    return MountedTree(folder, mounts) if mounts else folder
