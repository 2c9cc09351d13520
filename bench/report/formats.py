"""Rankings as Markdown, CSV and JSON. The same rows everywhere; shares are in [0, 1] in CSV and JSON."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Literal

import pandas as pd

from bench.evaluation.leaderboard import Ranking
from bench.evaluation.ranking_rows import RankingRow
from bench.platform.outside.json_text import json_document
from bench.platform.outside.spreadsheets import spreadsheet_csv
from bench.platform.printable import printable
from bench.records import columns
from bench.report.base_degradations import base_degradation_tables
from bench.report.conclusions import conclusions
from bench.report.ranking_columns import (
    ACCURACY,
    TableColumn,
    TitledTable,
    heading,
    legend,
    notes,
    percent,
    ranking_columns,
    training_text,
)
from bench.report.sections.published import PublishedRows

_AN_ARGUMENT = re.compile(r"^(\s*)([\[*])", re.MULTILINE)  # what the end of the row above would take for its own
_MARKS = str.maketrans({"\\": "\\\\", "<": "&lt;", "|": "\\|", "`": "\\`"})
_A_COMMAND = re.compile(r"\\`((?:lineup |--)[\w .,=-]+)\\`")  # which says itself that it is one, and harms nothing


def as_plain_markdown(text: str) -> str:
    """A text as Markdown shows it: what others wrote is no HTML, no link, no picture, no code and no column.

    A command or an option of Lineup in backticks is code.
    """
    return _A_COMMAND.sub(r"`\1`", printable(text).translate(_MARKS).replace("](", "]\\("))


def _table(shown: Sequence[TableColumn], form: Literal["github", "latex_booktabs"]) -> str:
    if form == "github":
        shown = [
            TableColumn(as_plain_markdown(column.header), tuple(map(as_plain_markdown, column.texts)), column.left)
            for column in shown
        ]
    rows = list(zip(*(column.texts for column in shown), strict=True))
    align = ["left" if column.left else "right" for column in shown]
    headers = [column.header for column in shown]
    table = _tabulated(rows, headers, form, align)
    return _AN_ARGUMENT.sub(r"\1{}\2", table) if form == "latex_booktabs" else table


def _tabulated(
    rows: Sequence[Sequence[str]], headers: Sequence[str], form: str, align: Sequence[str] | None = None
) -> str:
    from tabulate import tabulate  # which imports the widths of all characters: a terminal's table does without

    table: str = tabulate(rows, headers, tablefmt=form, disable_numparse=True, colalign=align)
    return table


def _markdown_published(published: PublishedRows) -> str:
    rows = [(row.detector, percent(row.average), f"{row.source}, {row.table}") for row in published.rows]
    table = _tabulated(rows, ["detector", "average", "source"], "github")
    return f"**{published.title}**\n\n{table}"


def as_markdown(rankings: Sequence[Ranking], published: Sequence[PublishedRows] = ()) -> str:
    """Rankings as GitHub tables, each under its title with its data; published figures in blocks of their own."""
    blocks = []
    for ranking in rankings:
        missing = "\n".join(f"- {as_plain_markdown(note)}" for note in notes(ranking))
        warned = "\n".join(f"> {as_plain_markdown(notice)}\n>" for notice in ranking.notices).removesuffix("\n>")
        table = _table(ranking_columns(ranking), "github")
        concluded = "\n".join(f"- {as_plain_markdown(sentence)}" for sentence in conclusions(ranking))
        title, about = as_plain_markdown(ranking.title), as_plain_markdown(heading(ranking))
        parts = (f"### {title}", about, warned, table, concluded, missing, legend(ranking))
        blocks.append("\n\n".join(filter(None, parts)))
    blocks += map(_markdown_titled, base_degradation_tables(rankings))
    return "\n\n".join([*blocks, *map(_markdown_published, published)]) + "\n"


def section_as_markdown(tables: Sequence[TitledTable], legend: str) -> str:
    """Tables as GitHub tables under their titles, and how to read them."""
    return "\n\n".join([*map(_markdown_titled, tables), legend]) + "\n"


def section_as_latex(tables: Sequence[TitledTable]) -> str:
    """Tables for LaTeX with the package booktabs, under their titles as comments."""
    return (
        "\n".join(f"% {' '.join(table.title.split())}\n{_table(table.columns, 'latex_booktabs')}" for table in tables)
        + "\n"
    )


def as_latex(rankings: Sequence[Ranking]) -> str:
    """Rankings as tables for LaTeX with the package booktabs."""
    return section_as_latex([TitledTable(ranking.title, tuple(ranking_columns(ranking))) for ranking in rankings])


def _markdown_titled(table: TitledTable) -> str:
    return f"### {as_plain_markdown(table.title)}\n\n{_table(table.columns, 'github')}"


def _csv_row(ranking: Ranking, row: RankingRow) -> dict[str, Any]:
    """One row of the CSV file."""
    flat: dict[str, Any] = {
        "protocol": ranking.protocol,
        "data": ranking.data,
        "base_degradation": ranking.base_degradation,
        "setting": ranking.setting,
        "runtime": ranking.runtime,
        "rank": row.rank,
        "last_rank": row.last_rank,
        **dict(zip(("rank_low", "rank_high"), row.rank_interval or (None, None), strict=True)),
        columns.DETECTOR: row.detector,
        **dict(zip(("across_generators_low", "across_generators_high"), row.across, strict=True)),
    }
    if ranking.accuracy != ACCURACY:
        counts = (*row.real_images, *row.generated_images)
        flat["averaged"] = ranking.accuracy
        flat |= dict(zip(("real_min", "real_max", "generated_min", "generated_max"), counts, strict=True))
    for name, mean in row.means.items():
        flat |= {f"{name} {field}": value for field, value in asdict(mean).items()}
    said = {"ranked_by": ranking.rank_by, "applied": " ".join(ranking.applied)}
    flat |= {name: text for name, text in said.items() if text}
    for axis, found in row.over.items():
        flat |= {f"{axis} {field}": value for field, value in asdict(found).items()}
    flat |= _origin(row)
    flat |= {f"{name} {part}": value for name, one in row.worst.items() for part, value in asdict(one).items()}
    flat |= {f"{name} not measurable": reason for name, reason in row.metric_gaps.items()}
    return flat | {
        **({"drop": row.drop} if ranking.home and ranking.away else {}),
        **row.metrics,
        **{
            f"{name} {end}": value
            for name, ends in row.metric_intervals.items()
            for end, value in zip(("low", "high"), ends, strict=True)
        },
        "seeds": row.seeds,
        columns.IMAGES_PER_S: row.images_per_s,
        columns.IMAGES_PER_S_LOW: row.images_per_s_low,
        columns.IMAGES_PER_S_HIGH: row.images_per_s_high,
        columns.DISTURBED: row.disturbed,
        **_library(row),
        "at_chance": row.at_chance,
        "reasons": "; ".join(row.reasons),
    }


def _origin(row: RankingRow) -> dict[str, Any]:
    """Where the scores of a row that was not trained come from."""
    found: dict[str, Any] = {}
    if row.checkpoint:
        found |= {"checkpoint": row.checkpoint.file, "sha256": row.checkpoint.sha256}
        found["trained_on"] = training_text(row.checkpoint)
    if row.imported:
        found |= {"imported": row.imported.file, "sha256": row.imported.sha256}
        found |= {"trained_on": training_text(row.imported), "imported_scores": row.imported.scores}
        found |= {"coverage": row.imported.coverage, "on_missing": row.imported.on_missing}
    return found


def _library(row: RankingRow) -> dict[str, Any]:
    """What computed the networks of a row, and how far its scores are from torch's in float32."""
    found: dict[str, Any] = {columns.LIBRARY: row.library} if row.library else {}
    if row.agreement:
        found |= {"largest_change": row.agreement.largest_change, "flips": row.agreement.flips}
    return found


def ranking_rows(rankings: Sequence[Ranking]) -> pd.DataFrame:
    """Rankings as one table for programs, a row per detector and ranking.

    Every value is as it was measured, of dtype object, so that a whole number beside missing ones stays one; shares are
    in [0, 1], the ends of intervals columns of their own, None or NaN where undefined.
    """
    return pd.DataFrame([_csv_row(ranking, row) for ranking in rankings for row in ranking.rows], dtype=object)


def as_frame(rankings: Sequence[Ranking]) -> pd.DataFrame:
    """The same with a dtype for each column; missing where undefined."""
    return ranking_rows(rankings).convert_dtypes()


def as_csv(rankings: Sequence[Ranking]) -> str:
    """Rankings as one CSV table for spreadsheets, a row per detector and ranking; empty where undefined."""
    return spreadsheet_csv(ranking_rows(rankings))


def as_json(rankings: Sequence[Ranking]) -> str:
    """Rankings as JSON; null where undefined."""
    return json_document([asdict(ranking) for ranking in rankings]) + "\n"
