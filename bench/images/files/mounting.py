"""Trees mounted into another one as folders."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import BinaryIO

from bench.images.files.tree import FileMark, Listing, Tree
from bench.platform.errors import InputError


class MountedTree(Tree):
    """A tree with other trees mounted into it as folders."""

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
        whole = Listing(
            dict(listing.images),
            list(listing.data),
            Counter(listing.ignored),
            list(listing.refused),
            list(listing.others),
        )
        for name, tree in self.mounts.items():
            if any(f"{path}/".startswith(f"{name}/") for path in (*whole.images, *whole.data)):
                msg = f"{self.where} has a folder {name} already; give images for it in one way only"
                raise InputError(msg)
            found = tree.listing
            whole.images |= {f"{name}/{folder}".rstrip("/"): images for folder, images in found.images.items()}
            whole.data += [f"{name}/{path}" for path in found.data]
            whole.refused += [(f"{name}/{path}", reason) for path, reason in found.refused]
            whole.ignored += found.ignored
            whole.others += [f"{name}/{path}" for path in found.others]
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
