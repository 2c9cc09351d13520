"""By how much two detectors differ in single cells, and on which decisions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.evaluation.averages import TestSources, cell_intervals
from bench.evaluation.cells import MeasuredCells
from bench.evaluation.comparing.paired_runs import PairedRun
from bench.evaluation.decided_blocks import DecidedBlock, Mask, decided_blocks
from bench.records import columns
from bench.statistics.comparisons import difference_test, source_sign_flip
from bench.statistics.influences import sum_by_source
from bench.statistics.intervals import Compared, Floats, difference_interval
from bench.statistics.ranks import BETTER, SAME, UNRESOLVED, WORSE

LEVEL = 0.05  # of all averages together, and of all cells
FIRST, SECOND, DIFFERENCE, LOW, HIGH = "first", "second", "difference", "low", "high"
P, CORRECTED, VERDICT = "p", "corrected_p", "verdict"


@dataclass(frozen=True, slots=True)
class DecisionChanges:
    """Decisions on which the two differ, an image counting once in each cell.

    Attributes:
        decisions: Number of decisions of each.
        won: Those that the first alone has right.
        lost: Those that the second alone has right.
        images: Number of distinct images on which any decision differs.
        of_images: Number of distinct images.
        p: Two-sided, of McNemar's test by whole sources.
    """

    decisions: int
    won: int
    lost: int
    images: int
    of_images: int
    p: float


def corrected_p(p: Sequence[float] | Floats) -> list[float]:
    """Holm's correction of p for as many tests."""
    from bench.statistics.hypothesis_tests import holm_correction  # SciPy's distributions, which take a second

    return [float(one) for one in holm_correction(np.asarray(p, np.float64))]


def verdict_of(difference: float, p: float) -> str:
    """What is said of the first by a difference first - second and its corrected p."""
    if p > LEVEL or not difference:
        return UNRESOLVED
    return BETTER if difference > 0 else WORSE


def corrected_changes(first: Floats, second: Floats, shares: Floats) -> Floats:
    """What each source adds to differences (..., S), corrected for the source's own part as `compare_pool` does."""
    changes: Floats = (first - second) / np.sqrt(np.maximum(1 - shares, 0.5))
    return changes


def _paired_blocks(paired: PairedRun) -> Iterator[tuple[DecidedBlock, DecidedBlock]]:
    """The decisions of the first and of the second on the same cells: both are in one order and share their images."""
    first, second = paired.masks()
    return zip(decided_blocks(paired.run, first), decided_blocks(paired.run, second), strict=True)


def compare_cells(paired: PairedRun, measured: MeasuredCells) -> tuple[pd.DataFrame, DecisionChanges]:
    """The differences of all cells, and those of decisions.

    Returns:
        One row per cell: its question, seed, images and sources, `FIRST` and `SECOND` in [0, 1], `DIFFERENCE` with the
        ends of its 95% interval `LOW` and `HIGH`, two-sided `P`, `CORRECTED` and `VERDICT`, which `correct_cells`
        corrects; and the changes.
    """
    first, _ = paired.masks()
    names = [*columns.of_question(paired.run.manifest.protocol.axes), columns.SEED]
    table = measured.table.loc[first, [*names, columns.N, columns.N_GENERATED, columns.SOURCES]].copy()
    numbers = {name: np.full(len(measured.table), np.nan) for name in (FIRST, SECOND, DIFFERENCE, LOW, HIGH, P)}
    same = np.zeros(len(measured.table), bool)
    counted = _CountedChanges(np.zeros(measured.sources.count, np.int64), np.zeros(measured.sources.image_count, bool))
    for one, other in _paired_blocks(paired):
        test = measured.sources.of(one.images)
        counted.add(one, other, test)
        for name, values in _cell_numbers(one, other, test).items():
            numbers[name][one.cells] = values
        same[one.cells] = (one.correct == other.correct).all(axis=1)
    for name, values in numbers.items():
        table[name] = values[first]
    table[CORRECTED], table[VERDICT] = table[P], np.where(same[first], SAME, UNRESOLVED)
    return table.reset_index(drop=True), counted.changes()


def _cell_numbers(one: DecidedBlock, other: DecidedBlock, test: TestSources) -> dict[str, Floats]:
    """Both accuracies of each cell, and their difference with its interval and p."""
    rows = [block.measures()[columns.RANKED] for block in (one, other)]
    count, shares = len(test.sources), test.layout.shares
    sums = [sum_by_source(row.influences, test.source, count) for row in rows]
    ends = [cell_intervals(columns.RANKED, row, test) for row in rows]
    sides = [Compared(row.values, *end, own) for row, end, own in zip(rows, ends, sums, strict=True)]
    identical = (one.correct == other.correct).all(axis=1)
    largest = float(test.losses[columns.RANKED].max())
    low, high = difference_interval(sides[0], sides[1], shares, largest, identical)
    differences = np.where(identical, 0.0, rows[0].values - rows[1].values)
    p = difference_test(differences, corrected_changes(sums[0], sums[1], shares).T)
    values = rows[0].values, rows[1].values
    return {FIRST: values[0], SECOND: values[1], DIFFERENCE: differences, LOW: low, HIGH: high, P: p}


@dataclass
class _CountedChanges:
    """Decisions on which two detectors differ, counted while cells come.

    Attributes:
        by_source: Integers (S,), those that the first alone has right less those that the second alone has.
        differing: Bools (images,), on which any decision differs.
        decisions: Number of decisions of each.
        won: Those that the first alone has right.
        lost: Those that the second alone has right.
    """

    by_source: NDArray[np.int64]
    differing: Mask
    decisions: int = 0
    won: int = 0
    lost: int = 0

    def add(self, one: DecidedBlock, other: DecidedBlock, test: TestSources) -> None:
        """Count the decisions of some cells."""
        won, lost = one.correct & ~other.correct, other.correct & ~one.correct
        self.decisions += one.correct.size
        self.won += int(won.sum())
        self.lost += int(lost.sum())
        net = won.sum(axis=0) - lost.sum(axis=0)
        np.add.at(self.by_source, test.sources[test.source], net)
        self.differing[test.images] |= (won | lost).any(axis=0)

    def changes(self) -> DecisionChanges:
        """What was counted."""
        images, of_images = int(self.differing.sum()), len(self.differing)
        p = source_sign_flip(self.by_source)
        return DecisionChanges(self.decisions, self.won, self.lost, images, of_images, p)


def correct_cells(tables: Sequence[pd.DataFrame]) -> int:
    """Correct, in place, p of all cells in which any decision differs, and say how many they are."""
    different = [table[VERDICT].ne(SAME).to_numpy() for table in tables]
    found = [table.loc[own, P].to_numpy() for table, own in zip(tables, different, strict=True)]
    ends = np.cumsum([len(ps) for ps in found])
    corrected = np.split(np.array(corrected_p(np.concatenate(found))), ends)[:-1]
    for table, own, ps in zip(tables, different, corrected, strict=True):
        table.loc[own, CORRECTED] = ps
        table.loc[own, VERDICT] = [verdict_of(*both) for both in zip(table.loc[own, DIFFERENCE], ps, strict=True)]
    return int(ends[-1])
