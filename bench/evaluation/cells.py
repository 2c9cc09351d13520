"""From a run to cells with their measures: decisions, measures of every cell, averages, matrices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.metrics.catalogue import all_metrics, measure
from bench.metrics.metric import called_generated
from bench.platform.errors import InputError
from bench.records import columns
from bench.records.manifest import ALL_CELLS, ProtocolRecord
from bench.records.outcomes import Scored, Unasked
from bench.records.run import Run
from bench.statistics.intervals import RESAMPLES, Floats, bootstrap_accuracies, interval

Mask = NDArray[np.bool_]

SCORED, UNASKED = Scored.status, Unasked.status
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
        draws: Floats (cells, draws), `columns.RANKED` in each resample of the sources; NaN for a cell without scores.
        images: One row per decision, as `decisions` returns them.
        headers: Headers of the metrics that stand on the leaderboard, by name.
        run: What was measured.
    """

    table: pd.DataFrame
    draws: Floats
    images: pd.DataFrame
    headers: Mapping[str, str]
    run: Run

    @cached_property
    def scored(self) -> Mask:
        """Which cells have scores, bools (cells,)."""
        return self.table[columns.STATUS].eq(SCORED).to_numpy()

    def images_of(self, cells: Mask) -> pd.DataFrame:
        """The decisions on the images of these cells."""
        selected: pd.DataFrame = self.images[cells[self.images[columns.CELL].to_numpy(int)]]
        return selected

    def balanced_interval(self, cells: Mask) -> tuple[float, float]:
        """The 95% interval of the mean balanced accuracy of these cells, in [0, 1]; NaN where none has scores."""
        scored = cells & self.scored
        if not scored.any():
            return math.nan, math.nan
        low, high = interval(self.draws[scored].mean(axis=0))
        return float(low), float(high)


def decisions(run: Run) -> pd.DataFrame:
    """The decisions of a run: its scores of scored cells with `columns.CELL` and `columns.CORRECT`.

    An image is called what it is where its score is on the right side; in a cell whose task is to name the generator,
    where the detector names the one that made the image.

    Raises:
        InputError: A cell is called scored and has no scores, or names no generators where that is its task.
    """
    keys = run.cells[columns.KEY].to_numpy()
    scored = np.flatnonzero(run.cells[columns.STATUS].eq(SCORED))
    cells = pd.DataFrame({columns.KEY: keys[scored], columns.CELL: scored})
    images = cells.merge(run.scores, on=columns.KEY)
    _raise_for_cells(run, np.setdiff1d(scored, images[columns.CELL].unique()), "called scored, without scores")
    correct = called_generated(images[columns.SCORE].to_numpy()) == images[columns.LABEL].to_numpy()
    naming = run.cells[columns.TASK].eq("generator").to_numpy()[images[columns.CELL].to_numpy(int)]
    if naming.any():
        correct[naming] = _generator_named(run, images[naming])
    return images.assign(**{columns.CORRECT: correct})


def _generator_named(run: Run, images: pd.DataFrame) -> Mask:
    """Whether the generator of each image was named, bools (N,)."""
    names = run.diagnostics.reindex(columns=[columns.KEY, columns.NAME, columns.GENERATOR, columns.PREDICTED])
    both = images.merge(names, on=[columns.KEY, columns.NAME], how="left", validate="many_to_one")
    unnamed = both[[columns.GENERATOR, columns.PREDICTED]].isna().any(axis=1)
    _raise_for_cells(
        run, both.loc[unnamed, columns.CELL].unique(), "called scored, and an image has no named generator"
    )
    right: Mask = (both[columns.GENERATOR] == both[columns.PREDICTED]).to_numpy(bool)
    return right


def _raise_for_cells(run: Run, faulty: NDArray[np.integer], what: str) -> None:
    """Raise `InputError` where any cells, given by their positions, are at fault."""
    if faulty.size:
        cell = run.cells.iloc[int(faulty[0])]
        where = f"{cell[columns.DETECTOR]} trained on {cell[columns.TRAIN]}, tested on {cell[columns.TEST]}"
        msg = f"{where}: {what} ({faulty.size} such cells): the run is damaged, run the same command again"
        raise InputError(msg)


def evaluate(run: Run, draws: int = RESAMPLES) -> MeasuredCells:
    """Measure every cell of a run; all cells see the same resamples of the sources.

    Raises:
        UnusableScores: A score is not a probability.
        InputError: A cell is called scored and has no scores.
    """
    images = decisions(run)
    labels, scores = images[columns.LABEL].to_numpy(), images[columns.SCORE].to_numpy()
    cells = np.unique(images[columns.CELL].to_numpy(int))
    rows = images.groupby(columns.CELL, sort=True).indices
    metrics = all_metrics()
    names = [columns.N, *(metric.name for metric in metrics)]
    odds = images[columns.LOG_ODDS].to_numpy()
    found = [measure(labels[rows[cell]], scores[rows[cell]], metrics, odds[rows[cell]]) for cell in cells]
    measures = pd.DataFrame(found, index=cells, columns=names)
    by_cell = images.groupby(columns.CELL)
    # pandas keeps the 8 bits of the labels for the sum of a group wherever it fits
    measures[columns.N_GENERATED] = images[columns.LABEL].astype(int).groupby(images[columns.CELL]).sum()
    measures[columns.ACCURACY] = by_cell[columns.CORRECT].mean()
    measures[columns.RANKED] = _ranked(images, measures)
    measures = measures.reindex(range(len(run.cells))).astype(float)
    accuracies, ranked = _draws(images, measures, draws)
    measures[columns.ACCURACY_LOW], measures[columns.ACCURACY_HIGH] = interval(accuracies)
    further = [name for name in names if name not in columns.MEASURES]
    counts = [columns.N, columns.N_GENERATED]
    measures = measures[[*columns.MEASURES, *further]]
    measures[counts] = measures[counts].fillna(0).astype(int)
    table = pd.concat([run.cells.reset_index(drop=True), measures], axis=1)
    headers = {metric.name: metric.header for metric in metrics if metric.header}
    return MeasuredCells(table, ranked, images, headers, run)


def unbalanced(table: pd.DataFrame) -> Mask:
    """Which cells have more images of one class than of the other, bools (cells,)."""
    uneven: Mask = (2 * table[columns.N_GENERATED] != table[columns.N]).to_numpy(bool)
    return uneven


def accuracy_name(table: pd.DataFrame) -> str:
    """What `columns.RANKED` of these cells is called: balanced accuracy where any of them is unbalanced."""
    return "balanced accuracy" if unbalanced(table).any() else "accuracy"


def _ranked(images: pd.DataFrame, measures: pd.DataFrame) -> pd.Series[float]:
    """The accuracy of each cell, or the mean of those of its classes where they are not of one size."""
    classes = images.groupby([columns.CELL, columns.LABEL])[columns.CORRECT].mean().groupby(level=0).mean()
    return measures[columns.ACCURACY].where(~unbalanced(measures), classes)


def _draws(images: pd.DataFrame, measures: pd.DataFrame, draws: int) -> tuple[Floats, Floats]:
    """`columns.ACCURACY` and `columns.RANKED` of every cell in each resample, floats (cells, draws)."""
    accuracies = np.full((len(measures), draws), np.nan)
    if not len(images):
        return accuracies, accuracies
    codes, cells = pd.factorize(images[columns.CELL], sort=True)
    sources, labels, correct = (images[name].to_numpy() for name in (columns.SOURCE, columns.LABEL, columns.CORRECT))
    accuracies[cells] = bootstrap_accuracies(codes, sources, labels, correct, draws)
    if not unbalanced(measures.loc[cells]).any():
        return accuracies, accuracies
    ranked = accuracies.copy()
    ranked[cells] = bootstrap_accuracies(codes, sources, labels, correct, draws, balanced=True)
    return accuracies, ranked


def cells_table(run: Run) -> pd.DataFrame:
    """Every planned cell of a run with its measures: the columns of `Run.cells`, then `columns.MEASURES` in [0, 1].

    `columns.ACCURACY_LOW` and `columns.ACCURACY_HIGH` are the ends of the 95% interval. A cell that was not scored has
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
