"""From a run to cells with their measures: decisions, measures of every cell, averages, matrices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.evaluation.asked.metric_averages import DRAWS, MetricAverage, RunningMetrics, SourceDraws
from bench.evaluation.asked.rescoring import AS_STORED, Rescoring, rescored
from bench.evaluation.averages import Average, CellIntervals, Name, RunningAverages, SourceTable, TestSources
from bench.evaluation.decided_blocks import WITH_INTERVALS, DecidedBlock, Mask, decided_blocks
from bench.metrics.catalogue import METRICS, all_metrics, find_metrics
from bench.metrics.metric import Metric
from bench.records import columns
from bench.records.manifest import ALL_CELLS, ProtocolRecord
from bench.records.outcomes import Scored, Unasked
from bench.records.run import Run
from bench.statistics.influences import RowMeasures
from detectors.types import Array

SCORED, UNASKED = Scored.status, Unasked.status
SUMMED_AT_A_TIME = 2_000_000  # numbers in each of a dozen sums: 200 MB in all
CHANCE = 0.5  # balanced accuracy of guessing
STANDARD_AXES = (columns.TRAIN, columns.TEST, columns.DEGRADATION)  # axes that are shown whether they vary or not
# columns of `readable_table` where no further axis varies
TABLE_COLUMNS = (columns.DETECTOR, *STANDARD_AXES, columns.SEED, *columns.MEASURES, columns.STATUS, columns.REASON)


@dataclass(frozen=True)
class MeasuredCells:
    """The measured cells of a run.

    Attributes:
        table: One row per planned cell in planned order: the columns of `Run.cells`, then `columns.MEASURES` and
            the metrics of other packages.
        averages: By detector, name of the average (`average_masks`) and measure (`WITH_INTERVALS`): over those planned
            cells that are scored. A measure is left out where it is undefined in any of them.
        headers: Headers of the metrics that stand on the leaderboard, by name.
        sources: The sources that the influences of averages are of.
        run: What was measured: the run with rescored cells.
        metric_averages: By detector, name of the average and metric, of the metrics that were asked for.
        asked: Those metrics.
        rescoring: What became of stored scores before.
    """

    table: pd.DataFrame
    averages: Mapping[str, Mapping[str, Mapping[str, Average]]]
    headers: Mapping[str, str]
    sources: SourceTable
    run: Run
    metric_averages: Mapping[str, Mapping[str, Mapping[str, MetricAverage]]] = field(default_factory=dict)
    asked: tuple[Metric, ...] = ()
    rescoring: Rescoring = AS_STORED

    @cached_property
    def scored(self) -> Mask:
        """Which cells have scores, bools (cells,)."""
        return self.table[columns.STATUS].eq(SCORED).to_numpy()

    @cached_property
    def detectors(self) -> NDArray[np.object_]:
        """The detector of each cell, texts (cells,)."""
        return self.table[columns.DETECTOR].to_numpy(object)

    @cached_property
    def images(self) -> pd.DataFrame:
        """The decisions on all images, as `decisions` returns them: a row for each, made when first asked for."""
        return decisions(self.run)

    def images_of(self, cells: Mask) -> pd.DataFrame:
        """The decisions on the images of these cells, as `decisions` returns them."""
        return decisions(self.run, cells)

    def balanced(self, cells: Mask) -> Average | None:
        """The mean accuracy of both classes over those of these cells that are scored; None where there are none."""
        return self.averages_over({"": cells & self.scored}).get("")

    def averages_over(self, masks: Mapping[Name, Mask]) -> dict[Name, Average]:
        """The means of `columns.RANKED` over some cells, all scored, by name; nothing for no cells.

        Args:
            masks: Bools (cells,), by name.
        """
        if not masks:
            return {}
        running = RunningAverages(masks, self.sources)
        for block in decided_blocks(self.run, np.logical_or.reduce(list(masks.values()))):
            running.add(block, {columns.RANKED: block.ranked()})
        found = running.averages()
        return {name: measures[columns.RANKED] for name, measures in found.items() if measures}


def decisions(run: Run, cells: Mask | None = None) -> pd.DataFrame:
    """The decisions of a run: its scores of scored cells with `columns.CELL` and `columns.CORRECT`.

    An image is called what it is where its score is on the right side; in a cell whose task is to name the generator,
    where the detector names the one that made the image.

    Args:
        run: The run.
        cells: Which of its cells, bools (cells,); None for all.

    Raises:
        UnusableScores: A score is not a probability.
        InputError: A cell is called scored and has no scores, or names no generators where that is its task.
    """
    asked = np.ones(len(run.cells), bool) if cells is None else cells
    keys, parts = run.cells[columns.KEY].to_numpy(), []
    for block in decided_blocks(run, asked):
        sizes = len(block.images)
        rows = run.score_table.only(keys[block.cells]).frame()
        rows[columns.CELL] = np.repeat(block.cells, sizes)
        rows[columns.CORRECT] = block.correct.ravel()
        parts.append(rows)
    if not parts:
        return pd.DataFrame(columns=[*columns.SCORES, columns.CELL, columns.CORRECT])
    whole: pd.DataFrame = pd.concat(parts, ignore_index=True)
    return whole.sort_values(columns.CELL, kind="stable", ignore_index=True)


def evaluate(
    run: Run, metrics: Sequence[str] = (), rescoring: Rescoring = AS_STORED, draws: int = DRAWS
) -> MeasuredCells:
    """Measure every cell of a run, and the averages of its protocol.

    Args:
        run: The run.
        metrics: Names of metrics beside those of every cell.
        rescoring: What becomes of its scores before.
        draws: Of sources, for the intervals of those metrics.

    Raises:
        UnusableScores: A score is not a probability.
        InputError: A cell is called scored and has no scores, or scores cannot be rescored so.
    """
    run, usual_and_asked = rescored(run, rescoring), all_metrics(metrics)
    asked = tuple(metric for metric in find_metrics(metrics) if metric.name not in WITH_INTERVALS)
    further = [metric for metric in usual_and_asked if metric not in {*METRICS, *asked}]
    detectors = run.cells[columns.DETECTOR].to_numpy()
    scored = run.cells[columns.STATUS].eq(SCORED).to_numpy()
    masks = average_masks(run.cells, run.manifest.protocol)
    tests = run.score_table.test_images()
    sources = SourceTable(tests, rescoring.positive)
    measuring = _Measuring(run, sources, further, rescoring.positive)
    if asked:
        measuring.draw(asked, SourceDraws(tests, sources, draws))
    averages: dict[str, dict[str, dict[str, Average]]] = {name: {} for name in pd.unique(detectors)}
    metric_averages: dict[str, dict[str, dict[str, MetricAverage]]] = {name: {} for name in averages}
    for together in _groups(list(averages), len(masks) * (sources.count + sources.image_count)):
        of_each = {name: scored & (detectors == name) for name in together}
        own = {(one, name): mask & cells for one, cells in of_each.items() for name, mask in masks.items()}
        found, of_metrics = measuring.measure(scored & np.isin(detectors, together), own)
        for (detector, name), by_measure in found.items():
            averages[detector][name] = by_measure
        for (detector, name), by_metric in of_metrics.items():
            metric_averages[detector][name] = by_metric
    table = pd.concat([run.cells.reset_index(drop=True), measuring.table()], axis=1)
    shown = [metric for metric in usual_and_asked if metric.header or metric.name in metrics]
    headers = {metric.name: rescoring.header(metric) for metric in shown}
    return MeasuredCells(table, averages, headers, sources, run, metric_averages, asked, rescoring)


_OfDetector = tuple[str, str]  # a detector and the name of an average


class _Measuring:
    """The measures of the cells of a run, gathered for some detectors at a time."""

    def __init__(self, run: Run, sources: SourceTable, further: Sequence[Metric], positive: int) -> None:
        self._run, self._sources, self._further, self._positive = run, sources, further, positive
        self._asked: Sequence[Metric] = ()
        self._draws: SourceDraws | None = None
        self._values = {name: np.full(len(run.cells), np.nan) for name in _measured(further)}
        self._intervals = CellIntervals(WITH_INTERVALS, len(run.cells))

    def draw(self, asked: Sequence[Metric], draws: SourceDraws) -> None:
        """Measure further metrics, whose intervals are by drawing sources."""
        self._asked, self._draws = asked, draws
        self._values |= {metric.name: np.full(len(self._run.cells), np.nan) for metric in asked}

    def measure(
        self, cells: Mask, masks: Mapping[_OfDetector, Mask]
    ) -> tuple[dict[_OfDetector, dict[str, Average]], dict[_OfDetector, dict[str, MetricAverage]]]:
        """Measure some scored cells. Their averages, by measure and by metric."""
        running = RunningAverages(masks, self._sources)
        drawn = RunningMetrics(masks, self._asked, self._draws) if self._draws else None
        for block in decided_blocks(self._run, cells, self._positive):
            measures, test = block.measures(), self._sources.of(block.images)
            running.add(block, measures)
            found = _cell_measures(block, measures, test, self._further)
            for name, of_cells in (found | (drawn.add(block) if drawn else {})).items():
                self._values[name][block.cells] = of_cells
            self._intervals.add(block.cells, measures, test)
        return running.averages(), drawn.averages(self._positive) if drawn else {}

    def table(self) -> pd.DataFrame:
        """The measures of all cells."""
        for name, ends in self._intervals.ends().items():
            self._values |= dict(zip(columns.interval_of(name), ends, strict=True))
        counts = [columns.N, columns.N_GENERATED, columns.SOURCES]
        return pd.DataFrame(self._values).fillna(dict.fromkeys(counts, 0)).astype(dict.fromkeys(counts, int))


def _groups(detectors: Sequence[str], numbers: int) -> Iterator[Sequence[str]]:
    """Detectors whose averages are made together, where those of one take so many numbers for each of their sums."""
    size = max(1, SUMMED_AT_A_TIME // max(1, numbers))
    for start in range(0, len(detectors), size):
        yield detectors[start : start + size]


def _measured(further: Iterable[Metric]) -> list[str]:
    """The columns of measures."""
    return list(dict.fromkeys((*columns.MEASURES, *(metric.name for metric in further))))


def _cell_measures(
    block: DecidedBlock, measures: Mapping[str, RowMeasures], test: TestSources, further: Sequence[Metric]
) -> dict[str, Array]:
    """The measures of each cell of a block, by column."""
    labels = block.images.labels
    right = block.called == (labels == 1)
    found: dict[str, Array] = {
        columns.N: np.full(len(block.cells), len(labels)),
        columns.N_GENERATED: np.full(len(block.cells), labels.sum()),
        columns.SOURCES: np.full(len(block.cells), len(test.sources)),
    }
    for name, label in ((columns.REAL_ACCURACY, 0), (columns.GENERATED_ACCURACY, 1)):
        if (labels == label).any():
            found[name] = right[:, labels == label].mean(axis=1)
    for name in WITH_INTERVALS:
        if name in measures:
            found[name] = measures[name].values
    if further:
        cells = list(block.cell_images())
        found |= {metric.name: np.array([cell.measure(metric) for cell in cells]) for metric in further}
    return found


def unbalanced(table: pd.DataFrame) -> Mask:
    """Which cells have more images of one class than of the other, bools (cells,)."""
    uneven: Mask = (2 * table[columns.N_GENERATED] != table[columns.N]).to_numpy(bool)
    return uneven


def accuracy_name(table: pd.DataFrame) -> str:
    """What `columns.RANKED` of these cells is called: balanced accuracy where any of them is unbalanced."""
    return "balanced accuracy" if unbalanced(table).any() else "accuracy"


def cells_table(run: Run) -> pd.DataFrame:
    """Every planned cell of a run with its measures: the columns of `Run.cells`, then `columns.MEASURES` in [0, 1].

    `columns.interval_of` names the ends of 95% intervals. A cell that was not scored has
    0 images, NaN measures and its reason.
    """
    return evaluate(run).table


def axes_shown(cells: pd.DataFrame, protocol: ProtocolRecord) -> list[str]:
    """The axes that tell cells apart for a reader: the standard ones, those of the view, and whatever else varies."""
    always = {*STANDARD_AXES, protocol.rows.name, protocol.columns.name}
    return [axis for axis in columns.of_question(protocol.axes) if axis in always or cells[axis].nunique() > 1]


def readable_table(table: pd.DataFrame, protocol: ProtocolRecord) -> pd.DataFrame:
    """`cells_table` for a reader: no keys, no groups, and only the axes that `axes_shown` gives."""
    names = (columns.DETECTOR, *axes_shown(table, protocol), columns.SEED)
    measures = [name for name in table.columns if name not in columns.of_cells(protocol.axes)]
    return table[[*names, *measures, columns.STATUS, columns.REASON]]


def matrix(table: pd.DataFrame, detector: str, protocol: ProtocolRecord) -> pd.DataFrame:
    """The accuracies of one detector laid out as the protocol shows them: `columns.RANKED`.

    Args:
        table: As `cells_table` returns it.
        detector: A detector of that table.
        protocol: Which axis names the rows and which the columns.

    Returns:
        Accuracy in [0, 1] per row and column in planned order, the mean over training seeds (and over whatever else
        the view folds together). NaN where any cell behind the mean is missing: a mean over the rest would not say so.
    """
    cells = table[table[columns.DETECTOR] == detector]
    rows, across = protocol.rows.name, protocol.columns.name
    groups = cells.groupby([rows, across], sort=False)[columns.RANKED]
    means = groups.mean().where(groups.count() == groups.size()).unstack(sort=False)
    return means.loc[cells[rows].unique(), cells[across].unique()]


def place_means(table: pd.DataFrame, place: Sequence[str]) -> pd.DataFrame:
    """The mean of all cells that stand at one place.

    Args:
        table: As `cells_table` returns it.
        place: Columns of it, by which cells are put together.

    Returns:
        Index `place`, columns `columns.RANKED`, the ends of its interval, and `columns.N`: all NaN where any cell of
        the place is missing, as a mean over the rest would not say so; the ends NaN where it is a mean of several, as
        a mean of intervals is none.
    """
    ends = list(columns.interval_of(columns.RANKED))
    grouped = table.assign(whole=table[columns.STATUS].eq(SCORED)).groupby(list(place), sort=False)
    means = grouped[[columns.RANKED, *ends, columns.N]].mean()
    means.loc[~grouped["whole"].all()] = np.nan
    means.loc[grouped.size() > 1, ends] = np.nan
    return means


def folded_axes(cells: pd.DataFrame, protocol: ProtocolRecord) -> dict[str, int]:
    """The axes, beside the seed, over which a cell of a matrix is a mean, with the most values that one is a mean of.

    Args:
        cells: Of one detector, or of several that were asked the same.
        protocol: Which axis names the rows and which the columns.
    """
    place = [columns.DETECTOR, protocol.rows.name, protocol.columns.name]
    others = [axis for axis in columns.of_question(protocol.axes) if axis not in place]
    most = cells.groupby(place, sort=False)[others].nunique().max()
    return {axis: int(most[axis]) for axis in others if most[axis] > 1}


def folded_text(cells: pd.DataFrame, protocol: ProtocolRecord) -> str:
    """What a cell of a matrix is a mean over beside seeds, such as "degradation (3 values)"; "" for nothing."""
    return " and ".join(f"{axis} ({count} values)" for axis, count in folded_axes(cells, protocol).items())


def matrices(table: pd.DataFrame, protocol: ProtocolRecord) -> dict[str, pd.DataFrame]:
    """The matrix of every detector of a table, by detector in planned order."""
    return {detector: matrix(table, detector, protocol) for detector in table[columns.DETECTOR].unique()}


def average_masks(cells: pd.DataFrame, protocol: ProtocolRecord) -> dict[str, Mask]:
    """Which cells each average runs over: the protocol's own in reading order, then `ALL_CELLS`.

    An average that has neither cells nor a role is left out. No average runs over cells that the data cannot answer.
    """
    asked = cells[columns.STATUS].ne(UNASKED).to_numpy(bool)
    names_by_cell = [frozenset(names) for names in cells[columns.GROUPS]]
    masks = {
        group: np.array([group.name in names for names in names_by_cell], bool) & asked for group in protocol.groups
    }
    shown = {group.name: mask for group, mask in masks.items() if mask.any() or group.role is not None}
    return shown | {ALL_CELLS: asked}


def first_average_with_cells(masks: Mapping[str, Mask], *names: str | None) -> str:
    """The first of these averages that runs over any cell, else `ALL_CELLS`; a name may be None."""
    return next((name for name in names if name is not None and masks[name].any()), ALL_CELLS)
