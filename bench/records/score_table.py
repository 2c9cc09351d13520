"""Per-image scores of many cells in little memory.

Cells that are tested on the same images share one `TestImages`; a cell holds nothing but its numbers. 128,000 cells of
200 images take 0.3 GB so, where one row per score takes 4 GB.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from bench.records import columns

Numbers = NDArray[np.float32]
BLOCK_SIZE = 400_000  # scores of a block: some MB in each array that is computed from them
_TEXTS = (columns.KEY, columns.NAME, columns.SOURCE)
_NUMBERS = {columns.LABEL: np.int8, columns.SCORE: np.float32, columns.LOG_ODDS: np.float32}


@dataclass(frozen=True, eq=False)
class TestImages:
    """The images of test sets that hold the same ones, by name.

    Attributes:
        names: Strings (N,), in ascending order.
        sources: Strings (N,), shared by images that are not independent.
        labels: Int8 (N,), 0 real, 1 generated.
    """

    __test__ = False  # no class of tests

    names: NDArray[np.object_]
    sources: NDArray[np.object_]
    labels: NDArray[np.int8]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.names)


@dataclass(frozen=True, slots=True)
class Threshold:
    """What is above it is called generated.

    Attributes:
        value: A score, or log odds.
        of_log_odds: Which of the two.
    """

    value: float
    of_log_odds: bool = False


NATIVE = Threshold(0.5)


@dataclass(frozen=True, slots=True)
class CellScores:
    """The scores of one cell.

    Attributes:
        images: Its images.
        scores: Float32 (N,), as a detector gave them.
        log_odds: Float32 (N,), NaN where it gave none; None where it gave none at all.
        threshold: That of its decisions.
    """

    images: TestImages
    scores: Numbers
    log_odds: Numbers | None
    threshold: Threshold = NATIVE

    @property
    def called(self) -> NDArray[np.bool_]:
        """Bools (N,), whether each image is called generated; one of exactly the threshold is called real."""
        values = _log_odds(self) if self.threshold.of_log_odds else self.scores
        called: NDArray[np.bool_] = values > np.float64(self.threshold.value)
        return called


@dataclass(frozen=True, slots=True)
class ScoreBlock:
    """Cells that are tested on the same images.

    Attributes:
        keys: Of the K cells.
        images: Their images, N.
        scores: Float32 (K, N).
        log_odds: Float32 (K, N), NaN where there is none.
        called: Bools (K, N), whether an image is called generated at the threshold of its cell.
    """

    keys: tuple[str, ...]
    images: TestImages
    scores: Numbers
    log_odds: Numbers
    called: NDArray[np.bool_]


class ScoreTable:
    """Per-image scores by cell. A cell that is given twice keeps its first scores."""

    def __init__(self, cells: Mapping[str, CellScores]) -> None:
        """Hold the scores of these cells, by key."""
        self._cells = dict(cells)

    @classmethod
    def from_frame(cls, rows: pd.DataFrame) -> ScoreTable:
        """The scores of a frame with one row per image and cell, columns `columns.SCORES`, in any order."""
        return cls.from_arrow([pa.Table.from_pandas(rows[list(columns.SCORES)], preserve_index=False)])

    @classmethod
    def from_arrow(cls, tables: Iterable[pa.Table]) -> ScoreTable:
        """The scores of tables with one row per image and cell, columns `columns.SCORES`, in any order.

        A cell stands in one table as a whole; an image that stands twice in a cell counts once.
        """
        collector = _Collector()
        for table in tables:
            if len(table):
                collector.add(table)
        return cls(collector.cells)

    @classmethod
    def joined(cls, tables: Iterable[ScoreTable]) -> ScoreTable:
        """The scores of all cells of some tables."""
        known: dict[tuple[bytes, ...], TestImages] = {}
        cells: dict[str, CellScores] = {}
        for table in tables:
            same = {id(one): known.setdefault(_content(one), one) for one in table.test_images()}
            for key, cell in table.items():
                cells.setdefault(key, replace(cell, images=same[id(cell.images)]))
        return cls(cells)

    def __len__(self) -> int:
        """Number of cells."""
        return len(self._cells)

    def __contains__(self, key: object) -> bool:
        """Whether there are scores of a cell."""
        return key in self._cells

    def __getitem__(self, key: str) -> CellScores:
        """The scores of one cell."""
        return self._cells[key]

    def items(self) -> Iterable[tuple[str, CellScores]]:
        """Every cell with its key."""
        return self._cells.items()

    def test_images(self) -> list[TestImages]:
        """The distinct sets of images."""
        return list({id(cell.images): cell.images for cell in self._cells.values()}.values())

    def only(self, keys: Iterable[str]) -> ScoreTable:
        """The scores of those of these cells that have any, in their order."""
        return ScoreTable({key: self._cells[key] for key in keys if key in self._cells})

    def blocks(self, keys: Iterable[str]) -> Iterator[ScoreBlock]:
        """The scores of these cells, each of which has some, in blocks that share their images."""
        by_images: dict[int, list[str]] = {}
        for key in keys:
            by_images.setdefault(id(self._cells[key].images), []).append(key)
        for together in by_images.values():
            images = self._cells[together[0]].images
            size = max(1, BLOCK_SIZE // len(images))
            for start in range(0, len(together), size):
                yield self._block(together[start : start + size], images)

    def _block(self, keys: Sequence[str], images: TestImages) -> ScoreBlock:
        cells = [self._cells[key] for key in keys]
        missing = np.full(len(images), np.nan, np.float32)
        log_odds = np.stack([missing if cell.log_odds is None else cell.log_odds for cell in cells])
        scores = np.stack([cell.scores for cell in cells])
        native = all(cell.threshold is NATIVE for cell in cells)
        called = scores > NATIVE.value if native else np.stack([cell.called for cell in cells])
        return ScoreBlock(tuple(keys), images, scores, log_odds, called)

    def frame(self) -> pd.DataFrame:
        """One row per cell and image, columns `columns.SCORES`: cells in their order, images by name."""
        cells = self._cells.values()
        sizes = [len(cell.images) for cell in cells]
        whole: dict[str, Any] = {
            columns.KEY: np.repeat(np.array(list(self._cells), object), sizes),
            columns.NAME: _concatenated([cell.images.names for cell in cells], object),
            columns.SOURCE: _concatenated([cell.images.sources for cell in cells], object),
            columns.LABEL: _concatenated([cell.images.labels for cell in cells], np.int8),
            columns.SCORE: _concatenated([cell.scores for cell in cells], np.float32),
            columns.LOG_ODDS: _concatenated([_log_odds(cell) for cell in cells], np.float32),
        }
        return pd.DataFrame(whole).astype(dict.fromkeys(_TEXTS, "str"))


def _log_odds(cell: CellScores) -> Numbers:
    return np.full(len(cell.images), np.nan, np.float32) if cell.log_odds is None else cell.log_odds


def _concatenated(parts: Sequence[NDArray[Any]], dtype: type) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0, dtype)


def _content(images: TestImages) -> tuple[bytes, ...]:
    texts = ("\n".join(values).encode() for values in (images.names, images.sources))
    return (*texts, images.labels.tobytes())


def _starts(codes: NDArray[np.int32]) -> NDArray[np.intp]:
    """Where codes begin that differ from the one before."""
    return np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))


class _Codes:
    """Texts as numbers that are the same from table to table."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}
        self._last = pa.array([], pa.string()), np.empty(0, np.int32)  # a dictionary, and the numbers of its texts

    def of(self, column: pa.ChunkedArray) -> NDArray[np.int32]:
        """The number of each text of a column."""
        encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        whole = encoded.unify_dictionaries().combine_chunks()
        if not whole.dictionary.equals(self._last[0]):  # as files on the same images have it
            numbers = [self._number(text) for text in whole.dictionary.to_pylist()]
            self._last = whole.dictionary, np.array(numbers, np.int32)
        known = self._last[1]
        return known[whole.indices.to_numpy(zero_copy_only=False)] if len(whole) else np.empty(0, np.int32)

    def _number(self, text: str) -> int:
        if text not in self._numbers:
            self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return self._numbers[text]


class _Collector:
    """Cells out of tables of scores, with the images that they share."""

    def __init__(self) -> None:
        self.cells: dict[str, CellScores] = {}
        self._codes = {name: _Codes() for name in _TEXTS}
        self._images: dict[tuple[bytes, ...], TestImages] = {}  # by what defines them
        self._orders: dict[tuple[bytes, ...], tuple[TestImages, NDArray[np.intp] | None]] = {}  # by rows as they stand

    def add(self, table: pa.Table) -> None:
        """Take the cells of a table."""
        codes = [self._codes[name].of(table[name]) for name in _TEXTS]
        numbers = [table[name].to_numpy().astype(dtype, copy=False) for name, dtype in _NUMBERS.items()]
        rows = [*codes, *numbers]
        starts = _starts(codes[0])
        if len(np.unique(codes[0][starts])) < len(starts):  # the rows of a cell do not stand together
            order = np.argsort(codes[0], kind="stable")
            rows = [values[order] for values in rows]
            starts = _starts(rows[0])
        has_odds = np.logical_or.reduceat(~np.isnan(rows[-1]), starts).tolist()
        for (start, stop), any_odds in zip(pairwise([*starts.tolist(), len(table)]), has_odds, strict=True):
            self._add_cell([values[start:stop] for values in rows], has_odds=any_odds)

    def _add_cell(self, rows: Sequence[NDArray[Any]], *, has_odds: bool) -> None:
        """Take one cell: codes of its key, names and sources, labels, scores and log odds, if any, of its rows."""
        keys, names, sources, labels, scores, log_odds = rows
        images, by_name = self._ordered(names, sources, labels)
        if by_name is not None:
            scores, log_odds = scores[by_name], log_odds[by_name]
        cell = CellScores(images, scores, log_odds if has_odds else None)
        self.cells.setdefault(self._codes[columns.KEY].texts[int(keys[0])], cell)

    def _ordered(
        self, names: NDArray[np.int32], sources: NDArray[np.int32], labels: NDArray[np.int8]
    ) -> tuple[TestImages, NDArray[np.intp] | None]:
        """The images of a cell, and which of its rows they are; None for all as they stand."""
        signature = (names.tobytes(), sources.tobytes(), labels.tobytes())
        if signature not in self._orders:
            texts = self._texts(columns.NAME, names)
            order = np.unique(texts.astype(str), return_index=True)[1]  # of an image that stands twice, the first
            found = TestImages(texts[order], self._texts(columns.SOURCE, sources[order]), labels[order])
            content = (names[order].tobytes(), sources[order].tobytes(), labels[order].tobytes())
            as_they_stand = np.array_equal(order, np.arange(len(names)))
            self._orders[signature] = self._images.setdefault(content, found), None if as_they_stand else order
        return self._orders[signature]

    def _texts(self, column: str, codes: NDArray[np.int32]) -> NDArray[np.object_]:
        texts = self._codes[column].texts
        return np.array([texts[code] for code in codes.tolist()], object)
