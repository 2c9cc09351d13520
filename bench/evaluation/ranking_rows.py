"""The rows of a ranking: averages over cells with their intervals, and what is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from bench.evaluation.asked.rank_measures import NOTHING_ASKED, WORST_GENERATOR, AskedMeasures, RankMeasure
from bench.evaluation.averages import Average, intervals_with
from bench.evaluation.cells import CHANCE, SCORED, UNASKED, MeasuredCells
from bench.evaluation.decided_blocks import Mask
from bench.evaluation.speeds import Speed
from bench.evaluation.worst_values import worst_average
from bench.metrics.metric import CLASS_NAMES
from bench.records import columns
from bench.records.manifest import ALL_CELLS, AgreementRecord, CheckpointRecord, ImportRecord, ProtocolRecord
from bench.records.run import Run
from detectors.types import Array

UNDEFINED = float("nan")
TWO_SEEDS = 2  # which show a spread
FIRST_DATA_SET = "the first"  # of several, by name: cells leave it out


@dataclass(frozen=True, slots=True)
class MeanAccuracy:
    """An average over cells, every cell counting alike: of `columns.RANKED`, or of what a user ranks by.

    Attributes:
        value: In [0, 1] but of metrics without bounds; NaN where no cell was scored.
        low: Lower end of its 95% interval, which speaks of the images and not of the training; NaN where none is known.
        high: Upper end.
        cells: Number of cells averaged.
        planned: Number of cells planned. Where fewer were averaged, the average is of other cells than planned.
        spread: Standard deviation of this average over training seeds (n - 1), over those seeds that scored all its
            cells; NaN with fewer than two.
        low_trained: Lower end of its 95% interval over images and training seeds together; NaN with fewer than two.
        high_trained: Upper end.
    """

    value: float
    low: float
    high: float
    cells: int
    planned: int
    spread: float
    low_trained: float = UNDEFINED
    high_trained: float = UNDEFINED

    @property
    def complete(self) -> bool:
        """Whether it averages what was planned."""
        return 0 < self.cells == self.planned


@dataclass(frozen=True, slots=True)
class MeanAndWorst:
    """Accuracies of one row by the values of an axis, every value counting alike.

    Attributes:
        mean: In [0, 1]; NaN where a cell is missing.
        worst: The smallest; NaN where a cell is missing.
        where: The value that it is of.
    """

    mean: float
    worst: float
    where: str


@dataclass(frozen=True, slots=True)
class WorstOf:
    """The smallest average accuracy of one row over the values of an axis.

    Attributes:
        value: In [0, 1]; NaN where a cell is missing, or there is one value.
        low: Lower end of its 95% interval, which allows for the choice.
        high: Upper end.
        where: The value that it is of.
        count: Number of values.
    """

    value: float
    low: float
    high: float
    where: str
    count: int


@dataclass(frozen=True, slots=True)
class RankingRow:
    """One detector in a ranking.

    Attributes:
        rank: The first rank that the tests leave, from 1: of all whose average is higher, those that are better
            beyond chance count. None where cells are missing from the average that ranks, which is not comparable.
        detector: Its name.
        means: Accuracy by group of cells, as `bench.evaluation.cells.average_masks` names them.
        drop: The average of role home minus that of role away; NaN where either is incomplete or not there.
        metrics: By name, of the metrics with a header: mean over all scored cells, NaN where undefined in one of them.
        seeds: Number of training seeds.
        images_per_s: The fastest timing of its own recipe, else of any options, and of those that were not disturbed,
            if there are any; NaN where it was not timed.
        reasons: Why cells are missing.
        at_chance: Whether it tells nothing apart even where it was trained: the interval of its balanced accuracy over
            the group of role home holds 0.5.
        over: Mean and worst of its accuracies over the values of each axis in `ProtocolRecord.worst_over`.
        real_images: The least and the largest number of real images of its scored cells; 0 where none is scored.
        generated_images: The same of generated images.
        checkpoint: What it was loaded from; None where it was trained or imported.
        imported: Where its scores come from; None where they were computed here.
        last_rank: The last rank that the tests leave; None where there is no first.
        rank_interval: The 95% interval of the rank over draws of what the tests are over; None where there is no rank.
        across: The ends of the 95% interval across generators of the average that ranks; NaN where that is unresolved.
        metric_intervals: By name of the metric, the ends of its 95% interval over the images.
        metric_gaps: By name of the metrics that were asked for and are undefined in a cell, why.
        worst: What was asked for of `WORST_TITLES`, by name.
        images_per_s_low: Of the slowest repeat of that timing.
        images_per_s_high: Of the fastest one.
        disturbed: Whether other work made that timing slower.
        library: What computed its networks, with the version; empty where it has none.
        agreement: How far its scores are from those of torch in float32; None where that computed them.
    """

    rank: int | None
    detector: str
    means: Mapping[str, MeanAccuracy]
    drop: float
    metrics: Mapping[str, float]
    seeds: int
    images_per_s: float
    reasons: tuple[str, ...]
    at_chance: bool = False
    over: Mapping[str, MeanAndWorst] = field(default_factory=dict)
    checkpoint: CheckpointRecord | None = None
    real_images: tuple[int, int] = (0, 0)
    generated_images: tuple[int, int] = (0, 0)
    last_rank: int | None = None
    rank_interval: tuple[int, int] | None = None
    across: tuple[float, float] = (UNDEFINED, UNDEFINED)
    metric_intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    imported: ImportRecord | None = None
    metric_gaps: Mapping[str, str] = field(default_factory=dict)
    worst: Mapping[str, WorstOf] = field(default_factory=dict)
    images_per_s_low: float = UNDEFINED
    images_per_s_high: float = UNDEFINED
    disturbed: bool = False
    library: str = ""
    agreement: AgreementRecord | None = None

    @property
    def trained(self) -> bool:
        """Whether it was trained for the run: neither loaded nor imported."""
        return self.checkpoint is None and self.imported is None


def _means_by_seed(seeds: Array, accuracies: Array) -> list[float]:
    """The mean accuracy of planned cells, NaN for cells without scores, under each seed that has all of them."""
    by_seed = [accuracies[seeds == seed] for seed in np.unique(seeds)]
    return [float(found.mean()) for found in by_seed if not np.isnan(found).any()]


def _means_by(
    evaluation: MeasuredCells, own: Mask, detector: str, masks: Mapping[str, Mask], by: RankMeasure
) -> dict[str, MeanAccuracy]:
    """The averages of what ranks over the planned cells of a detector, by group."""
    planned = {name: mask & own for name, mask in masks.items()}
    if by.kind == "average":
        return _averages(evaluation, planned, evaluation.averages[detector], by.name)
    if by.kind == "metric":
        return {name: _metric_mean(evaluation, cells, detector, name, by.name) for name, cells in planned.items()}
    return {name: _worst_mean(evaluation, cells) for name, cells in planned.items()}


def _worst_mean(evaluation: MeasuredCells, planned: Mask) -> MeanAccuracy:
    """The average of the worst generator of the planned cells of a detector."""
    worst, total = worst_average(evaluation, planned, WORST_GENERATOR), int(planned.sum())
    if worst is None:
        return MeanAccuracy(UNDEFINED, UNDEFINED, UNDEFINED, 0, total, UNDEFINED)
    return MeanAccuracy(worst.average.value, worst.low, worst.high, total, total, UNDEFINED)


def _metric_mean(evaluation: MeasuredCells, planned: Mask, detector: str, name: str, metric: str) -> MeanAccuracy:
    """The average of a metric over those planned cells in which it is defined."""
    values, total = evaluation.table[metric].to_numpy(), int(planned.sum())
    there = values[planned & ~np.isnan(values)]
    found = evaluation.metric_averages[detector].get(name, {}).get(metric)
    whole = found is not None and there.size == total
    low, high = (found.low, found.high) if found is not None and whole else (UNDEFINED, UNDEFINED)
    means = _means_by_seed(evaluation.table[columns.SEED].to_numpy()[planned], values[planned])
    spread = float(np.std(means, ddof=1)) if len(means) >= TWO_SEEDS else UNDEFINED
    return MeanAccuracy(float(there.mean()) if there.size else UNDEFINED, low, high, there.size, total, spread)


def _averages(
    evaluation: MeasuredCells, planned: Mapping[str, Mask], known: Mapping[str, Mapping[str, Average]], measure: str
) -> dict[str, MeanAccuracy]:
    """The averages of a measure over those planned cells that were scored, by group.

    Args:
        evaluation: The measured cells.
        planned: The planned cells of one detector, bools (cells,), by group.
        known: Its averages by group, then measure.
        measure: A column of measures.
    """
    accuracies, seeds = evaluation.table[measure].to_numpy(), evaluation.table[columns.SEED].to_numpy()
    found, trainings = {}, {}
    for name, cells in planned.items():
        total, average = int(cells.sum()), known[name].get(measure)
        if average is None:
            found[name] = MeanAccuracy(UNDEFINED, UNDEFINED, UNDEFINED, 0, total, UNDEFINED)
            continue
        count = int((cells & evaluation.scored).sum())
        found[name] = MeanAccuracy(average.value, *average.interval, count, total, UNDEFINED)
        means = _means_by_seed(seeds[cells], accuracies[cells])
        if len(means) >= TWO_SEEDS:
            trainings[name] = float(np.std(means, ddof=1)), len(means)
    added = [spread**2 / count for spread, count in trainings.values()]
    ends = intervals_with([known[name][measure] for name in trainings], added)
    for (name, (spread, _)), (low, high) in zip(trainings.items(), ends, strict=True):
        found[name] = replace(found[name], spread=spread, low_trained=low, high_trained=high)
    return found


def _reasons(evaluation: MeasuredCells, own: Mask) -> tuple[str, ...]:
    """Why cells of one detector are missing, each reason once with the number of cells."""
    if evaluation.scored[own].all():
        return ()
    cells = evaluation.table.loc[own, [columns.STATUS, columns.REASON]]
    missing = cells[~cells[columns.STATUS].isin((SCORED, UNASKED))]
    if missing.empty:
        return ()
    counted = missing.groupby([columns.STATUS, columns.REASON], sort=False).size().reset_index()
    return tuple(
        f"{status} {count} of {len(cells)} cells: {reason}"
        for status, reason, count in counted.itertuples(index=False, name=None)
    )


def _drop(home: MeanAccuracy | None, away: MeanAccuracy | None) -> float:
    """The average of role home minus that of role away; NaN where either is incomplete or not there."""
    if home is None or away is None or not (home.complete and away.complete):
        return UNDEFINED
    return home.value - away.value


def ranking_row(
    detector: str,
    evaluation: MeasuredCells,
    masks: Mapping[str, Mask],
    run: Run,
    speed: Speed,
    asked: AskedMeasures = NOTHING_ASKED,
) -> RankingRow:
    """The row of one detector, not yet ranked."""
    own = evaluation.detectors == detector
    averages, table, protocol = evaluation.averages[detector], evaluation.table, run.manifest.protocol
    means = _means_by(evaluation, own, detector, masks, asked.rank_by)
    images, generated = (table[name].to_numpy()[own & evaluation.scored] for name in (columns.N, columns.N_GENERATED))
    home = protocol.group("home") or ""
    return RankingRow(
        rank=None,
        detector=detector,
        means=means,
        drop=_drop(means.get(home), means.get(protocol.group("away") or "")),
        metrics={name: _plain_mean(table[name].to_numpy()[own & evaluation.scored]) for name in evaluation.headers},
        metric_intervals={
            name: averages[ALL_CELLS][name].interval for name in evaluation.headers if name in averages[ALL_CELLS]
        }
        | {name: (one.low, one.high) for name, one in evaluation.metric_averages[detector].get(ALL_CELLS, {}).items()},
        metric_gaps=_gaps(evaluation, own),
        worst={name: _worst_of(evaluation, masks[ALL_CELLS] & own, name) for name in asked.worst},
        seeds=np.unique(table[columns.SEED].to_numpy()[own]).size,
        images_per_s=speed.value,
        images_per_s_low=speed.low,
        images_per_s_high=speed.high,
        disturbed=speed.disturbed,
        reasons=_reasons(evaluation, own),
        at_chance=_at_chance(averages.get(home, {}).get(columns.BALANCED_ACCURACY)),
        over=_over_axes(evaluation, own, protocol),
        checkpoint=run.manifest.detectors[detector].checkpoint,
        imported=run.manifest.detectors[detector].imported,
        library=run.manifest.detectors[detector].library,
        agreement=run.manifest.detectors[detector].agreement,
        real_images=_span(images - generated),
        generated_images=_span(generated),
    )


def _gaps(evaluation: MeasuredCells, own: Mask) -> dict[str, str]:
    """Why metrics that were asked for are undefined in scored cells, by name; the first reason, with their number."""
    if not evaluation.asked:
        return {}
    found = {}
    names = CLASS_NAMES if evaluation.rescoring.positive else (CLASS_NAMES[1], CLASS_NAMES[0])
    cells = evaluation.table[own & evaluation.scored]
    for metric in evaluation.asked:
        missing = cells[cells[metric.name].isna()]
        if len(missing):
            labels = evaluation.run.score_table[missing[columns.KEY].iloc[0]].images.labels
            labels = labels if evaluation.rescoring.positive else 1 - labels
            reason = metric.reason(labels, UNDEFINED, names) or "undefined"
            found[metric.name] = f"{reason} (in {len(missing)} of {len(cells)} cells)"
    return found


def _worst_of(evaluation: MeasuredCells, planned: Mask, name: str) -> WorstOf:
    """The worst value of an axis of one detector."""
    found = worst_average(evaluation, planned, name)
    if found is None:
        return WorstOf(UNDEFINED, UNDEFINED, UNDEFINED, "", 0)
    return WorstOf(found.average.value, found.low, found.high, found.where, found.count)


def _span(counts: Array) -> tuple[int, int]:
    """The least and the largest of some counts; 0 for none."""
    return (int(counts.min()), int(counts.max())) if len(counts) else (0, 0)


def _plain_mean(values: Array) -> float:
    """The mean of some values; NaN where one of them is, or there are none."""
    return float(values.mean()) if len(values) else UNDEFINED


def _over_axes(evaluation: MeasuredCells, own: Mask, protocol: ProtocolRecord) -> dict[str, MeanAndWorst]:
    """Mean and worst accuracy of one row over the values of each axis that the protocol names, where it has several."""
    if not protocol.worst_over:
        return {}
    cells = evaluation.table.loc[own, [columns.STATUS, columns.RANKED, *protocol.worst_over]]
    cells, found = cells[cells[columns.STATUS].ne(UNASKED)], {}
    for axis in protocol.worst_over:
        means = cells.groupby(axis, sort=False)[columns.RANKED].mean(skipna=False)
        if len(means) > 1:
            whole = not means.isna().any()
            worst = (str(means.idxmin()) or FIRST_DATA_SET) if whole else ""
            found[axis] = MeanAndWorst(float(means.mean(skipna=False)), float(means.min(skipna=False)), worst)
    return found


def _at_chance(balanced: Average | None) -> bool:
    """Whether the interval of a balanced accuracy holds that of guessing; it is not known of cells of one class."""
    return balanced is not None and balanced.interval[0] <= CHANCE <= balanced.interval[1]
