"""Images in the rows of tables, as files of an image set; and real images that a user hangs in beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath

from bench.images.files.tables import ArrowTable, ParquetTable, RowGroupCache, Table
from bench.images.files.tree import IMAGES, FileMark, Tree
from bench.platform.errors import InputError

SUFFIXES = (".arrow", ".parquet")
STATE = "state.json"  # names the Arrow files of a folder that `save_to_disk` wrote; others there are caches
WIDTH = 6  # digits of a row's number in its name, at least


class TableRows:
    """The images of tables as files, named `<table>/<row>.<suffix>` or `<table>/<row>.<tag>.<suffix>`.

    Names that are of no table are read from the tree that the tables lie in. Safe for several threads.

    Attributes:
        where: As the tree's.
        identity: As the tree's, and the layout.
    """

    def __init__(self, tree: Tree, layout: str) -> None:
        self.where = tree.where
        self.identity = f"{tree.identity}|{layout}"
        self._tree = tree
        self._recent = RowGroupCache()
        self._tables: dict[str, tuple[Table, Mapping[str, str]]] = {}

    def open(self, name: str) -> Table:
        """One table. Raises `InputError`."""
        return open_table(self._tree, name, self._recent)

    def add(self, name: str, table: Table, columns: Mapping[str, str]) -> dict[str, list[str | None]]:
        """Read a table's images from these columns by tag, "" for none, from now on.

        Returns:
            By tag, the names of its images in the order of the rows; None where a row holds no bytes.
        """
        self._tables[name] = table, columns
        width = max(WIDTH, len(str(table.rows)))
        names = {}
        for tag, column in columns.items():
            middle = f".{tag}" if tag else ""
            facts = zip(table.paths(column), table.present(column), strict=True)
            names[tag] = [
                f"{name}/{row:0{width}d}{middle}{_suffix(path)}" if present else None
                for row, (path, present) in enumerate(facts)
            ]
        return names

    def read(self, name: str) -> bytes:
        """The bytes of one image. Raises `OSError` or `InputError`."""
        folder, _, last = name.rpartition("/")
        if folder not in self._tables:
            return self._tree.read(name)
        table, columns = self._tables[folder]
        row, *tag, _ = last.split(".")
        data = table.image(columns["".join(tag)], int(row))
        if data is None:
            msg = f"{self.where}/{name} holds no bytes any more; the table was changed"
            raise InputError(msg)
        return data

    def mark(self, name: str) -> FileMark:
        """The mark of the table that a row is in. Raises `OSError`."""
        folder = name.rpartition("/")[0]
        return self._tree.mark(folder if folder in self._tables else name)


def _suffix(path: str | None) -> str:
    suffix = PurePosixPath(path or "").suffix.lower()
    return suffix if suffix in IMAGES else ".img"


def open_table(tree: Tree, name: str, recent: RowGroupCache) -> Table:
    """One table, by its suffix. Raises `InputError`."""
    kind = ParquetTable if name.lower().endswith(".parquet") else ArrowTable
    return kind(tree, name, recent)


def table_files(tree: Tree) -> list[str]:
    """The table files of a tree, without the caches that lie beside saved ones.

    Raises:
        InputError: A file that a `state.json` lists is not there.
    """
    data = set(tree.listing.data)
    states = {name.rpartition("/")[0]: _saved(tree, name) for name in data if PurePosixPath(name).name == STATE}
    for folder, saved in states.items():
        for name in saved or ():
            if name not in data:
                msg = f"{tree.where}: {folder or 'the top'} lists {name}, which is not there; fetch the data again"
                raise InputError(msg)
    found = (name for name in tree.listing.data if name.lower().endswith(SUFFIXES))
    return [name for name in found if name in (states.get(name.rpartition("/")[0]) or (name,))]


def _saved(tree: Tree, name: str) -> list[str] | None:
    """The data files that a `state.json` lists; None where it is another tool's."""
    folder = name.rpartition("/")[0]
    try:
        files = json.loads(tree.text(name))["_data_files"]
        return [f"{folder}/{one['filename']}".lstrip("/") for one in files]
    except (ValueError, KeyError, TypeError):
        return None
