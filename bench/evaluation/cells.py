"""From runs to cells with their measures: joining runs, measuring every cell, laying cells out as a matrix."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.evaluation.metrics import all_metrics, called_generated, measure
from bench.platform.errors import InputError
from bench.records import columns
from bench.records.manifest import ALL_CELLS, DataRecord, DetectorRecord, ProtocolRecord
from bench.records.outcomes import Scored
from bench.records.run import Run
from bench.statistics.intervals import RESAMPLES, Floats, bootstrap_accuracies, interval

Mask = NDArray[np.bool_]

SCORED = Scored.status
CLASSIC = (columns.TRAIN, columns.TEST, columns.DEGRADATION)  # axes that are shown whether they vary or not
# what readers see where no further axis varies
TABLE_COLUMNS = (columns.DETECTOR, *CLASSIC, columns.SEED, *columns.MEASURES, columns.STATUS, columns.REASON)


@dataclass(frozen=True)
class MeasuredCells:
    """The measured cells of a run.

    Attributes:
        table: One row per planned cell in planned order: the columns of `Run.cells`, then `columns.MEASURES` and
            the metrics of other packages.
        draws: Floats (cells, draws), the accuracy in each resample of the sources; NaN for a cell without scores.
        images: One row per decision, as `decided` returns them.
        headers: Headers of the metrics that stand on the leaderboard, by name.
    """

    table: pd.DataFrame
    draws: Floats
    images: pd.DataFrame
    headers: Mapping[str, str]


def decided(run: Run) -> pd.DataFrame:
    """The decisions of a run: its scores of scored cells with `columns.CELL` and `columns.CORRECT`.

    An image is called what it is where its score is on the right side; in a cell whose task is to name the generator,
    where the detector names the one that made the image.

    Raises:
        ValueError: A cell is called scored and has no scores, or names no generators where that is its task.
    """
    keys = run.cells[columns.KEY].to_numpy()
    scored = np.flatnonzero(run.cells[columns.STATUS].eq(SCORED))
    cells = pd.DataFrame({columns.KEY: keys[scored], columns.CELL: scored})
    images = cells.merge(run.scores, on=columns.KEY)
    _demand(run, np.setdiff1d(scored, images[columns.CELL].unique()), "called scored, without scores")
    correct = called_generated(images[columns.SCORE].to_numpy()) == images[columns.LABEL].to_numpy()
    naming = run.cells[columns.TASK].eq("generator").to_numpy()[images[columns.CELL].to_numpy(int)]
    if naming.any():
        correct[naming] = _named(run, images[naming])
    return images.assign(**{columns.CORRECT: correct})


def _named(run: Run, images: pd.DataFrame) -> Mask:
    """Whether the generator of each image was named."""
    told = run.diagnostics.reindex(columns=[columns.KEY, columns.NAME, columns.GENERATOR, columns.PREDICTED])
    both = images.merge(told, on=[columns.KEY, columns.NAME], how="left", validate="many_to_one")
    unnamed = both[[columns.GENERATOR, columns.PREDICTED]].isna().any(axis=1)
    _demand(run, both.loc[unnamed, columns.CELL].unique(), "called scored, and an image has no named generator")
    right: Mask = (both[columns.GENERATOR] == both[columns.PREDICTED]).to_numpy(bool)
    return right


def _demand(run: Run, faulty: NDArray[np.integer], what: str) -> None:
    if faulty.size:
        cell = run.cells.iloc[int(faulty[0])]
        where = f"{cell[columns.DETECTOR]} trained on {cell[columns.TRAIN]}, tested on {cell[columns.TEST]}"
        raise ValueError(f"{where}: {what} ({faulty.size} such cells): the run is damaged, score it again")


def evaluate(run: Run, draws: int = RESAMPLES) -> MeasuredCells:
    """Measure every cell of a run; all cells see the same resamples of the sources.

    Raises:
        UnusableScores: A score is not a probability.
        ValueError: A cell is called scored and has no scores.
    """
    images = decided(run)
    labels, scores = images[columns.LABEL].to_numpy(), images[columns.SCORE].to_numpy()
    correct = images[columns.CORRECT].to_numpy()
    codes, cells = pd.factorize(images[columns.CELL], sort=True)
    rows = images.groupby(columns.CELL, sort=True).indices
    every_draw = np.full((len(run.cells), draws), np.nan)
    if len(images):
        every_draw[cells] = bootstrap_accuracies(codes, images[columns.SOURCE].to_numpy(), labels, correct, draws)
    metrics = all_metrics()
    names = [columns.N, *(metric.name for metric in metrics)]
    found = [measure(labels[rows[cell]], scores[rows[cell]], metrics) for cell in cells]
    measures = pd.DataFrame(found, index=cells, columns=names)
    measures[columns.ACCURACY] = images.groupby(columns.CELL)[columns.CORRECT].mean()
    measures = measures.reindex(range(len(run.cells))).astype(float)
    measures[columns.ACCURACY_LOW], measures[columns.ACCURACY_HIGH] = interval(every_draw)
    further = [name for name in names if name not in columns.MEASURES]
    measures = measures[[*columns.MEASURES, *further]].fillna({columns.N: 0}).astype({columns.N: int})
    table = pd.concat([run.cells.reset_index(drop=True), measures], axis=1)
    headers = {metric.name: metric.header for metric in metrics if metric.header}
    return MeasuredCells(table, every_draw, images, headers)


def cells_table(run: Run) -> pd.DataFrame:
    """Every planned cell of a run with its measures: the columns of `Run.cells`, then `columns.MEASURES` in [0, 1].

    `columns.ACCURACY_LOW` and `columns.ACCURACY_HIGH` are the ends of the 95% interval. A cell that was not scored has
    0 images, NaN measures and its reason.
    """
    return evaluate(run).table


def axes_shown(cells: pd.DataFrame, protocol: ProtocolRecord) -> list[str]:
    """The axes that tell cells apart for a reader: the classic ones, those of the view, and whatever else varies."""
    always = {*CLASSIC, protocol.rows.name, protocol.columns.name}
    return [axis for axis in columns.of_question(protocol.axes) if axis in always or cells[axis].nunique() > 1]


def for_readers(table: pd.DataFrame, protocol: ProtocolRecord) -> pd.DataFrame:
    """The columns of `cells_table` that a reader needs: no keys, no groups, and no axis that says nothing."""
    names = (columns.DETECTOR, *axes_shown(table, protocol), columns.SEED)
    measures = [name for name in table.columns if name not in columns.of_cells(protocol.axes)]
    return table[[*names, *measures, columns.STATUS, columns.REASON]]


def matrix(table: pd.DataFrame, detector: str, protocol: ProtocolRecord) -> pd.DataFrame:
    """The accuracies of one detector laid out as the protocol shows them.

    Args:
        table: As `cells_table` returns it.
        detector: A detector of that table.
        protocol: Which axis names the rows and which the columns.

    Returns:
        Accuracy in [0, 1] per row and column in planned order, the mean over training seeds (and over whatever else
        the view folds together). NaN where any cell behind the mean is missing: a mean over the rest would not say so.
    """
    mine = table[table[columns.DETECTOR] == detector]
    rows, across = protocol.rows.name, protocol.columns.name
    groups = mine.groupby([rows, across], sort=False)[columns.ACCURACY]
    means = groups.mean().where(groups.count() == groups.size()).unstack(sort=False)
    return means.loc[mine[rows].unique(), mine[across].unique()]


def averages(cells: pd.DataFrame, protocol: ProtocolRecord) -> dict[str, Mask]:
    """Which cells each average runs over: the protocol's own in reading order, then `ALL_CELLS`.

    An average that has neither cells nor a role is left out.
    """
    members = [frozenset(names) for names in cells[columns.GROUPS]]
    masks = {group: np.array([group.name in names for names in members], bool) for group in protocol.groups}
    found = {group.name: mask for group, mask in masks.items() if mask.any() or group.role is not None}
    return found | {ALL_CELLS: np.ones(len(cells), bool)}


def first_with_cells(found: Mapping[str, Mask], *names: str | None) -> str:
    """The first of these averages that is there and runs over any cell, else `ALL_CELLS`."""
    return next((name for name in names if name is not None and found[name].any()), ALL_CELLS)


def _question(run: Run) -> Hashable:
    """What must be alike for two runs to stand in one table."""
    asked, runtime, protocol = run.manifest, run.manifest.runtime, run.manifest.protocol
    data = (_images(asked.data), tuple((name, _images(one)) for name, one in sorted(asked.further.items())))
    same_runtime = (runtime.device.partition(":")[0], runtime.precision)
    names = list(columns.of_question(protocol.axes))
    cells = frozenset(run.cells[names].itertuples(index=False, name=None))
    return protocol.name, protocol.axes, protocol.groups, asked.setting, data, same_runtime, cells


def _images(data: DataRecord) -> Hashable:
    return data.title, data.kind, data.digest, data.images


def _joined_cells(runs: Sequence[Run]) -> pd.DataFrame:
    """The cells of all runs, each once; one that a run skipped and another scored is scored."""
    identity = list(columns.of_identity(runs[0].manifest.protocol.axes))
    cells = pd.concat([run.cells for run in runs], ignore_index=True)
    scored = cells[cells[columns.STATUS].eq(SCORED)].drop_duplicates([*identity, columns.KEY])
    if (twice := scored[scored.duplicated(identity)]).size:
        cell = twice.iloc[0]
        where = f"{cell[columns.DETECTOR]} trained on {cell[columns.TRAIN]}, tested on {cell[columns.TEST]}"
        raise InputError(f"{where} has scores in two versions: choose runs of one version")
    kept = pd.concat([scored, cells[~cells[columns.STATUS].eq(SCORED)]]).drop_duplicates(identity)
    return kept.sort_index(ignore_index=True)


def _join(runs: Sequence[Run]) -> Run:
    """One run out of several that asked the same question."""
    detectors: dict[str, DetectorRecord] = {}
    for name, entry in (item for run in runs for item in run.manifest.detectors.items()):
        if detectors.setdefault(name, entry).key != entry.key:
            msg = f"{name} appears as {detectors[name].key} and as {entry.key}: choose runs of one version"
            raise InputError(msg)
    of_images = [columns.KEY, columns.NAME]
    tables = ([run.scores for run in runs], [run.diagnostics for run in runs])
    scores, diagnostics = (pd.concat(one, ignore_index=True).drop_duplicates(of_images) for one in tables)
    throughput = pd.concat([run.throughput for run in runs], ignore_index=True)
    seeds = tuple(sorted({seed for run in runs for seed in run.manifest.seeds}))
    manifest = replace(runs[0].manifest, detectors=detectors, seeds=seeds)
    return Run(manifest, _joined_cells(runs), scores, throughput, diagnostics)


def combine(runs: Sequence[Run]) -> list[Run]:
    """Join the runs that may stand in one table, and keep the others apart.

    Runs are joined when protocol, setting, data (title, kind, digest, number of images), kind of device, precision,
    averages and planned questions agree: they add detectors and seeds to one another.

    Returns:
        One run per question, in the order in which they were first asked.

    Raises:
        InputError: One detector appears in two versions.
    """
    asked: dict[Hashable, list[Run]] = {}
    for run in runs:
        asked.setdefault(_question(run), []).append(run)
    return [same[0] if len(same) == 1 else _join(same) for same in asked.values()]
