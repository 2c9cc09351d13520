"""Accuracies of the cells that a run has recorded so far, every file of scores read once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from bench.platform.errors import InputError
from bench.records import columns
from bench.records.score_table import NATIVE
from bench.records.store import DIAGNOSTICS, SCORES
from bench.records.whole_files import require_whole

FileState = tuple[int, int]  # bytes, and nanoseconds of the last change


def file_state(path: Path) -> FileState | None:
    """What changes when a file does; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


class CellAccuracies:
    """The accuracies of recorded cells in a result folder, in [0, 1], by key.

    An accuracy is at the native threshold, both classes counting alike where there are both.

    Attributes:
        version: Rises with every file that comes, changes or goes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[Path, tuple[FileState, dict[str, float]]] = {}
        self._named: dict[str, float] = {}  # of cells that ask for generators
        self.version = 0

    def read(self) -> dict[str, float]:
        """The accuracies now; files that are being replaced are read the next time."""
        present = {path: state for path in self._score_files() if (state := file_state(path))}
        for path in self._files.keys() - present.keys():
            del self._files[path]
            self.version += 1
        for path, state in present.items():
            if path not in self._files or self._files[path][0] != state:
                try:
                    self._files[path] = state, _accuracies(require_whole(self._folder, path))
                except (OSError, ValueError, KeyError, InputError):  # pyarrow's own errors are of the first kinds
                    continue
                self.version += 1
        return {key: accuracy for _, found in self._files.values() for key, accuracy in found.items()}

    def of_named_generators(self, key: str) -> float:
        """The accuracy of a cell whose task is to name the generator; NaN where that is not written."""
        if key not in self._named:
            path = self._folder / DIAGNOSTICS / f"{key}.parquet"
            try:
                require_whole(self._folder, path)
                table = pd.read_parquet(path, columns=[columns.GENERATOR, columns.PREDICTED])
            except (OSError, ValueError, KeyError, InputError):
                return float("nan")
            right = table[columns.GENERATOR] == table[columns.PREDICTED]
            self._named[key] = float(right.groupby(table[columns.GENERATOR] != "").mean().mean())
        return self._named[key]

    def _score_files(self) -> list[Path]:
        return sorted((self._folder / SCORES).glob("*.parquet"))


def _accuracies(path: Path) -> dict[str, float]:
    with pq.ParquetFile(path) as file:
        table = file.read(columns=[columns.KEY, columns.LABEL, columns.SCORE]).to_pandas()
    return dict(_by_cell(table))


def _by_cell(table: pd.DataFrame) -> Iterator[tuple[str, float]]:
    correct = (table[columns.SCORE] > np.float64(NATIVE.value)) == (table[columns.LABEL] == 1)
    by_class = correct.groupby([table[columns.KEY], table[columns.LABEL]], observed=True).mean()
    for key, accuracy in by_class.groupby(level=0, observed=True).mean().items():
        yield str(key), float(accuracy)
