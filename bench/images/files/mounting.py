"""Trees mounted into another one as folders, and trees of which some images are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set as AbstractSet
from functools import cached_property
from typing import BinaryIO

from bench.images.files.tree import FileStamp, Listing, Tree
from bench.platform.errors import InputError


class MountedTree(Tree):
    """A tree with other trees mounted into it as folders.

    Args:
        base: The tree.
        mounts: The other trees, by the name of the folder that each is mounted as.
    """

    def __init__(self, base: Tree, mounts: dict[str, Tree]) -> None:
        identities = "".join(f"+{name}={tree.identity}" for name, tree in mounts.items())
        super().__init__(base.where, base.identity + identities, base.given_file)
        self._base = base
        self.mounts = mounts
        self.left_out = base.left_out

    @property
    def title(self) -> str:
        """The title of the base."""
        return self._base.title

    @cached_property
    def shards(self) -> frozenset[str]:
        """Folders that are tar archives, at any depth."""
        own = {name for name, tree in self.mounts.items() if tree.is_shard}
        below = {f"{name}/{shard}" for name, tree in self.mounts.items() for shard in tree.shards}
        return self._base.shards | own | below

    def _list(self) -> Listing:
        base = self._base.listing
        whole = Listing(
            dict(base.images), list(base.data), Counter(base.ignored), list(base.refused), list(base.others)
        )
        for name, tree in self.mounts.items():
            if any(f"{path}/".startswith(f"{name}/") for path in (*whole.images, *whole.data)):
                msg = f"{self.where} has a folder {name} already; give images for it in one way only"
                raise InputError(msg)
            mounted = tree.listing
            whole.images |= {f"{name}/{folder}".rstrip("/"): images for folder, images in mounted.images.items()}
            whole.data += [f"{name}/{path}" for path in mounted.data]
            whole.refused += [(f"{name}/{path}", reason) for path, reason in mounted.refused]
            whole.others += [f"{name}/{path}" for path in mounted.others]
            whole.ignored += mounted.ignored
        return whole

    def _tree_of(self, name: str) -> tuple[Tree, str]:
        """The tree that a file is in, and its name there."""
        end = name.find("/")
        while end > 0:
            if tree := self.mounts.get(name[:end]):
                return tree, name[end + 1 :]
            end = name.find("/", end + 1)
        return self._base, name

    def stamp(self, name: str) -> FileStamp:
        """The stamp of the file in its own tree."""
        tree, rest = self._tree_of(name)
        return tree.stamp(rest)

    def open(self, name: str) -> BinaryIO:
        """The file in its own tree."""
        tree, rest = self._tree_of(name)
        return tree.open(rest)

    def fetch(self, name: str) -> bytes:
        """The file in its own tree."""
        tree, rest = self._tree_of(name)
        return tree.fetch(rest)

    @property
    def is_local(self) -> bool:
        """Whether the base and all that is mounted are."""
        return self._base.is_local and all(tree.is_local for tree in self.mounts.values())

    def local_path(self, name: str) -> str | None:
        """The path of the file in its own tree."""
        tree, rest = self._tree_of(name)
        return tree.local_path(rest)


class SelectedTree(MountedTree):
    """A tree without some of its images, and without the data files of folders that hold no others.

    Args:
        base: The tree.
        left_out: Paths of the images.
    """

    def __init__(self, base: Tree, left_out: AbstractSet[str]) -> None:
        super().__init__(base, {})
        self.left_out = base.left_out | left_out

    def _list(self) -> Listing:
        whole = super()._list()
        kept = {
            folder: [name for name in names if (f"{folder}/{name}" if folder else name) not in self.left_out]
            for folder, names in whole.images.items()
        }
        empty = {folder for folder, names in kept.items() if not names}
        whole.images = {folder: names for folder, names in kept.items() if names}
        whole.data = [path for path in whole.data if path.rpartition("/")[0] not in empty - {""}]
        return whole
