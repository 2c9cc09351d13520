"""Arms side by side: what each detector reaches with everything brought to one encoding first, and without."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from bench.evaluation.leaderboard import Ranking, Row
from bench.report.ranking_columns import NOTHING, Column, average, points


@dataclass(frozen=True, slots=True)
class Comparison:
    """The average that ranks, of every detector in every arm.

    Attributes:
        title: What is compared, and on what.
        columns: One row per detector in the order of the first arm; the last columns are changes against it.
    """

    title: str
    columns: tuple[Column, ...]


def side_by_side(rankings: Sequence[Ranking]) -> list[Comparison]:
    """One comparison for each question that was answered in several arms."""
    asked: dict[Hashable, list[Ranking]] = {}
    for one in rankings:
        asked.setdefault((one.question, one.runtime), []).append(one)
    return [_comparison(same) for same in asked.values() if len({one.arm for one in same}) > 1]


def _comparison(arms: Sequence[Ranking]) -> Comparison:
    first, by = arms[0], arms[0].ranked_by
    detectors = [row.detector for row in first.rows]
    rows = [{row.detector: row for row in one.rows} for one in arms]
    values = [
        Column(one.arm, tuple(_value(found.get(name), by) for name in detectors))
        for one, found in zip(arms, rows, strict=True)
    ]
    changes = [
        Column(f"{one.arm} - {first.arm}", tuple(_change(rows[0][name], found.get(name), by) for name in detectors))
        for one, found in zip(arms[1:], rows[1:], strict=True)
    ]
    title = f"Arms side by side: {by} accuracy in %, on {first.data}, {first.setting} setting"
    return Comparison(title, (Column("detector", tuple(detectors), left=True), *values, *changes))


def _value(row: Row | None, by: str) -> str:
    return NOTHING if row is None else average(row.means[by], with_interval=True)


def _change(before: Row, after: Row | None, by: str) -> str:
    """Percentage points; a dash where either average misses a cell."""
    if after is None or not (before.means[by].complete and after.means[by].complete):
        return NOTHING
    return points(after.means[by].value - before.means[by].value)
