"""Images in the rows of tables, as files of an image set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import PurePosixPath

from bench.images.files.tables import ArrowTable, ParquetTable, RowGroupCache, Table
from bench.images.files.tree import IMAGE_SUFFIXES, FileStamp, Tree
from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json

IMAGE_TABLE_SUFFIXES = (".arrow", ".parquet")
STATE_FILE = "state.json"  # names the Arrow files of a folder that `save_to_disk` wrote; others there are caches
MIN_DIGITS = 6  # of a row's number in its name


class TableImages:
    """The images of tables as files, named `<table>/<row>.<suffix>` or `<table>/<row>.<tag>.<suffix>`.

    Names that are of no table are read from the tree that the tables are in. Safe for several threads.

    Attributes:
        where: As the tree's.
        identity: As the tree's, and the layout.
    """

    def __init__(self, tree: Tree, layout: str) -> None:
        self.where = tree.where
        self.identity = f"{tree.identity}|{layout}"
        self._tree = tree
        self._cache = RowGroupCache()
        self._tables: dict[str, tuple[Table, Mapping[str, str]]] = {}

    def open(self, name: str) -> Table:
        """One table. Raises `InputError`."""
        return open_table(self._tree, name, self._cache)

    def add(self, name: str, table: Table, columns: Mapping[str, str]) -> dict[str, list[str | None]]:
        """Add the images of a table.

        Args:
            name: Of the table in the tree.
            table: The table, as `open` gives it.
            columns: Its image columns by tag; the tag "" for a single column.

        Returns:
            By tag, the names of the images in the order of the rows; None where a row holds no bytes.
        """
        self._tables[name] = table, columns
        digits = max(MIN_DIGITS, len(str(table.rows)))
        names = {}
        for tag, column in columns.items():
            middle = f".{tag}" if tag else ""
            cells = zip(table.paths(column), table.has_bytes(column), strict=True)
            names[tag] = [
                f"{name}/{row:0{digits}d}{middle}{_suffix(path)}" if has_bytes else None
                for row, (path, has_bytes) in enumerate(cells)
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

    def stamp(self, name: str) -> FileStamp:
        """The stamp of the table that a row is in. Raises `OSError`."""
        folder = name.rpartition("/")[0]
        return self._tree.stamp(folder if folder in self._tables else name)


def _suffix(path: str | None) -> str:
    suffix = PurePosixPath(path or "").suffix.lower()
    return suffix if suffix in IMAGE_SUFFIXES else ".img"


def open_table(tree: Tree, name: str, cache: RowGroupCache) -> Table:
    """One table, by its suffix. Raises `InputError`."""
    kind = ParquetTable if name.lower().endswith(".parquet") else ArrowTable
    table = kind(tree, name, cache)
    if twice := [column for column, count in Counter(table.schema.names).items() if count > 1]:
        msg = f"{table.where} has the column {twice[0]} twice; keep one of the two, or take the table away"
        raise InputError(msg)
    return table


def table_files(tree: Tree) -> list[str]:
    """Names of the tables of a tree, without the caches beside saved ones.

    Raises:
        InputError: A file that a `state.json` lists is not there.
    """
    data = set(tree.listing.data)
    saved = {name.rpartition("/")[0]: _saved_tables(tree, name) for name in data if _is_state_file(name)}
    for folder, names in saved.items():
        for name in names or ():
            if name not in data:
                msg = f"{tree.where}: {folder or 'the top'} lists {name}, which is not there; fetch the data again"
                raise InputError(msg)
    tables = (name for name in tree.listing.data if name.lower().endswith(IMAGE_TABLE_SUFFIXES))
    return [name for name in tables if name in (saved.get(name.rpartition("/")[0]) or (name,))]


def _is_state_file(name: str) -> bool:
    return PurePosixPath(name).name == STATE_FILE


def _saved_tables(tree: Tree, name: str) -> list[str] | None:
    """The tables that a `state.json` lists; None where it is another tool's."""
    folder = name.rpartition("/")[0]
    try:
        files = parse_json(tree.read_text(name))["_data_files"]
        return [f"{folder}/{file['filename']}".lstrip("/") for file in files]
    except (ValueError, KeyError, TypeError):
        return None
