"""The first thing that the page says: what was asked of which data, and what may be concluded."""

from __future__ import annotations

from markupsafe import Markup

from bench.charts.markup import element, joined
from bench.evaluation.leaderboard import Ranking
from bench.report.conclusions import conclusions
from bench.report.page.parts import paragraphs
from bench.report.ranking_columns import average_text, heading


def opening(ranking: Ranking) -> Markup:
    """The question, the answer as far as tests give one, and what must be read before any number."""
    warned = [*ranking.notices]
    failed = [row.detector for row in ranking.rows if row.reasons]
    if failed:
        warned.insert(0, f"Cells are missing for {', '.join(failed)}: an average that misses a cell has no rank.")
    return joined(
        element("p", heading(ranking), class_="faint"),
        element("div", paragraphs(_answer(ranking)), class_="said lead"),
        element("div", paragraphs(warned), class_="warned") if warned else None,
    )


def _answer(ranking: Ranking) -> list[str]:
    """The highest average with its interval, then what the tests say."""
    row, by = ranking.rows[0], ranking.ranked_by
    if not row.means[by].cells:
        return ["No cell was scored."]
    unit = "" if ranking.rank_by in ranking.plain and ranking.rank_by else " %"
    measure = ranking.rank_by or ranking.accuracy
    highest = "highest" if ranking.rank_by_rises else "lowest"
    value = average_text(row.means[by], with_interval=True)
    first = f"{row.detector} has the {highest} {by} {measure}: {value}{unit}."
    return [first, *conclusions(ranking)]
