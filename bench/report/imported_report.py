"""Imported scores, for the terminal and as JSON."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from bench.evaluation.imported_scores import ImportedOutcomes
from bench.platform.outside.json_text import json_document
from bench.records import columns
from bench.report.ranking_columns import TableColumn, TitledTable, percent
from bench.report.sections.conditions import LEGEND, outcome_rows, outcomes_content
from bench.report.terminal import WIDTH, split_columns, text_table
from protocols.profiles import Profile


def imported_report(found: ImportedOutcomes, profile: Profile | None) -> Group:
    """What becomes of the scores over all conditions, and under each, for the terminal.

    Args:
        found: The outcomes.
        profile: One that makes one number of them; None for none.
    """
    parts: list[RenderableType] = []
    for table in (*outcomes_content([found.overall], profile).tables, _by_condition(found)):
        blocks = split_columns(table.columns, WIDTH, 1)
        parts += [Text(table.title, style="bold"), *map(text_table, blocks)]
    return Group(*parts, Text(LEGEND, style="dim"))


def _by_condition(found: ImportedOutcomes) -> TitledTable:
    rows = found.by_condition
    shown = (
        TableColumn("condition", tuple(rows[columns.DEGRADATION]), left=True),
        TableColumn("real", tuple(f"{count:,}" for count in rows[columns.N] - rows[columns.N_GENERATED])),
        TableColumn("generated", tuple(f"{count:,}" for count in rows[columns.N_GENERATED])),
        TableColumn("AUC", tuple(map(percent, rows[columns.ROC_AUC]))),
        TableColumn("balanced accuracy", tuple(map(percent, rows[columns.BALANCED_ACCURACY]))),
    )
    return TitledTable("Under each condition", shown)


def imported_json(found: ImportedOutcomes, profile: Profile | None) -> str:
    """The numbers as one document: shares in [0, 1], null where there is none. Arguments as for `imported_report`."""
    (overall,) = outcome_rows([found.overall], profile).to_dict(orient="records")
    by_condition = found.by_condition.to_dict(orient="records")
    whole = {**overall, "profile": profile.name if profile else None, "by_condition": by_condition}
    return json_document(whole)
