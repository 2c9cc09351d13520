"""Means of a measure over cells, with what each source of images adds to their uncertainty."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.evaluation.decided_blocks import DecidedBlock, Mask
from bench.records import columns
from bench.records.score_table import TestImages
from bench.statistics.influences import RowMeasures, SourceLayout, source_layout, sum_by_source
from bench.statistics.intervals import (
    AREAS,
    PRECISIONS,
    SHARES,
    Floats,
    IntervalRule,
    SampleSize,
    Spread,
    bounded_interval,
    source_variances,
)

Codes = NDArray[np.intp]
Name = TypeVar("Name", bound=Hashable)  # of an average
RULES = {columns.ROC_AUC: AREAS, columns.AP: PRECISIONS}  # of intervals; other measures are shares of images


@dataclass(frozen=True, slots=True)
class TestSources:
    """The images and sources of a test set, numbered within the run, and its own sources numbered within itself.

    Attributes:
        images: Integers (N,), of the run's distinct images.
        sources: Integers (S,), which of the run's sources each of its own is.
        source: Integers (N,), the own source of each image, 0 to S - 1.
        layout: What one source could do to a measure.
        losses: The same by column of the measure, floats (S,).
    """

    __test__ = False  # no class of tests

    images: Codes
    sources: Codes
    source: Codes
    layout: SourceLayout
    losses: Mapping[str, Floats]


class SourceTable:
    """The images and sources of a run, numbered alike in every test set."""

    def __init__(self, tests: Sequence[TestImages]) -> None:
        """Number the images and sources of these test sets."""
        images, self.image_count = _numbers([one.names for one in tests])
        sources, self.count = _numbers([one.sources for one in tests])
        parts = zip(tests, images, sources, strict=True)
        self._tests = {id(one): _test_sources(one.labels, names, own) for one, names, own in parts}

    def standing_in(self, tests: Iterable[TestImages]) -> Mask:
        """Which sources stand in any of these test sets, bools (`count`,)."""
        found = np.zeros(self.count, bool)
        for images in tests:
            found[self.of(images).sources] = True
        return found

    def of(self, images: TestImages) -> TestSources:
        """Those of one test set."""
        return self._tests[id(images)]


def _numbers(texts: Sequence[NDArray[np.object_]]) -> tuple[list[Codes], int]:
    """Numbers of texts that are the same from array to array, and how many there are."""
    codes, names = pd.factorize(np.concatenate([np.empty(0, object), *texts]))
    ends = np.cumsum([len(one) for one in texts], dtype=np.intp)
    return np.split(codes, ends)[:-1], len(names)


def _test_sources(labels: NDArray[np.int8], images: Codes, sources: Codes) -> TestSources:
    source, own = pd.factorize(sources)
    layout = source_layout(labels, source, len(own))
    both = 0 < labels.sum() < len(labels)
    losses = {
        columns.ACCURACY: layout.accuracy,
        columns.RANKED: layout.balanced_accuracy if both else layout.accuracy,
        columns.BALANCED_ACCURACY: layout.balanced_accuracy,
        columns.ROC_AUC: layout.roc_auc,
        columns.AP: layout.average_precision,
    }
    return TestSources(images, own, source, layout, losses)


class CellIntervals:
    """The 95% intervals of one measure of cells that come in blocks, over images clustered by source.

    What they follow from is gathered by block, and the intervals are computed together, which is many times faster.
    """

    def __init__(self, measure: str, cells: int) -> None:
        """Begin those of so many cells, without any."""
        self._measure = measure
        self._known = np.full((7, cells), np.nan)

    def add(self, cells: Codes, rows: RowMeasures, test: TestSources) -> None:
        """Add the cells of a block, by their positions."""
        shares, count = test.layout.shares, len(cells)
        spread = source_variances(sum_by_source(rows.influences, test.source, len(test.sources)), shares)
        sample = (test.layout.images, (1 - shares).sum(), test.losses[self._measure].max())
        self._known[:, cells] = [
            *(rows.values, rows.centres, spread.variances, spread.contributors),
            *(np.full(count, one) for one in sample),
        ]

    def ends(self) -> tuple[Floats, Floats]:
        """Lower and upper ends, (cells,); NaN where there is no measure."""
        there = ~np.isnan(self._known[0])
        values, centres, variances, contributors, images, freedom, loss = self._known[:, there]
        low, high = np.full((2, there.size), np.nan)
        low[there], high[there] = bounded_interval(
            centres,
            Spread(variances, contributors),
            SampleSize(images, freedom, loss),
            RULES.get(self._measure, SHARES),
            values=values,
        )
        return low, high


@dataclass(frozen=True)
class Average:
    """The mean of one measure over cells, every cell counting alike.

    Attributes:
        value: In [0, 1].
        centre: The same without the bias that few images give some measures.
        influences: Float64 (S,), what each source of the run's images adds to `value`: the derivative by its weight.
        shares: Float64 (S,), the largest share that a source has of one class of one cell; 0 where it is in none.
        losses: Float64 (S,), what `value` could lose by one source.
        images: Number of distinct images.
        sources: Number of their sources.
        rule: What its interval allows for.
    """

    value: float
    centre: float
    influences: Floats
    shares: Floats
    losses: Floats
    images: int
    sources: int
    rule: IntervalRule

    @cached_property
    def spread(self) -> Spread:
        """The variance of `value` over the choice of sources."""
        return source_variances(self.influences[None], self.shares)

    @property
    def sample(self) -> SampleSize:
        """What stands behind it."""
        freedom = float((1 - self.shares[self.losses > 0]).sum())
        return SampleSize(self.images, freedom, float(self.losses.max()))

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The 95% interval over the images, clustered by source, in [0, 1]."""
        return self.interval_with(0.0)

    def interval_with(self, variance: float) -> tuple[float, float]:
        """The interval where something independent of the images, such as training, adds to the variance."""
        spread = Spread(self.spread.variances + variance, self.spread.contributors)
        centre, value = np.array([self.centre]), np.array([self.value])
        low, high = bounded_interval(centre, spread, self.sample, self.rule, values=value)
        return float(low[0]), float(high[0])


class RunningAverages(Generic[Name]):
    """Averages of measures over cells that come in blocks."""

    def __init__(self, masks: Mapping[Name, Mask], sources: SourceTable) -> None:
        """Begin the averages over these cells, bools (cells,), by name."""
        self._names = list(masks)
        self._masks = np.array([masks[name] for name in self._names]).reshape(len(masks), -1)
        self._sources = sources
        self._sums: dict[str, _Sums] = {}  # by measure
        self._shares = np.zeros((len(masks), sources.count))
        self._images = np.zeros((len(masks), sources.image_count), bool)

    def add(self, block: DecidedBlock, measures: Mapping[str, RowMeasures]) -> None:
        """Add the cells of a block."""
        member = self._masks[:, block.cells].astype(np.float64)
        test, counts = self._sources.of(block.images), member.sum(axis=1)
        for average in np.flatnonzero(counts):
            self._images[average, test.images] = True
            self._shares[average, test.sources] = np.maximum(self._shares[average, test.sources], test.layout.shares)
        added: dict[int, tuple[Floats, Floats]] = {}  # by measures that are one object
        for name, rows in measures.items():
            sums = self._sums.setdefault(name, _Sums.nothing(len(self._names), self._sources.count))
            if id(rows) not in added:
                influences = sum_by_source(member @ rows.influences, test.source, len(test.sources))
                added[id(rows)] = member @ np.stack([rows.values, rows.centres], axis=1), influences
            values, influences = added[id(rows)]
            sums.cells += counts.astype(np.intp)
            sums.values += values
            for average in np.flatnonzero(counts):
                sums.influences[average, test.sources] += influences[average]
                sums.losses[average, test.sources] += counts[average] * test.losses[name]

    def averages(self) -> dict[Name, dict[str, Average]]:
        """By name, then measure; a measure is left out where it is undefined in any of the cells, or there are none."""
        planned = self._masks.sum(axis=1)
        return {
            name: {
                measure: self._average(measure, sums, place)
                for measure, sums in self._sums.items()
                if 0 < sums.cells[place] == planned[place]
            }
            for place, name in enumerate(self._names)
        }

    def _average(self, measure: str, sums: _Sums, place: int) -> Average:
        cells = sums.cells[place]
        losses = sums.losses[place] / cells
        value, centre = (float(one) for one in sums.values[place] / cells)
        images, sources = int(self._images[place].sum()), int(np.count_nonzero(losses))
        influences = sums.influences[place] / cells
        return Average(
            value, centre, influences, self._shares[place], losses, images, sources, RULES.get(measure, SHARES)
        )


@dataclass
class _Sums:
    """Sums over the cells of A averages of one measure.

    Attributes:
        cells: Integers (A,), the number of cells.
        values: Floats (A, 2), values and centres.
        influences: Floats (A, S).
        losses: Floats (A, S).
    """

    cells: NDArray[np.intp]
    values: Floats
    influences: NDArray[Any]
    losses: NDArray[Any]

    @classmethod
    def nothing(cls, averages: int, sources: int) -> _Sums:
        """Before any cell."""
        shape = (averages, sources)
        return cls(np.zeros(averages, np.intp), np.zeros((averages, 2)), np.zeros(shape), np.zeros(shape))
