"""Image files of a remote place through a local cache of limited size."""

from __future__ import annotations

from bench.images.files.tree import FileSource, FileStamp, Tree
from bench.storage.image_cache import ImageCache


class KeptFiles:
    """The files of a place of which some are remote: these are read once, as long as they stay in the cache.

    Args:
        files: The files.
        cache: Keeps them.
    """

    def __init__(self, files: FileSource, cache: ImageCache) -> None:
        self._files, self._cache = files, cache

    @property
    def where(self) -> str:
        """What messages call the place."""
        return self._files.where

    @property
    def identity(self) -> str:
        """What a cache calls the place."""
        return self._files.identity

    def read(self, name: str) -> bytes:
        """All bytes of one file. Raises `OSError` or `InputError`."""
        if isinstance(self._files, Tree) and self._files.local_path(name) is not None:
            return self._files.read(name)
        key = self.identity, name, *map(str, self._files.stamp(name))
        return self._cache.read(key, lambda: self._files.read(name))

    def stamp(self, name: str) -> FileStamp:
        """Size and state of one file. Raises `OSError`."""
        return self._files.stamp(name)


def kept(files: FileSource, cache: ImageCache) -> FileSource:
    """Files through a cache, if any of them may be remote."""
    return KeptFiles(files, cache) if "://" in files.identity else files
