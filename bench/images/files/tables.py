"""Tables that hold images: Parquet files, and Arrow files as the `datasets` library saves them.

Tables are opened anew for each use, so that thousands of them need no more open files than one. Images are read by row
group, and the last groups are cached, as neighbouring rows are read one after the other.
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

MAX_CACHED_BYTES = 2**29


class RowGroupCache:
    """The parts of tables that were read last, at most `MAX_CACHED_BYTES` or one part. Safe for several threads."""

    def __init__(self) -> None:
        self._lock = RLock()  # loading a group of rows asks for the footer of its file
        self._entries: OrderedDict[tuple[object, ...], tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    def __reduce__(self) -> tuple[type[RowGroupCache], tuple[()]]:
        """Another process reads for itself."""
        return RowGroupCache, ()

    def get(self, key: tuple[object, ...], load: Callable[[], tuple[Any, int]]) -> Any:  # noqa: ANN401 - tables, columns
        """The cached value of a key, or what `load` returns.

        Args:
            key: Of the value.
            load: Returns the value and its size in bytes.
        """
        with self._lock:
            if key not in self._entries:
                self._entries[key] = entry = load()
                self._bytes += entry[1]
                while len(self._entries) > 1 and self._bytes > MAX_CACHED_BYTES:
                    _, (_, size) = self._entries.popitem(last=False)
                    self._bytes -= size
            self._entries.move_to_end(key)
            return self._entries[key][0]


class Table(ABC):
    """One table file of a tree.

    Attributes:
        where: What messages call it.
        schema: Its columns.
        group_starts: First row of each group, and the number of rows at the end.
    """

    schema: Any
    group_starts: list[int]

    def __init__(self, tree: Tree, name: str, cache: RowGroupCache) -> None:
        self.where = f"{tree.where}/{name}"
        self._tree = tree
        self._name = name
        self._cache = cache

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self.group_starts[-1]

    @abstractmethod
    def values(self, column: str) -> list[Any]:
        """One value per row of a column that holds no images."""

    @abstractmethod
    def paths(self, column: str) -> list[str | None]:
        """The path that each row of an image column states, for its suffix."""

    @abstractmethod
    def bytes_by_group(self, column: str) -> Iterator[list[bool]]:
        """Whether each row of an image column holds bytes, group after group; later groups are read when asked for."""

    def has_bytes(self, column: str) -> list[bool]:
        """Whether each row of an image column holds bytes."""
        return [answer for group in self.bytes_by_group(column) for answer in group]

    def holds_bytes(self, column: str) -> bool:
        """Whether any row of an image column holds bytes."""
        return any(map(any, self.bytes_by_group(column)))

    @abstractmethod
    def image(self, column: str, row: int) -> bytes | None:
        """The bytes of one image."""

    @contextmanager
    def _input_errors(self) -> Iterator[None]:
        """Turn errors of reading into an `InputError` that names the table."""
        try:
            yield
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            msg = f"{self.where} cannot be read as a table ({reason}); replace it or take it away"
            raise InputError(msg) from error


class ParquetTable(Table):
    """A Parquet file, read by row groups and by columns."""

    def __init__(self, tree: Tree, name: str, cache: RowGroupCache) -> None:
        super().__init__(tree, name, cache)
        with self._open() as opened:
            self.schema = opened.schema_arrow
            sizes = (opened.metadata.row_group(group).num_rows for group in range(opened.num_row_groups))
            self.group_starts = list(accumulate(sizes, initial=0))

    @contextmanager
    def _open(self) -> Iterator[Any]:
        """The open file, with its footer from the cache: that of a large file takes long to read."""
        with self._input_errors(), self._tree.open(self._name) as file:
            footer = self._cache.get((self.where, "footer"), lambda: _footer(file))
            with pq.ParquetFile(file, metadata=footer) as opened:
                yield opened

    def values(self, column: str) -> list[Any]:
        """Read this column alone."""
        with self._open() as opened:
            return _to_list(opened.read(columns=[column])[column])

    def paths(self, column: str) -> list[str | None]:
        """Read the paths without the bytes beside them."""
        if not _has_path(self.schema.field(column).type):
            return [None] * self.rows
        with self._open() as opened:
            return _to_list(pc.struct_field(opened.read(columns=[f"{column}.path"])[column], "path"))

    def bytes_by_group(self, column: str) -> Iterator[list[bool]]:
        """By each group's count of nulls where it states one that decides; the bytes are read where it does not."""
        leaf = self._bytes_column(column)
        with self._open() as opened:
            for group in range(opened.num_row_groups):
                metadata = opened.metadata.row_group(group)
                nulls = _null_count(metadata, leaf)
                if nulls in (0, metadata.num_rows):
                    yield [nulls == 0] * metadata.num_rows
                else:
                    images = _image_bytes(opened.read_row_group(group, columns=[leaf])[column])
                    yield _to_list(images.is_valid())

    def image(self, column: str, row: int) -> bytes | None:
        """Through the row's group, of which the image column alone is read."""
        group = bisect_right(self.group_starts, row) - 1
        images = self._cache.get((self.where, group, column), lambda: self._images(column, group))
        data: bytes | None = images[row - self.group_starts[group]].as_py()
        return data

    def _images(self, column: str, group: int) -> tuple[Any, int]:
        """The images of one group of rows, and their size in bytes."""
        with self._open() as opened:
            images = _image_bytes(opened.read_row_group(group, columns=[self._bytes_column(column)])[column])
            return images, images.nbytes

    def _bytes_column(self, column: str) -> str:
        """The path of the bytes of an image column, as Parquet names it."""
        return f"{column}.bytes" if pa.types.is_struct(self.schema.field(column).type) else column


def _null_count(metadata: Any, leaf: str) -> int | None:  # noqa: ANN401 - pyarrow has no types
    """The number of nulls that a row group states for a column; None where it states none."""
    chunks = map(metadata.column, range(metadata.num_columns))
    statistics = next(chunk.statistics for chunk in chunks if chunk.path_in_schema == leaf)
    if statistics is None or not statistics.has_null_count:
        return None
    return int(statistics.null_count)


def _footer(file: BinaryIO) -> tuple[Any, int]:
    footer = pq.read_metadata(file)
    return footer, footer.serialized_size


class ArrowTable(Table):
    """An Arrow file, mapped into memory where it is on a local disk, else fetched whole."""

    def __init__(self, tree: Tree, name: str, cache: RowGroupCache) -> None:
        super().__init__(tree, name, cache)
        table = self._table()
        self.schema = table.schema
        self.group_starts = [0, table.num_rows]

    def _table(self) -> Any:  # noqa: ANN401 - pyarrow has no types
        return self._cache.get((self.where,), self._load)

    def _load(self) -> tuple[Any, int]:
        """The table, and its size in bytes."""
        with self._input_errors():
            path = self._tree.local_path(self._name)
            if path is None:
                with self._tree.open(self._name) as file:
                    source = pa.BufferReader(file.read())
            else:
                source = pa.memory_map(path)
            with source:
                is_file = source.read_at(6, 0) == b"ARROW1"
                table = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(source).read_all()
                return table, table.nbytes

    def values(self, column: str) -> list[Any]:
        """From the table in memory."""
        return _to_list(self._table()[column])

    def paths(self, column: str) -> list[str | None]:
        """From the table in memory, without touching the bytes beside them."""
        if not _has_path(self.schema.field(column).type):
            return [None] * self.rows
        return _to_list(pc.struct_field(self._table()[column], "path"))

    def bytes_by_group(self, column: str) -> Iterator[list[bool]]:
        """From the table's bitmaps, all rows at once."""
        yield _to_list(_image_bytes(self._table()[column]).is_valid())

    def image(self, column: str, row: int) -> bytes | None:
        """Copied out of the table."""
        data: bytes | None = _image_bytes(self._table()[column].slice(row, 1))[0].as_py()
        return data


def _to_list(column: Any) -> list[Any]:  # noqa: ANN401 - pyarrow has no types
    values: list[Any] = column.to_pylist()
    return values


def _image_bytes(column: Any) -> Any:  # noqa: ANN401 - pyarrow has no types
    """The bytes of an image column: itself, or the field of its structs."""
    return pc.struct_field(column, "bytes") if pa.types.is_struct(column.type) else column


def _is_binary(kind: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def _fields(kind: Any) -> dict[str, Any]:  # noqa: ANN401 - pyarrow has no types
    """Name to type of the fields of a struct; none for another type."""
    return {field.name: field.type for field in kind} if pa.types.is_struct(kind) else {}


def _has_path(kind: Any) -> bool:  # noqa: ANN401 - pyarrow has no types
    return "path" in _fields(kind)


def image_columns(schema: Any) -> list[str]:  # noqa: ANN401 - pyarrow has no types
    """Names of the columns that may hold images: bytes, or structs with bytes."""
    return [
        field.name
        for field in schema
        if _is_binary(field.type) or _is_binary(_fields(field.type).get("bytes", pa.null()))
    ]
