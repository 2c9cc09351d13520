"""Tables that hold images: Parquet files, and Arrow files as the `datasets` library saves them.

Tables are opened anew for each use, so thousands of them need no more open files than one. Images are read by row group
and the last groups are kept, as neighbouring rows are asked for one after the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import accumulate
from threading import RLock
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bench.images.files.tree import Tree
from bench.platform.errors import InputError

KEPT = 2**29  # bytes of tables that are kept in memory


class RowGroupCache:
    """What was read last of tables, at most `KEPT` bytes or one group of rows. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = RLock()  # reading a group of rows asks for the footer of its file
        self._found: OrderedDict[tuple[object, ...], tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[object, ...], load: Callable[[], tuple[Any, int]]) -> Any:  # noqa: ANN401 - tables, columns
        """What `load` gives, or gave not long ago; it gives the size in bytes too."""
        with self._lock:
            if key not in self._found:
                self._found[key] = found = load()
                self._bytes += found[1]
                while len(self._found) > 1 and self._bytes > KEPT:
                    _, (_, size) = self._found.popitem(last=False)
                    self._bytes -= size
            self._found.move_to_end(key)
            return self._found[key][0]


class Table(ABC):
    """One table file of a tree.

    Attributes:
        where: What messages call it.
        schema: Its columns.
        starts: First row of each group, and the number of rows at the end.
    """

    schema: Any
    starts: list[int]

    def __init__(self, tree: Tree, name: str, recent: RowGroupCache) -> None:
        self.where = f"{tree.where}/{name}"
        self._tree = tree
        self._name = name
        self._recent = recent

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.starts[-1]

    @abstractmethod
    def values(self, column: str) -> list[Any]:
        """One value per row of a column that holds no images."""

    @abstractmethod
    def paths(self, column: str) -> list[str | None]:
        """The path that each row of an image column gives, for its suffix."""

    @abstractmethod
    def present(self, column: str) -> list[bool]:
        """Whether each row of an image column holds bytes."""

    @abstractmethod
    def image(self, column: str, row: int) -> bytes | None:
        """The bytes of one image."""

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """Say which table it was that could not be read."""
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            msg = f"{self.where} cannot be read as a table ({reason}); replace it or take it away"
            raise InputError(msg) from error


class ParquetTable(Table):
    """A Parquet file, read by row groups and by columns."""

    def __init__(self, tree: Tree, name: str, recent: RowGroupCache) -> None:
        super().__init__(tree, name, recent)
        with self._opened() as opened:
            self.schema = opened.schema_arrow
            sizes = (opened.metadata.row_group(group).num_rows for group in range(opened.num_row_groups))
            self.starts = list(accumulate(sizes, initial=0))

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """The file, open. Its footer is kept while its rows are being read: in a large file it takes long to read."""
        with self._reading(), self._tree.open(self._name) as file:
            footer = self._recent.get((self.where, "footer"), lambda: _footer(file))
            with pq.ParquetFile(file, metadata=footer) as opened:
                yield opened

    def values(self, column: str) -> list[Any]:
        """Read this column alone."""
        with self._opened() as opened:
            return _listed(opened.read(columns=[column])[column])

    def paths(self, column: str) -> list[str | None]:
        """Read the paths without the bytes beside them."""
        if not _has_path(self.schema.field(column).type):
            return [None] * self.rows
        with self._opened() as opened:
            return _listed(pc.struct_field(opened.read(columns=[f"{column}.path"])[column], "path"))

    def present(self, column: str) -> list[bool]:
        """By each group's count of nulls where it states one that decides; the bytes are read where it does not."""
        leaf = f"{column}.bytes" if pa.types.is_struct(self.schema.field(column).type) else column
        found: list[bool] = []
        with self._opened() as opened:
            for group in range(opened.num_row_groups):
                facts = opened.metadata.row_group(group)
                chunks = map(facts.column, range(facts.num_columns))
                stated = next(one.statistics for one in chunks if one.path_in_schema == leaf)
                nulls = stated.null_count if stated is not None and stated.has_null_count else None
                if nulls in (0, facts.num_rows):
                    found += [nulls == 0] * facts.num_rows
                else:
                    images = image_bytes(opened.read_row_group(group, columns=[leaf])[column])
                    found += images.is_valid().to_pylist()
        return found

    def image(self, column: str, row: int) -> bytes | None:
        """Through the row's group, of which the image column alone is read."""
        group = bisect_right(self.starts, row) - 1
        images = self._recent.get((self.where, group, column), lambda: self._group(column, group))
        data: bytes | None = images[row - self.starts[group]].as_py()
        return data

    def _group(self, column: str, group: int) -> tuple[Any, int]:
        leaf = f"{column}.bytes" if pa.types.is_struct(self.schema.field(column).type) else column
        with self._opened() as opened:
            images = image_bytes(opened.read_row_group(group, columns=[leaf])[column])
            return images, images.nbytes


def _footer(file: BinaryIO) -> tuple[Any, int]:
    footer = pq.read_metadata(file)
    return footer, footer.serialized_size


class ArrowTable(Table):
    """An Arrow file, mapped into memory where it lies on a local disk, else fetched whole."""

    def __init__(self, tree: Tree, name: str, recent: RowGroupCache) -> None:
        super().__init__(tree, name, recent)
        table = self._whole()
        self.schema = table.schema
        self.starts = [0, table.num_rows]

    def _whole(self) -> Any:  # noqa: ANN401 - pyarrow has no types
        return self._recent.get((self.where,), self._load)

    def _load(self) -> tuple[Any, int]:
        with self._reading():
            path = self._tree.path(self._name)
            if path is None:
                with self._tree.open(self._name) as file:
                    source = pa.BufferReader(file.read())
            else:
                source = pa.memory_map(str(path))
            with source:
                is_file = source.read_at(6, 0) == b"ARROW1"
                table = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(source).read_all()
                return table, table.nbytes

    def values(self, column: str) -> list[Any]:
        """From the table in memory."""
        return _listed(self._whole()[column])

    def paths(self, column: str) -> list[str | None]:
        """From the table in memory; the bytes beside them are not touched."""
        if not _has_path(self.schema.field(column).type):
            return [None] * self.rows
        return _listed(pc.struct_field(self._whole()[column], "path"))

    def present(self, column: str) -> list[bool]:
        """From the table's bitmaps."""
        return _listed(image_bytes(self._whole()[column]).is_valid())

    def image(self, column: str, row: int) -> bytes | None:
        """Copied out of the table."""
        data: bytes | None = image_bytes(self._whole()[column].slice(row, 1))[0].as_py()
        return data


def _listed(column: Any) -> list[Any]:  # noqa: ANN401 - pyarrow has no types
    values: list[Any] = column.to_pylist()
    return values


def image_bytes(column: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The bytes of an image column: itself, or the field of its structs."""
    return pc.struct_field(column, "bytes") if pa.types.is_struct(column.type) else column


def _is_binary(kind: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _fields(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - pyarrow has no types
    return {field.name: field.type for field in kind} if pa.types.is_struct(kind) else {}


def _has_path(kind: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    return "path" in _fields(kind)


def image_columns(schema: Any) -> list[str]:  # noqa: ANN401 - pyarrow has no types
    """Columns that may hold images: bytes, or structs with bytes."""
    return [
        field.name
        for field in schema
        if _is_binary(field.type) or _is_binary(_fields(field.type).get("bytes", pa.null()))
    ]
