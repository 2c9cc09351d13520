"""Detectors over several degradations of the same images: worst cases, one threshold for all, verdicts that flip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import pandas as pd

from bench.evaluation.cells import MeasuredCells
from bench.evaluation.conditions import ConditionOutcomes, WorstValue, condition_outcomes
from bench.records import columns
from bench.report.ranking_columns import DASH, TableColumn, TitledTable, percent
from bench.report.sections.content import SectionContent
from protocols.api import NONE
from protocols.degradations import canonical_steps
from protocols.profiles import Profile, shipped_profiles

LEGEND = (
    "In %, every condition counting alike, the clean one included. Pooled AUC: all degraded copies in one ROC curve, "
    "as one threshold for all conditions has to tell them apart. Flips: images whose verdict is not the same under "
    "every condition [95% interval over the images, clustered by source]. Worst real: the generator whose real images "
    "are called real least."
)


def condition_content(measured: MeasuredCells) -> SectionContent:
    """One row per detector; nothing where there are fewer than two conditions."""
    found = list(condition_outcomes(measured))
    if not found:
        return SectionContent([])
    rows = pd.json_normalize([asdict(one) for one in found], sep="_")
    shown, profile = _columns(found), _scoring_profile(measured)
    if profile:
        scores = [sum(weight * getattr(one, name) for name, weight in profile.score.items()) for one in found]
        rows["score"] = scores
        weights = ", ".join(f"{weight:g} {name}" for name, weight in profile.score.items())
        shown.append(TableColumn(f"{profile.name} ({weights})", tuple(map(percent, scores))))
    return SectionContent([TitledTable("Over all conditions", tuple(shown))], rows)


def _scoring_profile(measured: MeasuredCells) -> Profile | None:
    """The profile whose conditions the run has, and no others, where it makes one number of them; None for none."""
    conditions = set(measured.table[columns.DEGRADATION]) - {NONE}
    scoring = (profile for profile in shipped_profiles() if profile.score)
    return next((profile for profile in scoring if set(canonical_steps(profile.degradations)) == conditions), None)


def _columns(found: list[ConditionOutcomes]) -> list[TableColumn]:
    def column(header: str, text: Callable[[ConditionOutcomes], str], *, left: bool = False) -> TableColumn:
        return TableColumn(header, tuple(map(text, found)), left)

    shown = [
        column("detector", lambda one: one.detector, left=True),
        column("conditions", lambda one: str(one.conditions)),
        column("images", lambda one: f"{one.images:,}"),
        column("clean AUC", lambda one: percent(one.clean_auc)),
        column("pooled AUC", lambda one: percent(one.pooled_auc)),
        column("mean", lambda one: percent(one.mean)),
        column("worst condition", lambda one: _worst_text(one.worst_condition)),
        column("worst generator", lambda one: _worst_text(one.worst_generator)),
        column("worst real", lambda one: _worst_text(one.worst_real)),
        column("flips", lambda one: f"{percent(one.flip_rate)} [{percent(one.flip_low)}, {percent(one.flip_high)}]"),
    ]
    return [column for column in shown if set(column.texts) != {DASH}]


def _worst_text(worst: WorstValue | None) -> str:
    return DASH if worst is None else f"{percent(worst.value)} {worst.where}".strip()
