"""The first thing that the page says: what was asked of which data, and what may be concluded."""

from __future__ import annotations

from markupsafe import Markup

from bench.charts.markup import element, joined
from bench.evaluation.leaderboard import Ranking
from bench.report.conclusions import conclusions
from bench.report.figures.findings import Findings
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
    if not row.means[by].complete:
        return ["No detector has all its cells: averages are over different ones, and none is the highest."]
    unit = "" if ranking.rank_by in ranking.plain and ranking.rank_by else " %"
    measure = ranking.rank_by or ranking.accuracy
    highest = "highest" if ranking.rank_by_rises else "lowest"
    value = average_text(row.means[by], with_interval=True)
    first = f"{row.detector} has the {highest} {by} {measure}: {value}{unit}."
    return [first, *conclusions(ranking)]


def summary(findings: Findings) -> Markup:
    """A run in a few lines: its question, and what may be said of the best."""
    ranking = findings.rankings[0]
    question = ranking.title.partition(": ")
    said = " ".join(sentence for sentence in _answer(ranking) if _of_the_best(sentence))
    return element(
        "p", element("b", f"{question[0]}: "), f"{question[2]}. " if question[2] else "", said, class_="lead"
    )


def _of_the_best(sentence: str) -> bool:
    """Whether a sentence is about the highest average, or about who is best."""
    return " has the " in sentence or "best" in sentence or "No cell" in sentence
