"""Means of a measure over cells, with what each source of images adds to their uncertainty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.evaluation.decided_blocks import DecidedBlock, Mask
from bench.records.score_table import TestImages
from bench.statistics.influences import RowMeasures
from bench.statistics.intervals import Floats, bounded_interval, source_variances

Codes = NDArray[np.intp]


class SourceCodes:
    """The sources of the images of a run as numbers, the same for every test set."""

    def __init__(self, tests: Sequence[TestImages]) -> None:
        """Number the sources of these test sets."""
        codes, names = pd.factorize(np.concatenate([np.empty(0, object), *(one.sources for one in tests)]))
        self.count = len(names)
        ends = np.cumsum([len(one) for one in tests], dtype=np.intp)
        self._codes = {id(one): part for one, part in zip(tests, np.split(codes, ends)[:-1], strict=True)}

    def of(self, images: TestImages) -> Codes:
        """The number of the source of each image, 0 to `count` - 1."""
        return self._codes[id(images)]


@dataclass(frozen=True)
class Average:
    """The mean of one measure over cells, every cell counting alike.

    Attributes:
        value: In [0, 1].
        centre: The same without the bias that few images give some measures.
        influences: Float64 (S,), what each source of the run's images adds to `value`: the derivative by its weight.
        sources: Number of sources that stand behind it.
    """

    value: float
    centre: float
    influences: Floats
    sources: int

    @cached_property
    def variance(self) -> float:
        """Of `value`, over the choice of sources."""
        return float(source_variances(self.influences[None], self.sources)[0])

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The 95% interval over the images, clustered by source, in [0, 1]."""
        low, high = bounded_interval(
            np.array([self.value]), np.array([self.variance]), np.array([self.sources]), np.array([self.centre])
        )
        return float(low[0]), float(high[0])


class RunningAverages:
    """Averages of measures over cells that come in blocks."""

    def __init__(self, masks: Mapping[str, Mask], sources: SourceCodes) -> None:
        """Begin the averages over these cells, bools (cells,), by name."""
        self._names = list(masks)
        self._masks = np.array([masks[name] for name in self._names]).reshape(len(masks), -1)
        self._sources = sources
        self._sums: dict[str, Floats] = {}  # by measure, (averages, 2 + S): the value, its centre and the influences
        self._cells: dict[str, Codes] = {}  # by measure, (averages,)
        self._behind = np.zeros((len(masks), sources.count), bool)

    def add(self, block: DecidedBlock, measures: Mapping[str, RowMeasures]) -> None:
        """Add the cells of a block."""
        member = self._masks[:, block.cells].astype(np.float64)
        codes = self._sources.of(block.images)
        self._behind[np.ix_(member.any(axis=1), codes)] = True
        for name, rows in measures.items():
            sums = self._sums.setdefault(name, np.zeros((len(self._names), 2 + self._sources.count)))
            sums[:, 0] += member @ rows.values
            sums[:, 1] += member @ rows.centres
            for average, own in enumerate(member @ rows.influences):
                sums[average, 2:] += np.bincount(codes, own, minlength=self._sources.count)
            cells = self._cells.setdefault(name, np.zeros(len(self._names), np.intp))
            cells += member.sum(axis=1).astype(np.intp)

    def averages(self) -> dict[str, dict[str, Average]]:
        """By name, then measure; a measure is left out where it is undefined in any of the cells, or there are none."""
        planned = self._masks.sum(axis=1)
        return {
            name: {
                measure: self._average(measure, place)
                for measure, cells in self._cells.items()
                if 0 < cells[place] == planned[place]
            }
            for place, name in enumerate(self._names)
        }

    def _average(self, measure: str, place: int) -> Average:
        value, centre, *_ = sums = self._sums[measure][place] / self._cells[measure][place]
        return Average(float(value), float(centre), sums[2:], int(self._behind[place].sum()))


def averages_of(
    masks: Mapping[str, Mask], blocks: Iterable[DecidedBlock], sources: SourceCodes
) -> dict[str, dict[str, Average]]:
    """The averages over these cells, all of which are scored, by name and measure."""
    running = RunningAverages(masks, sources)
    for block in blocks:
        running.add(block, block.measures())
    return running.averages()
