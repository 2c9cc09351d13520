"""Everything that a run says of one image, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from rich.console import Group
from rich.text import Text

from bench.analyses.scores.image_view import FLIPPED, ImageView
from bench.analyses.scores.questions import CALLED
from bench.evaluation.cells import SCORED
from bench.metrics.metric import CLASS_NAMES
from bench.records import columns
from bench.report.ranking_columns import DASH, TableColumn, TitledTable, percent
from bench.report.terminal import titled_tables


def image_report(view: ImageView) -> Group:
    """What an image is, what each detector made of it, and where verdicts flip."""
    made = f" by {view.generator}" if view.generator else ""
    title = f"{view.name}: {CLASS_NAMES[view.label]}{made}. Source: {view.source}."
    right = view.answers[columns.CORRECT].dropna().astype(bool)
    said = f"{int(right.sum()):,} of {len(right):,} answers are right."
    missing = int(view.answers[columns.STATUS].ne(SCORED).sum())
    if missing:
        said += f" {missing:,} cells have none."
    return Group(Text(title, style="bold"), Text(said), titled_tables(image_tables(view)))


def image_tables(view: ImageView) -> list[TitledTable]:
    """A table of the answers of every detector, and one of the verdicts that flip, where there are any."""
    tables = [_answers(view.answers)]
    flipped = view.flips[view.flips[FLIPPED].gt(0)]
    return [*tables, _flips(flipped)] if len(flipped) else tables


def _answers(answers: pd.DataFrame) -> TitledTable:
    shown = [TableColumn(columns.DETECTOR, tuple(map(str, answers[columns.DETECTOR])), left=True)]
    shown += _varying(answers)
    scored = answers[columns.STATUS].eq(SCORED)
    called = [
        CLASS_NAMES[int(value)] if there else str(reason or status)
        for value, there, status, reason in zip(
            answers[CALLED].fillna(value=False),
            scored,
            answers[columns.STATUS],
            answers[columns.REASON],
            strict=True,
        )
    ]
    right = ["yes" if value else "no" for value in answers[columns.CORRECT].fillna(value=False)]
    shown += [
        TableColumn("score", tuple(map(percent, answers[columns.SCORE].astype(float)))),
        TableColumn("called", tuple(called), left=True),
        TableColumn("right", tuple(text if there else DASH for text, there in zip(right, scored, strict=True))),
    ]
    return TitledTable("What each detector says; scores are the probability of generated, in %", tuple(shown))


def _flips(flips: pd.DataFrame) -> TitledTable:
    shown = [TableColumn(columns.DETECTOR, tuple(map(str, flips[columns.DETECTOR])), left=True), *_varying(flips)]
    shares = TableColumn("trainings that flip", tuple(map(percent, flips[FLIPPED].astype(float))))
    return TitledTable("Verdicts that are not those on the clean copy", (*shown, shares))


def _varying(rows: pd.DataFrame, names: Sequence[str] = columns.IDENTITY) -> list[TableColumn]:
    """The axes of the question, and the seed, that tell rows apart."""
    axes = [name for name in names if name in rows and name != columns.DETECTOR and rows[name].nunique() > 1]
    return [TableColumn(name.replace("_", " "), tuple(map(str, rows[name])), left=True) for name in axes]
