"""By how much two detectors differ in single cells, and on which decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.evaluation.averages import Average, TestSources
from bench.evaluation.cells import MeasuredCells
from bench.evaluation.comparing.paired_runs import PairedRun
from bench.evaluation.decided_blocks import DecidedBlock, Mask, decided_blocks
from bench.evaluation.pairwise.image_tests import Trainings, image_tests
from bench.records import columns
from bench.statistics.comparisons import source_sign_flip
from bench.statistics.hypothesis_tests import holm_correction
from bench.statistics.intervals import Floats
from bench.statistics.ranks import BETTER, SAME, UNRESOLVED, WORSE

LEVEL = 0.05  # of all averages together, and of all cells
FIRST, SECOND, DIFFERENCE, LOW, HIGH = "first", "second", "difference", "low", "high"
P, CORRECTED, VERDICT = "p", "corrected_p", "verdict"
SEEDS = "seeds"  # number of trainings of each detector


@dataclass(frozen=True, slots=True)
class DecisionChanges:
    """Decisions on which the two differ, an image counting once in each cell.

    Attributes:
        decisions: Number of decisions of each.
        won: Those that the first alone has right.
        lost: Those that the second alone has right.
        images: Number of distinct images on which any decision differs.
        of_images: Number of distinct images.
        p: Two-sided, of McNemar's test by whole sources; it speaks of these trainings, whatever others would do.
    """

    decisions: int
    won: int
    lost: int
    images: int
    of_images: int
    p: float


def corrected_p(p: Sequence[float] | Floats) -> list[float]:
    """Holm's correction of p for as many tests."""
    return [float(one) for one in holm_correction(np.asarray(p, np.float64))]


def verdict_of(difference: float, p: float) -> str:
    """What is said of the first by a difference first - second and its corrected p."""
    if p > LEVEL or not difference:
        return UNRESOLVED
    return BETTER if difference > 0 else WORSE


def compare_cells(paired: PairedRun, measured: MeasuredCells) -> tuple[pd.DataFrame, DecisionChanges]:
    """The differences of all cells, each a mean over its trainings, and those of decisions.

    Returns:
        One row per question: its axes, `SEEDS`, images and sources, `FIRST` and `SECOND` in [0, 1], `DIFFERENCE` with
        the ends of its 95% interval `LOW` and `HIGH` over images and trainings, two-sided `P`, `CORRECTED` and
        `VERDICT`, which `correct_cells` corrects; and the changes.
    """
    table, (first, second) = measured.table, paired.masks()
    counted = _CountedChanges.of(paired, measured)
    question = list(columns.of_question(paired.run.manifest.protocol.axes))
    asked = table.groupby(question, sort=False, dropna=False).ngroup().to_numpy()
    rows = []
    for place in pd.unique(asked):
        masks = {side: own & (asked == place) for side, own in ((FIRST, first), (SECOND, second))}
        averages = list(measured.averages_over(masks).values())
        own = table[asked == place]
        trainings = Trainings.of(own, paired.titles, columns.RANKED, paired=paired.one_method)
        where = {name: own[name].iloc[0] for name in [*question, columns.N, columns.N_GENERATED, columns.SOURCES]}
        alike = not counted.different[masks[FIRST]].any()
        rows.append({**where, SEEDS: len(own) // 2, **_numbers(averages, trainings, alike=alike)})
    return pd.DataFrame(rows), counted.changes()


def _numbers(averages: Sequence[Average], trainings: Trainings, *, alike: bool) -> dict[str, float | str]:
    """Both accuracies of a cell, and their difference with its interval and p."""
    first, second = (one.value for one in averages)
    same = np.array([[True, alike], [alike, True]])
    influences = np.stack([one.influences for one in averages])
    tests = image_tests(averages, np.array([first, second]), influences, trainings, same)
    low, high, p = (float(one[0, 1]) for one in (tests.low, tests.high, tests.p))
    ends: dict[str, float | str] = {LOW: low, HIGH: high, P: p, CORRECTED: p}
    return {FIRST: first, SECOND: second, DIFFERENCE: first - second, **ends, VERDICT: SAME if alike else UNRESOLVED}


@dataclass
class _CountedChanges:
    """Decisions on which two detectors differ.

    Attributes:
        by_source: Integers (S,), those that the first alone has right less those that the second alone has.
        images: Bools (images,), on which any decision differs.
        different: Bools (cells,), cells of the first in which any decision differs.
        decisions: Number of decisions of each.
        won: Those that the first alone has right.
        lost: Those that the second alone has right.
    """

    by_source: NDArray[np.int64]
    images: Mask
    different: Mask
    decisions: int = 0
    won: int = 0
    lost: int = 0

    @classmethod
    def of(cls, paired: PairedRun, measured: MeasuredCells) -> _CountedChanges:
        """Those of a run of two: the cells of both are in one order and share their images."""
        sources, cells = measured.sources, len(measured.table)
        counted = cls(np.zeros(sources.count, np.int64), np.zeros(sources.image_count, bool), np.zeros(cells, bool))
        blocks = [decided_blocks(paired.run, mask) for mask in paired.masks()]
        for one, other in zip(*blocks, strict=True):
            counted.add(one, other, sources.of(one.images))
        return counted

    def add(self, one: DecidedBlock, other: DecidedBlock, test: TestSources) -> None:
        """Count the decisions of some cells."""
        won, lost = one.correct & ~other.correct, other.correct & ~one.correct
        self.decisions += one.correct.size
        self.won += int(won.sum())
        self.lost += int(lost.sum())
        np.add.at(self.by_source, test.sources[test.source], won.sum(axis=0) - lost.sum(axis=0))
        self.images[test.images] |= (won | lost).any(axis=0)
        self.different[one.cells] = (won | lost).any(axis=1)

    def changes(self) -> DecisionChanges:
        """What was counted."""
        images, of_images = int(self.images.sum()), len(self.images)
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
