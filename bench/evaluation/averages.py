"""Means of a measure over cells, with what each source of images adds to their uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.evaluation.decided_blocks import DecidedBlock, Mask
from bench.records import columns
from bench.records.score_table import TestImages
from bench.statistics.comparisons import difference_test
from bench.statistics.influences import RowMeasures, source_layout, sum_by_source
from bench.statistics.intervals import (
    AREAS,
    AVERAGE_SHARES,
    CONFIDENCE,
    PRECISIONS,
    SHARES,
    Floats,
    IntervalRule,
    SampleSize,
    Spread,
    bounded_interval,
    corrected_influences,
    sample_size,
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
        shares: Floats (S,), the larger of the shares that a source has of the real and of the generated images.
        losses: What one source could take from a measure, floats (S,), by column of the measure.
        weights: The weight of each image, floats (N,) of sum 1, where images weigh alike, and where classes do.
        samples: What stands behind a measure of a cell, by its column.
    """

    __test__ = False  # no class of tests

    images: Codes
    sources: Codes
    source: Codes
    shares: Floats
    losses: Mapping[str, Floats]
    weights: tuple[Floats, Floats]
    samples: Mapping[str, SampleSize]


def _weighed_by_class(measure: str) -> bool:
    """Whether both classes weigh alike in a measure, and not all images."""
    return measure != columns.ACCURACY


class SourceTable:
    """The images and sources of a run, numbered alike in every test set."""

    def __init__(self, tests: Sequence[TestImages], positive: int = 1) -> None:
        """Number the images and sources of these test sets; `positive` is the class that is looked for."""
        images, self.image_count = _numbers([one.names for one in tests])
        sources, self.count = _numbers([one.sources for one in tests])
        self.source = np.zeros(self.image_count, np.intp)  # of each image
        for names, own in zip(images, sources, strict=True):
            self.source[names] = own
        parts = zip(tests, images, sources, strict=True)
        self._tests = {id(one): _test_sources(one.labels, names, own, positive) for one, names, own in parts}

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


def _test_sources(labels: NDArray[np.int8], images: Codes, sources: Codes, positive: int) -> TestSources:
    source, own = pd.factorize(sources)
    layout = source_layout(labels if positive else 1 - labels, source, len(own))  # its average precision is of 1
    both = 0 < labels.sum() < len(labels)
    losses = {
        columns.ACCURACY: layout.accuracy,
        columns.RANKED: layout.balanced_accuracy if both else layout.accuracy,
        columns.BALANCED_ACCURACY: layout.balanced_accuracy,
        columns.ROC_AUC: layout.roc_auc,
        columns.AP: layout.average_precision,
    }
    of_class = [np.count_nonzero(labels == label) for label in (0, 1)]
    by_class = 1 / np.array(of_class)[labels] / np.count_nonzero(of_class)
    weights = np.full(len(labels), 1 / len(labels)), by_class
    samples = {
        measure: sample_size(weights[_weighed_by_class(measure)], source, layout.shares, float(most.max()))
        for measure, most in losses.items()
    }
    return TestSources(images, own, source, layout.shares, losses, weights, samples)


class CellIntervals:
    """The 95% intervals of the measures of cells that come in blocks, over images clustered by source.

    What they follow from is gathered by block, and the intervals are computed together, which is many times faster.
    """

    def __init__(self, measures: Iterable[str], cells: int) -> None:
        """Begin those of these measures, by column, of so many cells, without any."""
        self._known = {measure: np.full((7, cells), np.nan) for measure in measures}

    def add(self, cells: Codes, measures: Mapping[str, RowMeasures], test: TestSources) -> None:
        """Add the cells of a block, by their positions."""
        spreads: dict[int, Spread] = {}  # by measures that are one object
        for name, rows in measures.items():
            if id(rows) not in spreads:
                sums = sum_by_source(rows.influences, test.source, len(test.sources))
                spreads[id(rows)] = source_variances(sums, test.shares)
            of_cells = rows.values, rows.centres, *spreads[id(rows)]
            of_images = (np.full(len(cells), one) for one in test.samples[name])
            self._known[name][:, cells] = [*of_cells, *of_images]

    def ends(self) -> dict[str, tuple[Floats, Floats]]:
        """Lower and upper ends by measure, (cells,) each; NaN where there is no measure."""
        found: dict[str, tuple[Floats, Floats]] = {}
        for name, known in self._known.items():
            rule = RULES.get(name, SHARES)
            alike = (  # as accuracies of balanced cells are
                ends
                for other, ends in found.items()
                if RULES.get(other, SHARES) == rule and np.array_equal(self._known[other], known, equal_nan=True)
            )
            found[name] = next(alike, None) or _ends(known, rule)
        return found


def _ends(known: Floats, rule: IntervalRule) -> tuple[Floats, Floats]:
    """The ends of intervals from what they follow from, (7, cells); NaN where that is not known."""
    there = ~np.isnan(known[0])
    values, centres, variances, contributors, images, freedom, loss = known[:, there]
    low, high = np.full((2, there.size), np.nan)
    spread, sample = Spread(variances, contributors), SampleSize(images, freedom, loss)
    low[there], high[there] = bounded_interval(centres, spread, sample, rule, values=values)
    return low, high


@dataclass(frozen=True)
class Average:
    """The mean of one measure over cells, every cell counting alike.

    Attributes:
        value: In [0, 1].
        centre: The same without the bias that few images give some measures.
        influences: Float64 (S,), what each source of the run's images adds to `value`: the derivative by its weight.
        shares: Float64 (S,), the largest share that a source has of one class of one cell; 0 where it is in none.
        sample: What stands behind it.
        images: Number of distinct images.
        sources: Number of their sources.
        rule: What its interval allows for.
        spread: The variance of `value` over the choice of sources.
        interval: The 95% interval over the images, clustered by source, in [0, 1].
    """

    value: float
    centre: float
    influences: Floats
    shares: Floats
    sample: SampleSize
    images: int
    sources: int
    rule: IntervalRule
    spread: Spread
    interval: tuple[float, float]


def intervals_with(
    averages: Sequence[Average], variances: Sequence[float], level: float = CONFIDENCE
) -> list[tuple[float, float]]:
    """The intervals of averages where something independent of the images, such as training, adds to the variance.

    Args:
        averages: Some averages of one measure.
        variances: That it adds to each.
        level: Of confidence.
    """
    if not averages:
        return []
    values, centres, *sizes = np.array([(one.value, one.centre, *one.sample) for one in averages]).T
    of_images, contributors = (np.concatenate(parts) for parts in zip(*(one.spread for one in averages), strict=True))
    spread = Spread(of_images + variances, contributors)
    low, high = bounded_interval(centres, spread, SampleSize(*sizes), averages[0].rule, values=values, level=level)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def chance_of_difference(first: Average, second: Average) -> float:
    """The probability of a difference as large by chance, two-sided, of averages of a measure over the same images."""
    there = (first.shares > 0) | (second.shares > 0)
    shares = np.maximum(first.shares, second.shares)[there]
    changes = corrected_influences((first.influences - second.influences)[there], shares)
    return float(difference_test(np.array([first.value - second.value]), changes[:, None])[0])


class RunningAverages(Generic[Name]):
    """Averages of measures over cells that come in blocks."""

    def __init__(self, masks: Mapping[Name, Mask], sources: SourceTable) -> None:
        """Begin the averages over these cells, bools (cells,), by name."""
        self._names = list(masks)
        self._masks = np.array([masks[name] for name in self._names]).reshape(len(masks), -1)
        self._sources = sources
        self._sums: dict[str, _Sums] = {}  # by measure
        self._shares = np.zeros((len(masks), sources.count))
        self._weights = np.zeros((2, len(masks), sources.image_count))  # of images, by whether classes weigh alike
        self._cells = np.zeros(len(masks))

    def add(self, block: DecidedBlock, measures: Mapping[str, RowMeasures]) -> None:
        """Add the cells of a block."""
        member = self._masks[:, block.cells].astype(np.float64)
        test, counts = self._sources.of(block.images), member.sum(axis=1)
        self._cells += counts
        some = np.flatnonzero(counts)
        member, counts = member[some], counts[some]
        alike, summed = _summed_alike(member)
        images, own = _places(some, test.images), _places(some, test.sources)
        for kind, weights in enumerate(test.weights):
            self._weights[kind][images] += counts[:, None] * weights
        self._shares[own] = np.maximum(self._shares[own], test.shares)
        added: dict[int, tuple[Floats, Floats]] = {}  # by measures that are one object
        for name, rows in measures.items():
            sums = self._sums.setdefault(name, _Sums.nothing(len(self._names), self._sources.count))
            if id(rows) not in added:
                influences = sum_by_source(alike @ summed(rows.influences), test.source, len(test.sources))
                added[id(rows)] = member @ np.stack([rows.values, rows.centres], axis=1), influences
            values, influences = added[id(rows)]
            sums.cells[some] += counts.astype(np.intp)
            sums.values[some] += values
            sums.influences[own] += influences
            sums.losses[own] += counts[:, None] * test.losses[name]

    def averages(self) -> dict[Name, dict[str, Average]]:
        """By name, then measure; a measure is left out where it is undefined in any of the cells, or there are none.

        Measures that are equal in all of them, as accuracies of balanced cells, have the same objects.
        """
        planned = self._masks.sum(axis=1)
        by_measure: dict[str, dict[int, Average]] = {}  # by the place of the name
        for measure, sums in self._sums.items():
            alike = [known for other, known in by_measure.items() if self._alike(measure, other)]
            whole = np.flatnonzero((sums.cells > 0) & (sums.cells == planned))
            found = alike[0] if alike else dict(zip(whole.tolist(), self._of(measure, whole), strict=True))
            by_measure[measure] = found
        return {
            name: {measure: found[place] for measure, found in by_measure.items() if place in found}
            for place, name in enumerate(self._names)
        }

    def _alike(self, measure: str, other: str) -> bool:
        """Whether two measures and all that their intervals follow from are equal in all averages."""
        weights = (self._weights[int(_weighed_by_class(one))] for one in (measure, other))
        arrays = zip(vars(self._sums[measure]).values(), vars(self._sums[other]).values(), strict=True)
        same_rule = RULES.get(measure) == RULES.get(other)
        return same_rule and np.array_equal(*weights) and all(np.array_equal(*both) for both in arrays)

    def _of(self, measure: str, places: Codes) -> list[Average]:
        """The averages of a measure at these places of names, whose intervals are computed together."""
        sums, shares, rule = self._sums[measure], self._shares[places], RULES.get(measure, AVERAGE_SHARES)
        cells = sums.cells[places, None]
        influences, losses = sums.influences[places] / cells, (sums.losses[places] / cells).max(axis=1, initial=0)
        values, centres = (sums.values[places] / cells).T
        weights = self._weights[int(_weighed_by_class(measure)), places] / self._cells[places, None]
        samples = [
            sample_size(own, self._sources.source, share, float(loss))
            for own, share, loss in zip(weights, shares, losses, strict=True)
        ]
        spread = source_variances(influences, shares)
        together = SampleSize(*np.array(samples).reshape(-1, 3).T)
        ends = bounded_interval(centres, spread, together, rule, values=values)
        return [
            Average(
                float(values[one]),
                float(centres[one]),
                influences[one],
                shares[one],
                samples[one],
                int(np.count_nonzero(weights[one])),
                int(np.count_nonzero(shares[one])),
                rule,
                Spread(spread.variances[one : one + 1], spread.contributors[one : one + 1]),
                (float(ends[0][one]), float(ends[1][one])),
            )
            for one in range(len(places))
        ]


def _places(rows: Codes, of_row: Codes) -> tuple[Codes | slice, ...]:
    """The index of places in these rows; numbers without gaps are slices, which are many times faster to add to."""
    spans = tuple(
        slice(one[0], one[-1] + 1) if len(one) and (np.diff(one) == 1).all() else one for one in (rows, of_row)
    )
    return spans if any(isinstance(one, slice) for one in spans) else np.ix_(rows, of_row)


def _summed_alike(member: Floats) -> tuple[Floats, Callable[[Floats], Floats]]:
    """What makes few rows of many before they are summed up: cells that are in the same averages become one.

    Args:
        member: Floats (A, K), 1 where a cell is in an average, else 0.

    Returns:
        Floats (A, P), the same of P kinds of cells; and what turns rows of cells (K, N) into sums of kinds (P, N).
    """
    numbers: dict[bytes, int] = {}
    kind = [numbers.setdefault(of_cell.tobytes(), len(numbers)) for of_cell in np.packbits(member.T > 0, axis=1)]
    order = np.argsort(kind, kind="stable")
    starts = np.searchsorted(np.array(kind)[order], np.arange(len(numbers)))
    return member[:, order[starts]], lambda rows: np.add.reduceat(rows[order], starts, axis=0)


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
