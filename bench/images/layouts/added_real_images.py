"""Real images that a user adds to a data set, mounted as its folder `real`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePosixPath

from bench.images.files.tree import Tree
from bench.images.layouts.api import SHARED_POOL, DataSetContents, ImageRow


def is_added(path: str) -> bool:
    """Whether a path is in the folder of added real images; a tree that has such a folder of its own takes none."""
    return path.split("/", 1)[0] == SHARED_POOL


def with_added(tree: Tree, contents: DataSetContents) -> DataSetContents:
    """What a layout read, with the added real images that it did not read itself.

    Those that it read without a split are given one where the data set's own images have one.
    """
    own = [row for row in contents.rows if not is_added(row.name)]
    read = [row for row in contents.rows if is_added(row.name)]
    if not own or (read and (all(row.split for row in read) or not any(row.split for row in own))):
        return contents
    by_name = {row.name: row for row in added_rows(tree, own)}
    added = [row._replace(split=by_name[row.name].split) for row in read] or list(by_name.values())
    return replace(contents, rows=[*own, *added])


def added_rows(tree: Tree, rows: Sequence[ImageRow]) -> list[ImageRow]:
    """Rows of the added real images, as the shared pool.

    An image that is named for the source of one of `rows` goes into that row's split. The others are put in order of
    the sha256 of their names and divided among the splits in the proportion of the rows, at least one to each.

    Args:
        tree: The data set with the added images.
        rows: The data set's own images.
    """
    paths = [path for path in tree.listing.paths() if is_added(path)]
    splits = {row.source: row.split for row in rows}
    stems = {path: PurePosixPath(path).stem for path in paths}
    own = {path: splits[stem] for path, stem in stems.items() if stem in splits}
    others = sorted((path for path in paths if path not in own), key=lambda path: sha256(path.encode()).digest())
    drawn = dict(zip(others, _splits(len(others), Counter(row.split for row in rows)), strict=True))
    return [
        ImageRow(path, 0, SHARED_POOL, own[path], source=stems[path])
        if path in own
        else ImageRow(path, 0, SHARED_POOL, drawn[path], source=path)
        for path in paths
    ]


def _splits(count: int, shares: Counter[str]) -> list[str]:
    """`count` splits in proportion to `shares`; the largest takes what rounding leaves."""
    largest, *smaller = (split for split, _ in shares.most_common())
    splits = [
        split for split in smaller for _ in range(max(1, round(count * shares[split] / shares.total())) if count else 0)
    ]
    return (splits + [largest] * count)[:count]
