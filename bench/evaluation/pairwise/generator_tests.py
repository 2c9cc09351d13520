"""Pairs of detectors across generators, as trained and as tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.evaluation.cells import MeasuredCells
from bench.evaluation.decided_blocks import Mask
from bench.evaluation.pairwise.pair_tests import PairTests
from bench.records import columns
from bench.records.run import Run
from bench.statistics.generator_margins import (
    FEWEST_GENERATORS,
    GeneratorMean,
    across_generators,
    generator_difference_interval,
    generator_interval,
    generator_test,
)
from bench.statistics.intervals import Floats, corrected_influences
from bench.statistics.ranks import correct_for_pairs, covariance_of_averages


@dataclass(frozen=True)
class Margins:
    """Which generators cells are a sample of.

    Attributes:
        trained: Those of the rows of matrices; None where rows are no sample.
        tested: Those of the columns; None where columns are none either.
        scope: In words, or why there are none.
    """

    trained: list[str] | None
    tested: list[str] | None
    scope: str

    def said(self, ends: Floats) -> str:
        """The scope of what is said; or why nothing is, where all ends of intervals are NaN."""
        if self.tested and np.isnan(ends).all():
            return f"unresolved ({self.scope}; fewer than {FEWEST_GENERATORS} say nothing of others)"
        return self.scope


def _margins(cells: pd.DataFrame, run: Run) -> Margins:
    """The margins of the cells of one detector."""
    manifest = run.manifest
    known = {name for data in (manifest.data, *manifest.further.values()) for name in data.generators}
    trains, tests = (list(dict.fromkeys(cells[axis])) for axis in (columns.TRAIN, columns.TEST))
    if not set(tests) <= known:
        return Margins(None, None, "unresolved, as test sets are not single generators")
    each_its_own = cells.groupby(columns.TEST)[columns.TRAIN].nunique().max() == 1
    if not manifest.protocol.trains or each_its_own:
        alone = manifest.protocol.trains and len(trains) == 1 and trains[0]  # that of imported scores has no name
        note = f", trained on {alone} alone" if alone else ""
        return Margins(None, tests, f"{_generators(len(tests))} as tested{note}")
    if not set(trains) <= known:
        return Margins(None, None, "unresolved, as train sets are not single generators")
    return Margins(trains, tests, f"{_generators(len(trains))} as trained and {len(tests)} as tested")


def _generators(count: int) -> str:
    return f"{count} generator{'s' if count > 1 else ''}"


def generator_matrices(table: pd.DataFrame, detectors: Sequence[str], run: Run, measure: str) -> tuple[Floats, Margins]:
    """The cells of each detector as a matrix (A, R, C) of generators, NaN where there is none, and their margins."""
    margins = _margins(table[table[columns.DETECTOR].eq(detectors[0])], run)
    rows, across = margins.trained or [""], list(table[columns.TEST].unique())
    train = table[columns.TRAIN] if margins.trained else pd.Series("", index=table.index, name=columns.TRAIN)
    means = table.groupby([table[columns.DETECTOR], train, table[columns.TEST]])[measure].mean().unstack()
    places = pd.MultiIndex.from_product([detectors, rows])
    found = means.reindex(index=places, columns=across).to_numpy().reshape(len(detectors), len(rows), len(across))
    there = ~np.isnan(found)
    if (there != there[:1]).any():
        margins = Margins(None, None, "unresolved, as detectors were not tested on the same cells")
    return found, margins


def in_several_tests(evaluation: MeasuredCells, cells: Mask, detectors: Sequence[str]) -> Mask:
    """Which sources stand in the test sets of several generators, bools (S,)."""
    own = cells & evaluation.table[columns.DETECTOR].isin(list(detectors)).to_numpy()
    tests = np.zeros(evaluation.sources.count, np.intp)
    for _, keys in evaluation.table.loc[own].groupby(columns.TEST)[columns.KEY]:
        tests += evaluation.sources.standing_in(evaluation.run.score_table.only(keys).test_images())
    return tests > 1


def generator_tests(
    matrices: Floats, margins: Margins, shared: Floats, shares: Floats, same: Mask
) -> tuple[PairTests | None, Floats]:
    """Tests across generators, None where they are unresolved, and the ends (A, 2) of the intervals of averages."""
    nothing = np.full((len(matrices), 2), np.nan)
    corrected = corrected_influences(shared, shares)
    first, second = np.triu_indices(len(matrices), 1)
    alone = _across(matrices, margins, corrected)
    if alone is None:
        return None, nothing
    ends = np.stack(generator_interval(alone), axis=1)
    pairs = _across(matrices[first] - matrices[second], margins, corrected[first] - corrected[second])
    if pairs is None:
        return None, ends
    p = np.ones(same.shape)
    p[first, second] = p[second, first] = generator_test(pairs)
    p[same] = 1.0
    tests, count = correct_for_pairs(p, same)
    low, high = np.zeros(same.shape), np.zeros(same.shape)
    low[first, second], high[first, second] = generator_difference_interval(pairs)
    low[second, first], high[second, first] = -high[first, second], -low[first, second]
    of_differences = np.zeros(same.shape)
    of_differences[first, second] = of_differences[second, first] = pairs.variance
    covariance = covariance_of_averages(alone.variance, of_differences)
    return PairTests(tests, low, high, count, covariance, means=pairs), ends


def _across(matrices: Floats, margins: Margins, influences: Floats) -> GeneratorMean | None:
    """Means of matrices across generators; None where that is unresolved. Influences are those of shared sources."""
    if margins.tested is None or not len(matrices):
        return None
    return across_generators(matrices, margins.trained, margins.tested, (influences**2).sum(axis=1))
