"""Which images fool detectors: the surest mistakes, those that all share, and images that divide them."""

from __future__ import annotations

import pandas as pd

from bench.analyses.scores.mistakes import (
    CELLS,
    DETECTORS,
    TRAINED,
    VARIANCE,
    WRONG_CELLS,
    confident_mistakes,
    disagreements,
    shared_mistakes,
)
from bench.analyses.scores.questions import CALLED
from bench.metrics.metric import CLASS_NAMES
from bench.records import columns
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.ranking_columns import TableColumn, TitledTable, percent

_OF_EACH = 1  # of the surest mistakes of each detector and test set, in the table
_LISTED = 20


def mistakes_content(findings: Findings) -> FigureContent:
    """Three tables of images."""
    sure = confident_mistakes(findings.measured, findings.average)
    first = sure.groupby([columns.DETECTOR, columns.TEST], sort=False).head(_OF_EACH)
    first = first[first[columns.DETECTOR].isin(findings.best(_LISTED // 2))]
    tables = [
        _shared(shared_mistakes(findings.measured, findings.average)),
        _divided(disagreements(findings.measured, findings.average)),
        _sure(first.sort_values(columns.LOG_ODDS, key=abs, ascending=False, kind="stable").head(_LISTED)),
    ]
    return FigureContent(tables=[table for table in tables if table.columns[0].texts], rows=sure)


def _classes(rows: pd.DataFrame) -> TableColumn:
    return TableColumn("it is", tuple(CLASS_NAMES[int(label)] for label in rows[columns.LABEL]), left=True)


def _names(rows: pd.DataFrame) -> TableColumn:
    return TableColumn("image", tuple(map(str, rows[columns.NAME])), left=True)


def _shared(rows: pd.DataFrame) -> TitledTable:
    rows = rows.head(_LISTED)
    return TitledTable(
        "Wrong for all detectors that are better than chance there: is the label right?",
        (
            _names(rows),
            _classes(rows),
            TableColumn("mean score", tuple(percent(float(value)) for value in rows[columns.SCORE])),
            TableColumn("detectors", tuple(f"{value}" for value in rows[DETECTORS])),
            TableColumn("cells", tuple(f"{value}" for value in rows[CELLS])),
            TableColumn("rows", tuple("trained" if one else "released" for one in rows[TRAINED]), left=True),
        ),
    )


def _divided(rows: pd.DataFrame) -> TitledTable:
    return TitledTable(
        "Images that divide the detectors most",
        (
            _names(rows),
            _classes(rows),
            TableColumn("tested with", tuple(map(str, rows[columns.TEST])), left=True),
            TableColumn("called generated", tuple(percent(float(value)) for value in rows[CALLED])),
            TableColumn("variance", tuple(f"{float(value):.3f}" for value in rows[VARIANCE])),
            TableColumn("detectors", tuple(f"{value}" for value in rows[DETECTORS])),
        ),
    )


def _sure(rows: pd.DataFrame) -> TitledTable:
    return TitledTable(
        "The surest mistakes of the best detectors",
        (
            _names(rows),
            TableColumn("detector", tuple(map(str, rows[columns.DETECTOR])), left=True),
            TableColumn("tested with", tuple(map(str, rows[columns.TEST])), left=True),
            _classes(rows),
            TableColumn("score", tuple(percent(float(value)) for value in rows[columns.SCORE])),
            TableColumn(
                "wrong cells",
                tuple(f"{wrong} of {of}" for wrong, of in zip(rows[WRONG_CELLS], rows[CELLS], strict=True)),
            ),
        ),
    )


FIGURE = Figure(
    "mistakes",
    "Mistakes",
    "Which images fool them?",
    mistakes_content,
    "Scores are the probability of generated, in %. A mistake is one of the mean over training seeds.",
    on_page=False,  # where the images themselves are
)
