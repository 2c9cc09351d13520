"""What each detector reaches, side by side, with everything brought to one encoding first, and without."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from bench.evaluation.leaderboard import Ranking, RankingRow
from bench.report.ranking_columns import NOTHING, TableColumn, TitledTable, average, points


def side_by_side(rankings: Sequence[Ranking]) -> list[TitledTable]:
    """One table for each question that was answered under several base degradations.

    It has one row per detector in the order of the first ranking: the average that ranks under each base degradation,
    then the changes against the first.
    """
    asked: dict[Hashable, list[Ranking]] = {}
    for one in rankings:
        asked.setdefault((one.question, one.runtime), []).append(one)
    return [_comparison(same) for same in asked.values() if len({one.base_degradation for one in same}) > 1]


def _comparison(rankings: Sequence[Ranking]) -> TitledTable:
    first, by = rankings[0], rankings[0].ranked_by
    detectors = [row.detector for row in first.rows]
    rows = [{row.detector: row for row in one.rows} for one in rankings]
    values = [
        TableColumn(one.base_degradation, tuple(_value(found.get(name), by) for name in detectors))
        for one, found in zip(rankings, rows, strict=True)
    ]
    changes = [
        TableColumn(
            f"{one.base_degradation} - {first.base_degradation}",
            tuple(_change(rows[0][name], found.get(name), by) for name in detectors),
        )
        for one, found in zip(rankings[1:], rows[1:], strict=True)
    ]
    title = f"Base degradations side by side: {by} accuracy in %, on {first.data}, {first.setting} setting"
    return TitledTable(title, (TableColumn("detector", tuple(detectors), left=True), *values, *changes))


def _value(row: RankingRow | None, by: str) -> str:
    return NOTHING if row is None else average(row.means[by], with_interval=True)


def _change(before: RankingRow, after: RankingRow | None, by: str) -> str:
    """Percentage points; a dash where either average misses a cell."""
    if after is None or not (before.means[by].complete and after.means[by].complete):
        return NOTHING
    return points(after.means[by].value - before.means[by].value)
