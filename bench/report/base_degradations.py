"""Accuracies of one question under several base degradations, side by side."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from bench.evaluation.leaderboard import Ranking
from bench.evaluation.ranking_rows import RankingRow
from bench.report.ranking_columns import DASH, TableColumn, TitledTable, average_text, points


def base_degradation_tables(rankings: Sequence[Ranking]) -> list[TitledTable]:
    """One table for each question that was answered under several base degradations.

    It has one row per detector in the order of the first ranking: the average that ranks under each base degradation,
    then the changes against the first.
    """
    groups: dict[Hashable, list[Ranking]] = {}
    for ranking in rankings:
        groups.setdefault((ranking.question, ranking.runtime, ranking.released), []).append(ranking)
    return [_comparison(group) for group in groups.values() if len({ranking.base_degradation for ranking in group}) > 1]


def _comparison(rankings: Sequence[Ranking]) -> TitledTable:
    first, by = rankings[0], rankings[0].ranked_by
    detectors = [row.detector for row in first.rows]
    rows = [{row.detector: row for row in ranking.rows} for ranking in rankings]
    averages = [
        TableColumn(ranking.base_degradation, tuple(_ranking_text(found.get(name), by) for name in detectors))
        for ranking, found in zip(rankings, rows, strict=True)
    ]
    changes = [
        TableColumn(
            f"{ranking.base_degradation} - {first.base_degradation}",
            tuple(_change_text(rows[0][name], found.get(name), by) for name in detectors),
        )
        for ranking, found in zip(rankings[1:], rows[1:], strict=True)
    ]
    accuracy = max((ranking.accuracy for ranking in rankings), key=len)  # balanced accuracy, if any of them is
    title = f"Base degradations side by side: {by} {accuracy} in %, on {first.data}, {first.setting} setting"
    return TitledTable(title, (TableColumn("detector", tuple(detectors), left=True), *averages, *changes))


def _ranking_text(row: RankingRow | None, by: str) -> str:
    return DASH if row is None else average_text(row.means[by], with_interval=True)


def _change_text(before: RankingRow, after: RankingRow | None, by: str) -> str:
    """Percentage points; a dash where either average misses a cell."""
    if after is None or not (before.means[by].complete and after.means[by].complete):
        return DASH
    return points(after.means[by].value - before.means[by].value)
