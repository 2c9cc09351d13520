"""ArtiFact: `<generator or source>/metadata.csv`, which states of each image its path and whether it is real.

ArtiFact (Rahman et al., ICIP 2023, arXiv 2302.11970). A target of 0 is real; any other number is generated, by the
generator that the folder is named after. One folder may hold both, as `cycle_gan` does. The real images of all sources
are the pool of every generator.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import ClassVar

from bench.images.files import csv_lines
from bench.images.files.tree import Tree
from bench.images.layouts.added_real_images import is_added
from bench.images.layouts.api import SHARED_POOL, Coverage, DataSetContents, ImageRow, Layout

TABLE = "metadata.csv"
COLUMNS = ("image_path", "target", "category")
ALL_COLUMNS = frozenset({"filename", *COLUMNS})  # by which its tables are known


class ArtifactLayout(Layout):
    """ArtiFact and data sets that are described like it."""

    name: ClassVar[str] = "artifact"
    pattern: ClassVar[str] = f"<generator>/{TABLE} with the columns {', '.join(COLUMNS)}"

    def coverage(self, tree: Tree) -> Coverage:
        """By the folders that have a table, where the first table has the columns of ArtiFact's."""
        described = _described_folders(tree)
        if not described or not set(csv_lines.header(tree, _table(described[0]))) >= ALL_COLUMNS:
            return "none"
        known = {*described, SHARED_POOL}
        read = sum(any(above in known for above in _upwards(folder)) for folder in tree.listing.images)
        if not read:
            return "none"
        return "all" if read == len(tree.listing.images) else "some"

    def read(self, tree: Tree) -> DataSetContents:
        """Read what the tables list. Raises `InputError` for a table that is not in order."""
        images = tree.listing.images
        paths = set(tree.listing.paths())
        described = _described_folders(tree)
        listed = [row for folder in described for row in _rows(tree, folder, paths)]
        rows = [row for row in listed if row is not None]
        missing = len(listed) - len(rows)
        if SHARED_POOL not in described:
            added = [folder for folder in images if is_added(folder)]
            rows += [_real(f"{folder}/{name}") for folder in added for name in images[folder]]
        absent = {f"images that {TABLE} lists": missing} if missing else {}
        return DataSetContents(
            rows, missing=absent, reading=self.described(tree, [_table(folder) for folder in described])
        )


def _described_folders(tree: Tree) -> list[str]:
    """The folders that have a table, "" for the top."""
    return [name.rpartition("/")[0] for name in tree.listing.data if name.rpartition("/")[2] == TABLE]


def _table(folder: str) -> str:
    return f"{folder}/{TABLE}" if folder else TABLE


def _upwards(folder: str) -> list[str]:
    """A folder and all above it, the top, "", first."""
    parts = folder.split("/")
    return ["/".join(parts[:depth]) for depth in range(len(parts) + 1)]


def _real(path: str) -> ImageRow:
    return ImageRow(path, 0, SHARED_POOL, source=path)


def _rows(tree: Tree, folder: str, paths: Collection[str]) -> Iterator[ImageRow | None]:
    """Every image of one table; None for one that is not among the `paths` of the tree.

    The table's paths begin in its own folder or in the one above, which a tree of this folder alone does not hold.
    """
    above, _, last = folder.rpartition("/")
    generator = last or tree.title
    bases = [f"{base}/" if base else "" for base in dict.fromkeys((folder, above))]
    for line, fields in csv_lines.rows(tree, _table(folder), COLUMNS):
        label = _label(tree, folder, line, fields["target"])
        path = fields["image_path"].removeprefix("./")
        candidates = [base + path for base in bases] + ([] if folder else [path.removeprefix(f"{generator}/")])
        name = next((candidate for candidate in candidates if candidate in paths), None)
        pool = generator if label else SHARED_POOL
        yield ImageRow(name, label, pool, content=fields["category"], source=name) if name else None


def _label(tree: Tree, folder: str, line: int, target: str) -> int:
    try:
        return int(int(target) != 0)
    except ValueError:
        what = f"column target is {target!r}, not a whole number; write 0 for real, another number for generated"
        csv_lines.refuse(tree, _table(folder), line, what)
