"""From runs to rankings: one row per detector, averages over cells with their intervals, and what is missing.

Which average ranks follows from the roles of the protocol's groups. Nothing here knows a detector or a protocol by
name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bench.evaluation.asked.rank_measures import NOTHING_ASKED, WORST_GENERATOR, WORST_TITLES, AskedMeasures
from bench.evaluation.asked.rescoring import AS_STORED
from bench.evaluation.cells import (
    MeasuredCells,
    accuracy_name,
    average_masks,
    evaluate,
    first_average_with_cells,
)
from bench.evaluation.decided_blocks import Mask
from bench.evaluation.joined_runs import join_runs
from bench.evaluation.notices import notices
from bench.evaluation.pairwise.pool_comparison import PairVerdict, PoolComparison, compare_pool_by
from bench.evaluation.ranking_rows import RankingRow, ranking_row
from bench.evaluation.speeds import Speed, speeds_of
from bench.evaluation.worst_values import worst_average
from bench.platform.files import digest
from bench.records import columns
from bench.records.run import Run
from protocols.api import NONE, PublishedAverage, Role

ROLES: tuple[Role, ...] = ("home", "away")


@dataclass(frozen=True, slots=True)
class Ranking:
    """Detectors that answered the same question on the same images in the same setting, best first.

    Attributes:
        title: The protocol's.
        data: Title of the data, to stand on every rendering.
        setting: "paper" or "small".
        runtime: Device and precision, and that torch degraded where it did.
        protocol: The protocol's name.
        generators: Names of the generators in the data.
        trains: Names of the training subsets.
        home: The group of role home, tested on what was trained on; None where the protocol has none.
        away: The group of role away, tested on other generators; None where the protocol has none.
        ranked_by: The group that ranks.
        rows: One per detector, ranked ones first.
        headers: Headers of the rows' metrics, by name.
        base_degradation: The degradation that every image went through first, "none" for none.
        notices: What must be read before the table: shortcuts in the data, leakage, what was excluded.
        question: Alike for rankings that differ in their base degradation alone: the same cells over the same files.
        published: Which published averages may be shown beside the ranking; None for none.
        released: Whether its rows are released checkpoints or imported scores: nothing was trained.
        over: What tables call a value of the axes that `RankingRow.over` has.
        accuracy: What is averaged and ranks: "accuracy", or "balanced accuracy" where any cell has more images of one
            class than of the other.
        images: Number of distinct images that were scored.
        sources: Number of their distinct sources, which intervals count.
        tasks: Of its cells, as `protocols.api.Cell` has them: what an accuracy is of.
        across: Over which generators ranks are tested; or why nothing is said across generators.
        pairs: Every pair of rows with a rank, the higher average first.
        groups: Rows of which no two are told apart, for a critical-difference diagram.
        rank_by: What is averaged and ranks where a user chose it; empty for `accuracy`.
        rank_by_rises: Whether more of it is better.
        tested: Whether pairs are tested on these generators.
        plain: What does not stand in per cent: names of metrics, and of what ranks.
        asked: Names of the metrics that were asked for.
        worst: What tables call the worst values that were asked for, by name.
        applied: What became of stored scores before they were measured, in sentences.
        mark: What stands behind headers of what was measured with answers that no user has; empty for nothing.
    """

    title: str
    data: str
    setting: str
    runtime: str
    protocol: str
    generators: tuple[str, ...]
    trains: tuple[str, ...]
    home: str | None
    away: str | None
    ranked_by: str
    rows: tuple[RankingRow, ...]
    headers: Mapping[str, str]
    base_degradation: str = NONE
    notices: tuple[str, ...] = ()
    question: str = ""
    published: PublishedAverage | None = None
    released: bool = False
    over: Mapping[str, str] = field(default_factory=dict)
    accuracy: str = "accuracy"
    images: int = 0
    sources: int = 0
    tasks: tuple[str, ...] = ("binary",)
    across: str = ""
    pairs: tuple[PairVerdict, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    rank_by: str = ""
    rank_by_rises: bool = True
    tested: bool = True
    plain: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    worst: Mapping[str, str] = field(default_factory=dict)
    applied: tuple[str, ...] = ()
    mark: str = ""

    @property
    def generalises(self) -> bool:
        """Whether ranks are of tests across generators, and not on these alone."""
        return any(pair.generators for pair in self.pairs)

    @property
    def leading(self) -> tuple[str, ...]:
        """The averages to look at first: those of the roles home and away, or the one that ranks without either."""
        return tuple(name for name in (self.home, self.away) if name is not None) or (self.ranked_by,)


def _in_order(rows: Sequence[RankingRow], by: str, *, rises: bool) -> list[RankingRow]:
    """The rows whose average is complete, best first, then the others; `rises` where more is better."""
    sign = -1 if rises else 1
    return sorted(
        rows, key=lambda row: (not row.means[by].complete, sign * np.nan_to_num(row.means[by].value), row.detector)
    )


def _ranked(rows: Sequence[RankingRow], comparison: PoolComparison | None) -> tuple[RankingRow, ...]:
    """The rows with the ranks that the tests leave them, those of the comparison first and in its order."""
    if comparison is None:
        return tuple(rows)
    found = zip(rows, comparison.rank_bounds(), comparison.rank_intervals(), comparison.ends.tolist(), strict=False)
    ranked = [
        replace(row, rank=first, last_rank=last, rank_interval=interval, across=(low, high))
        for row, (first, last), interval, (low, high) in found
    ]
    return (*ranked, *rows[len(ranked) :])


def ranking(run: Run, measured: MeasuredCells | None = None) -> Ranking:
    """The first of `rankings_of` a run: that of its trained detectors, if it has any."""
    return rankings_of(run, measured)[0]


def rankings_of(run: Run, measured: MeasuredCells | None = None, asked: AskedMeasures = NOTHING_ASKED) -> list[Ranking]:
    """Rank the trained detectors of one run, and apart from them its released and imported ones, where there are any.

    Args:
        run: The run.
        measured: Its cells, where they are measured already, with what is asked.
        asked: What is shown beside the usual, and what ranks.
    """
    evaluation = measured or evaluate(run, asked.metrics, asked.rescoring)
    run = evaluation.run
    names = [name for name, record in run.manifest.detectors.items() if record.trained]
    trained = evaluation.table[columns.DETECTOR].isin(names).to_numpy()
    return [_ranking(run, evaluation, kind, asked) for kind in (trained, ~trained) if kind.any()]


def _with_cells(group: str | None, masks: Mapping[str, Mask], kind: Mask) -> str | None:
    """The group, or None where rows of one kind among several have no cell in it."""
    return group if group and (kind.all() or masks[group].any()) else None


def _ranking(run: Run, evaluation: MeasuredCells, kind: Mask, asked: AskedMeasures) -> Ranking:
    """Rank the rows of these cells by the average of role away, else of role home, else over all cells."""
    manifest = run.manifest
    protocol, data, runtime, further = manifest.protocol, manifest.data, manifest.runtime, manifest.further.values()
    masks = {name: mask & kind for name, mask in average_masks(evaluation.table, protocol).items()}
    home, away = (_with_cells(protocol.group(role), masks, kind) for role in ROLES)
    by = first_average_with_cells(masks, away, home)
    speeds = speeds_of(run)
    rows = [
        ranking_row(detector, evaluation, masks, run, speeds.get(detector, Speed()), asked)
        for detector in evaluation.table.loc[kind, columns.DETECTOR].unique()
    ]
    rows = _in_order(rows, by, rises=asked.rank_by.higher_is_better)
    complete = [row.detector for row in rows if row.means[by].complete]
    comparison = _comparison(evaluation, masks[by], by, complete, asked) if complete else None
    released = not rows[0].trained
    keys = evaluation.table.loc[kind & evaluation.scored, columns.KEY]
    tests = run.score_table.only(keys).test_images()
    return Ranking(
        title=f"{protocol.title} ({_kinds_text(rows)})" if released and protocol.trains else protocol.title,
        data=data.title if protocol.trains else ", ".join([data.title, *(more.title for more in further)]),
        setting="paper" if any(row.checkpoint for row in rows) else manifest.setting,
        runtime=runtime.conditions,
        protocol=protocol.name,
        generators=data.generators,
        trains=tuple(evaluation.table.loc[kind, columns.TRAIN].unique()),
        home=home,
        away=away,
        ranked_by=by,
        rows=_ranked(rows, comparison),
        across=comparison.scope if comparison else "",
        pairs=tuple(comparison.pairs()) if comparison else (),
        groups=comparison.groups() if comparison else (),
        headers=evaluation.headers,
        base_degradation=data.base_degradation,
        notices=tuple(notices(evaluation, masks, kind)),
        question=_question_digest(run),
        published=None if released or asked.rank_by.title or asked.rescoring != AS_STORED else protocol.published,
        released=released,
        over=protocol.worst_over,
        accuracy=accuracy_name(evaluation.table[kind]),
        images=len({name for one in tests for name in one.names}),
        sources=len({source for one in tests for source in one.sources}),
        tasks=tuple(evaluation.table.loc[kind, columns.TASK].unique()),
        **_asked_fields(evaluation, asked),
    )


def _comparison(
    evaluation: MeasuredCells, cells: Mask, name: str, detectors: Sequence[str], asked: AskedMeasures
) -> PoolComparison:
    """The detectors whose average is complete against one another, by what ranks."""
    worst = {}
    if asked.rank_by.kind == "worst":
        rows = evaluation.table[columns.DETECTOR].to_numpy()
        found = {one: worst_average(evaluation, cells & (rows == one), WORST_GENERATOR) for one in detectors}
        worst = {detector: one for detector, one in found.items() if one is not None}
    return compare_pool_by(evaluation, cells, name, detectors, asked.rank_by, worst)


def _asked_fields(evaluation: MeasuredCells, asked: AskedMeasures) -> dict[str, Any]:
    """What a ranking says of what was asked for."""
    by, rescoring = asked.rank_by, evaluation.rescoring
    plain = [metric.name for metric in evaluation.asked if not metric.is_share]
    return {
        "rank_by": by.title,
        "rank_by_rises": by.higher_is_better,
        "tested": by.kind != "metric",
        "plain": (*plain, *([] if by.is_share else [by.title])),
        "asked": tuple(metric.name for metric in evaluation.asked),
        "worst": {name: WORST_TITLES[name] for name in asked.worst},
        "applied": tuple(rescoring.sentences()),
        "mark": rescoring.mark,
    }


def _kinds_text(rows: Sequence[RankingRow]) -> str:
    """What rows that were not trained are."""
    released, imported = any(row.checkpoint for row in rows), any(row.imported for row in rows)
    return " and ".join([*["released checkpoints"] * released, *["imported scores"] * imported])


def _question_digest(run: Run) -> str:
    """Digest of the cells and the files that they are asked of, whatever the base degradation."""
    protocol, data = run.manifest.protocol, run.manifest.data
    names = list(columns.of_question(protocol.axes))
    cells = sorted(map(repr, run.cells[names].drop_duplicates().itertuples(index=False, name=None)))
    further = [f"{name} {further.digest}" for name, further in sorted(run.manifest.further.items())]
    return digest(protocol.name, run.manifest.setting, data.files or data.digest, *names, *cells, *further)


def rankings(runs: Sequence[Run], asked: AskedMeasures = NOTHING_ASKED) -> list[Ranking]:
    """One ranking per question asked: runs on other images, in another setting or of other cells are kept apart.

    Args:
        runs: The runs.
        asked: What is shown beside the usual, and what ranks.

    Raises:
        InputError: One detector appears in two versions.
        UnusableScores: A score is not a probability.
    """
    return [found for run in join_runs(runs) for found in rankings_of(run, asked=asked)]
