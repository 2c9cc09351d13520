"""Trees hung into another one as folders, and real images that a user hangs in beside data that has none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from bench.images.files.tree import FileMark, Listing, Tree
from bench.images.layouts.api import SHARED, DataSetContents, ImageRow
from bench.platform.errors import InputError


class MountedTree(Tree):
    """A tree with other trees hung into it as folders."""

    def __init__(self, base: Tree, mounts: dict[str, Tree]) -> None:
        inside = "".join(f"+{name}={tree.identity}" for name, tree in mounts.items())
        super().__init__(base.where, base.identity + inside, base.given)
        self._base = base
        self.mounts = mounts

    @property
    def title(self) -> str:
        """The base's."""
        return self._base.title

    def _list(self) -> Listing:
        listing = self._base.listing
        whole = Listing(dict(listing.images), list(listing.data), Counter(listing.ignored), list(listing.refused))
        for name, tree in self.mounts.items():
            if any(f"{path}/".startswith(f"{name}/") for path in (*whole.images, *whole.data)):
                msg = f"{self.where} has a folder {name} already; give images for it in one way only"
                raise InputError(msg)
            found = tree.listing
            whole.images |= {f"{name}/{folder}".rstrip("/"): images for folder, images in found.images.items()}
            whole.data += [f"{name}/{path}" for path in found.data]
            whole.refused += [(f"{name}/{path}", reason) for path, reason in found.refused]
            whole.ignored += found.ignored
        return whole

    def _place(self, name: str) -> tuple[Tree, str]:
        cut = name.find("/")
        while cut > 0:
            if tree := self.mounts.get(name[:cut]):
                return tree, name[cut + 1 :]
            cut = name.find("/", cut + 1)
        return self._base, name

    def mark(self, name: str) -> FileMark:
        """The mark that the file has in its own tree."""
        tree, rest = self._place(name)
        return tree.mark(rest)

    def open(self, name: str) -> BinaryIO:
        """The file in its own tree."""
        tree, rest = self._place(name)
        return tree.open(rest)

    def fetch(self, name: str) -> bytes:
        """The file in its own tree."""
        tree, rest = self._place(name)
        return tree.fetch(rest)

    def path(self, name: str) -> Path | None:
        """The file in its own tree."""
        tree, rest = self._place(name)
        return tree.path(rest)


def with_real(tree: Tree, found: DataSetContents) -> DataSetContents:
    """What a layout read, and the real images that were hung in where the layout did not read them itself.

    Those that it read without a split are given one where its own images have one.
    """
    own = [row for row in found.rows if not is_mounted(row.name)]
    read = [row for row in found.rows if is_mounted(row.name)]
    if not own or (read and (all(row.split for row in read) or not any(row.split for row in own))):
        return found
    dealt = {row.name: row for row in mounted(tree, own)}
    added = [row._replace(split=dealt[row.name].split) for row in read] or list(dealt.values())
    return replace(found, rows=[*own, *added])


def is_mounted(path: str) -> bool:
    """Whether a path is in the folder of real images; none can be hung in where a tree has one of its own."""
    return path.split("/", 1)[0] == SHARED


def mounted(tree: Tree, rows: Sequence[ImageRow]) -> list[ImageRow]:
    """Real images that a user hung in beside the rows of tables, as the shared pool.

    One that is named for the source of a row goes into that row's split. The others are put in order of the sha256 of
    their names and dealt to the splits in the proportion of the rows, at least one to each.
    """
    paths = [
        f"{folder}/{name}" for folder, names in tree.listing.images.items() if is_mounted(folder) for name in names
    ]
    splits = {row.source: row.split for row in rows}
    stems = {path: PurePosixPath(path).stem for path in paths}
    own = {path: splits[stem] for path, stem in stems.items() if stem in splits}
    others = sorted((path for path in paths if path not in own), key=lambda path: sha256(path.encode()).digest())
    drawn = dict(zip(others, _dealt(len(others), Counter(row.split for row in rows)), strict=True))
    return [
        ImageRow(path, 0, SHARED, own[path], source=stems[path])
        if path in own
        else ImageRow(path, 0, SHARED, drawn[path], source=path)
        for path in paths
    ]


def _dealt(count: int, shares: Counter[str]) -> list[str]:
    """`count` splits in proportion to `shares`; the largest takes what rounding leaves."""
    largest, *smaller = (split for split, _ in shares.most_common())
    dealt = [
        split for split in smaller for _ in range(max(1, round(count * shares[split] / shares.total())) if count else 0)
    ]
    return (dealt + [largest] * count)[:count]
