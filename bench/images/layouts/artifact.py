"""ArtiFact: `<generator or source>/metadata.csv`, which says of each image where it lies and whether it is real.

ArtiFact (Rahman et al., ICIP 2023, arXiv 2302.11970). A target of 0 is real; any other number is generated, by the
generator that the folder is named after. One folder may hold both, as `cycle_gan` does. The real images of all sources
stand against every generator.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import ClassVar

from bench.images.files.mounting import is_mounted
from bench.images.files.tree import Tree
from bench.images.layouts import csv_lines
from bench.images.layouts.api import SHARED, Claim, DataSetContents, ImageRow, Layout

TABLE = "metadata.csv"
COLUMNS = ("image_path", "target", "category")


class ArtifactLayout(Layout):
    """ArtiFact and what is described like it."""

    name: ClassVar[str] = "artifact"
    shape: ClassVar[str] = f"<generator>/{TABLE} with the columns {', '.join(COLUMNS)}"

    def claim(self, tree: Tree) -> Claim:
        """The folders that have a table, if the first table looks like one of ArtiFact's."""
        described = _described(tree)
        if not described or not {"image_path", "target"} & set(csv_lines.header(tree, _table(described[0]))):
            return "none"
        known = {*described, SHARED}
        read = sum(any(above in known for above in _upwards(folder)) for folder in tree.listing.images)
        if not read:
            return "none"
        return "all" if read == len(tree.listing.images) else "some"

    def read(self, tree: Tree) -> DataSetContents:
        """Read what the tables list. Raises `InputError` for a table that is not in order."""
        images = tree.listing.images
        there = {f"{folder}/{name}" if folder else name for folder, names in images.items() for name in names}
        described = _described(tree)
        rows: list[ImageRow] = []
        missing = 0
        for folder in described:
            for row in _rows(tree, folder, there):
                if row is None:
                    missing += 1
                else:
                    rows.append(row)
        if SHARED not in described:  # real images that the user added
            real = [folder for folder in images if is_mounted(folder)]
            rows += [_real(f"{folder}/{name}") for folder in real for name in images[folder]]
        return DataSetContents(rows, missing={f"images that {TABLE} lists": missing} if missing else {})


def _described(tree: Tree) -> list[str]:
    """The folders that have a table, "" for the top."""
    return [name.rpartition("/")[0] for name in tree.listing.data if name.rpartition("/")[2] == TABLE]


def _table(folder: str) -> str:
    return f"{folder}/{TABLE}" if folder else TABLE


def _upwards(folder: str) -> list[str]:
    """A folder and all above it, the top, "", first."""
    parts = folder.split("/")
    return ["/".join(parts[:depth]) for depth in range(len(parts) + 1)]


def _real(path: str) -> ImageRow:
    return ImageRow(path, 0, SHARED, source=path)


def _rows(tree: Tree, folder: str, there: Collection[str]) -> Iterator[ImageRow | None]:
    """Every image of one table; None for one that the tree does not hold.

    Its paths begin in the folder of the table or in the one above, which a tree of this folder alone does not hold.
    """
    above, _, last = folder.rpartition("/")
    generator = last or tree.title
    bases = [f"{base}/" if base else "" for base in dict.fromkeys((folder, above))]
    for line, fields in csv_lines.rows(tree, _table(folder), COLUMNS):
        label = _label(tree, folder, line, fields["target"])
        path = fields["image_path"].removeprefix("./")
        paths = [base + path for base in bases] + ([] if folder else [path.removeprefix(f"{generator}/")])
        found = next((one for one in paths if one in there), None)
        pool = generator if label else SHARED
        yield ImageRow(found, label, pool, content=fields["category"], source=found) if found else None


def _label(tree: Tree, folder: str, line: int, target: str) -> int:
    try:
        return int(int(target) != 0)
    except ValueError:
        what = f"column target is {target!r}, not a whole number; write 0 for real, another number for generated"
        csv_lines.refuse(tree, _table(folder), line, what)
