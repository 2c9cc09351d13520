"""A run in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import pandas as pd

from bench.records import columns
from bench.records.manifest import Manifest
from bench.records.score_table import ScoreTable


def _no_diagnostics() -> pd.DataFrame:
    return pd.DataFrame(columns=[columns.KEY, columns.NAME])


@dataclass(frozen=True)
class ValidationScores:
    """The validation scores of a run.

    Attributes:
        cells: One row per cell that has some, columns `columns.VALIDATION`.
        scores: One row per image and `columns.VALIDATION_KEY`, which is their `columns.KEY`; columns `columns.SCORES`.
    """

    cells: pd.DataFrame
    scores: pd.DataFrame

    def of_cell(self, key: str) -> pd.DataFrame:
        """The validation scores behind a cell, by its key; none where it has none."""
        own = self.cells.loc[self.cells[columns.KEY].eq(key), columns.VALIDATION_KEY]
        return self.scores[self.scores[columns.KEY].isin(own)]


NO_VALIDATION = ValidationScores(
    pd.DataFrame(columns=list(columns.VALIDATION)), pd.DataFrame(columns=list(columns.SCORES))
)


@dataclass(frozen=True)
class Run:
    """A run as it was stored.

    Attributes:
        manifest: Protocol, data, detectors and device.
        cells: One row per planned cell in planned order, columns `columns.CELLS` and the axes of the protocol's own;
            the status is that of an `Outcome`, and the reason is empty for a scored one only.
        score_table: The scores of every scored cell, by its key.
        throughput: One row per timed detector, columns `columns.THROUGHPUT`; milliseconds are per image.
        diagnostics: One row per image of a cell whose detector gives more than a score: `columns.KEY`, `columns.NAME`
            and a column per diagnostic, missing where the detector of the cell does not give it.
        validation: Scores of what was held out of the train sets.
    """

    manifest: Manifest
    cells: pd.DataFrame
    score_table: ScoreTable
    throughput: pd.DataFrame
    diagnostics: pd.DataFrame = field(default_factory=_no_diagnostics)
    validation: ValidationScores = NO_VALIDATION

    @cached_property
    def scores(self) -> pd.DataFrame:
        """`score_table` with one row per image and cell, columns `columns.SCORES`."""
        return self.score_table.frame()
