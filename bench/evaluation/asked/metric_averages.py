"""Means over cells of metrics that are measured when they are asked for, with intervals by drawing sources again.

Sources are drawn for the run as a whole, so that a photograph which stands in many cells, and all detectors, have it as
often in a draw: averages then vary as much as shared images make them, and differences of detectors as little.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from bench.evaluation.averages import Name, SourceTable
from bench.evaluation.decided_blocks import DecidedBlock, Mask
from bench.metrics.bootstrap import interval_of_draws
from bench.metrics.metric import CellImages, Metric
from bench.records.score_table import TestImages
from bench.statistics.intervals import CONFIDENCE, Floats, random_generator

DRAWS = 200
OWN_DRAWS = 100  # of each cell, for the variance of a metric with an interval of its own


@dataclass(frozen=True, slots=True)
class MetricAverage:
    """The mean of one metric over cells.

    Attributes:
        value: Of the metric.
        low: Lower end of its 95% interval over the images, clustered by source.
        high: Upper end.
        draws: Floats (D,), the mean in each draw of the sources; NaN where it is undefined. None, (0,), where the
            metric has an interval of its own.
    """

    value: float
    low: float
    high: float
    draws: Floats


class SourceDraws:
    """How often each source stands in each draw, alike for all cells and detectors."""

    def __init__(self, tests: Sequence[TestImages], sources: SourceTable, draws: int = DRAWS) -> None:
        """Draw the sources of these test sets, so many times.

        With replacement, as many as there are of those that stand in the same classes of the same test sets: so no
        class of any cell is ever empty, and nearly all have as many images as they have.
        """
        self._tests, self._sources = tests, sources
        stands = np.zeros((2 * len(tests), sources.count), bool)
        texts = np.empty(sources.count, object)
        for place, images in enumerate(tests):
            test = sources.of(images)
            texts[test.sources[test.source]] = images.sources
            for label in (0, 1):
                stands[2 * place + label, test.sources[test.source[images.labels == label]]] = True
        self.times = np.zeros((draws, sources.count), np.int64)
        by_name = np.argsort(texts.astype(str), kind="stable")
        random = random_generator(["metrics", *texts[by_name].tolist()])
        _, stratum = np.unique(stands[:, by_name].T, axis=0, return_inverse=True)
        for one in _in_order_of_first(stratum.ravel()):
            own = by_name[stratum.ravel() == one]
            self.times[:, own] = random.multinomial(own.size, np.full(own.size, 1 / own.size), draws)

    def rows(self, images: TestImages) -> list[NDArray[np.intp]]:
        """The images of a test set that stand in each draw, by their positions, as often as they do."""
        test, places = self._sources.of(images), np.arange(len(images))
        return [np.repeat(places, times[test.sources][test.source]) for times in self.times]

    def sources_of_classes(self, metric: Metric, cells: Sequence[TestImages], positive: int) -> float:
        """The independent images that a share over these test sets has at most, of the classes that a metric needs."""
        counts = []
        for label in metric.needs or (None,):
            found = np.zeros(self._sources.count, bool)
            for images in cells:
                test = self._sources.of(images)
                own = slice(None) if label is None else images.labels == (label if positive else 1 - label)
                found[test.sources[test.source[own]]] = True
            counts.append(int(found.sum()))
        return float(4 / sum(1 / count for count in counts)) if len(counts) > 1 else float(counts[0])


def _in_order_of_first(codes: NDArray[np.intp]) -> NDArray[np.intp]:
    """The values of codes as they first come, which does not hang on the order of test sets."""
    values, first = np.unique(codes, return_index=True)
    ordered: NDArray[np.intp] = values[np.argsort(first)]
    return ordered


class RunningMetrics(Generic[Name]):
    """Averages of metrics over cells that come in blocks."""

    def __init__(self, masks: Mapping[Name, Mask], metrics: Sequence[Metric], draws: SourceDraws) -> None:
        """Begin the averages over these cells, bools (cells,), by name."""
        self._masks, self._metrics, self._draws = masks, metrics, draws
        self._planned = {name: int(mask.sum()) for name, mask in masks.items()}
        self._sums = {(name, metric.name): _MetricSum() for name in masks for metric in metrics}
        self._known: dict[tuple[int, bytes], dict[str, _CellMetric]] = {}  # trainings without chance give equal scores

    def add(self, block: DecidedBlock) -> dict[str, Floats]:
        """Add the cells of a block. The metrics of each cell, (K,) by name."""
        found: dict[str, Floats] = {metric.name: np.empty(len(block.cells)) for metric in self._metrics}
        rows = self._draws.rows(block.images)
        for place, images in enumerate(block.cell_images()):
            arrays = (block.scores[place], block.log_odds[place], block.called[place])
            key = (id(block.images), b"".join(one.tobytes() for one in arrays))
            if key not in self._known:
                self._known[key] = {one.name: _measured(one, images, block.images, rows) for one in self._metrics}
            names = [name for name, mask in self._masks.items() if mask[block.cells[place]]]
            for metric_name, cell in self._known[key].items():
                found[metric_name][place] = cell.value
                for name in names:
                    self._sums[name, metric_name].add(cell, block.images)
        return found

    def averages(self, positive: int) -> dict[Name, dict[str, MetricAverage]]:
        """By name, then metric; none over no cells."""
        found: dict[Name, dict[str, MetricAverage]] = {name: {} for name in self._masks}
        for (name, metric_name), total in self._sums.items():
            if 0 < total.cells == self._planned[name]:
                metric = next(one for one in self._metrics if one.name == metric_name)
                count = self._draws.sources_of_classes(metric, list(total.tests.values()), positive)
                found[name][metric_name] = total.average(metric, count)
        return found


@dataclass(frozen=True, slots=True)
class _CellMetric:
    """A metric of one cell: its value, and its draws or the ends of the interval that it has of its own."""

    value: float
    draws: Floats
    ends: Floats


def _measured(metric: Metric, images: CellImages, test: TestImages, rows: Sequence[NDArray[np.intp]]) -> _CellMetric:
    value = images.measure(metric)
    if metric.interval is None:
        values = images.read(metric.reads)
        draws = np.array([metric(images.labels[drawn], values[drawn]) for drawn in rows])
        return _CellMetric(value, draws, np.empty(0))
    undefined = np.isnan(value)
    ends = (value, value) if undefined else metric.interval(images, test.sources, min(len(rows), OWN_DRAWS), CONFIDENCE)
    return _CellMetric(value, np.empty(0), np.array(ends))


class _MetricSum:
    """Sums over cells of a metric, its draws, and the ends of its own intervals."""

    def __init__(self) -> None:
        self.cells, self.value = 0, 0.0
        self.draws: Floats | float = 0.0
        self.ends: Floats | float = 0.0
        self.tests: dict[int, TestImages] = {}

    def add(self, cell: _CellMetric, images: TestImages) -> None:
        """Add a cell."""
        self.cells += 1
        self.value += cell.value
        self.draws = self.draws + cell.draws
        self.ends = self.ends + cell.ends
        self.tests[id(images)] = images

    def average(self, metric: Metric, count: float) -> MetricAverage:
        """The mean. The interval is that of the draws, or the mean of those of cells where a metric has its own."""
        value, draws = self.value / self.cells, np.asarray(self.draws) / self.cells
        if metric.interval is None:
            low, high = interval_of_draws(metric, value, draws, count, cells=self.cells)
        else:
            low, high = (float(end) for end in np.asarray(self.ends) / self.cells)
        return MetricAverage(value, low, high, draws)
