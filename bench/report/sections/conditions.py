"""Detectors over several degradations of the same images: worst cases, one threshold for all, verdicts that flip."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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

SCORE = "score"  # of a profile
LEGEND = (
    "In %, every complete condition counting alike, the clean one included (where a row says 5 of 6, cells of one are "
    "missing). Pooled AUC: all degraded copies in one ROC curve, as one threshold for all conditions has to tell them "
    "apart. Flips: images whose verdict is not the same under every condition [95% interval over the images, clustered "
    "by source]. Worst real: the generators whose real images are called real least."
)


def condition_content(measured: MeasuredCells) -> SectionContent:
    """One row per detector; nothing where there are fewer than two conditions."""
    found = list(condition_outcomes(measured))
    if not found:
        return SectionContent([])
    recorded = [
        Profile(one.name, one.version, "", "", one.degradations, one.score)
        for one in measured.run.manifest.protocol.profiles
    ]
    return outcomes_content(found, scoring_profile(measured.table[columns.DEGRADATION].unique(), recorded))


def outcomes_content(found: Sequence[ConditionOutcomes], profile: Profile | None) -> SectionContent:
    """One row for each of these outcomes, with the score of a profile, None for none."""
    rows, shown = outcome_rows(found, profile), _columns(found)
    if profile:
        weights = ", ".join(f"{weight:g} {name}" for name, weight in profile.score.items())
        shown.append(TableColumn(f"{profile.name} ({weights})", tuple(map(percent, rows[SCORE]))))
    return SectionContent([TitledTable("Over all conditions", tuple(shown))], rows)


def outcome_rows(found: Sequence[ConditionOutcomes], profile: Profile | None) -> pd.DataFrame:
    """The numbers of these outcomes, one row each, with the score of a profile as `SCORE`.

    A score is of all conditions of its profile: it is NaN where one is missing.
    """
    rows = pd.json_normalize([asdict(one) for one in found], sep="_")
    if profile is None:
        return rows
    score = rows[list(profile.score)].mul(pd.Series(profile.score)).sum(axis=1, skipna=False)
    return rows.assign(**{SCORE: score.where(rows["conditions"].eq(rows["planned"]))})


def scoring_profile(conditions: Iterable[str], named: Sequence[Profile] = ()) -> Profile | None:
    """The profile of these conditions and no others that makes one number of them: a named one, else a shipped one.

    Args:
        conditions: Degradations, with or without images as they are.
        named: Those that were asked for; as they were then, whatever is installed now.
    """
    scoring = (profile for profile in (*named, *shipped_profiles()) if profile.score)
    return next((profile for profile in scoring if has_conditions(profile, conditions)), None)


def has_conditions(profile: Profile, conditions: Iterable[str]) -> bool:
    """Whether these are the conditions of a profile, beside images as they are."""
    return set(canonical_steps(profile.degradations)) == set(conditions) - {NONE}


def _columns(found: Sequence[ConditionOutcomes]) -> list[TableColumn]:
    def column(header: str, text: Callable[[ConditionOutcomes], str], *, left: bool = False) -> TableColumn:
        return TableColumn(header, tuple(map(text, found)), left)

    shown = [
        column("detector", lambda one: one.detector, left=True),
        column("conditions", _conditions_text),
        column("images", lambda one: f"{one.images:,}"),
        column("clean AUC", lambda one: percent(one.clean_auc)),
        column("pooled AUC", lambda one: percent(one.pooled_auc)),
        column("mean", lambda one: percent(one.mean)),
        column("worst condition", lambda one: _worst_text(one.worst_condition)),
        column("worst generator", lambda one: _worst_text(one.worst_generator)),
        column("worst real", lambda one: _worst_text(one.worst_real)),
        column("flips", _flip_text),
    ]
    return [column for column in shown if set(column.texts) != {DASH}]


def _conditions_text(one: ConditionOutcomes) -> str:
    """The number of conditions, such as "5 of 6" where one is not complete: the row is over the others."""
    return str(one.conditions) if one.conditions == one.planned else f"{one.conditions} of {one.planned}"


def _flip_text(one: ConditionOutcomes) -> str:
    """The share of images whose verdict flips, with its interval; a dash for one condition, in which none can."""
    interval = f"[{percent(one.flip_low)}, {percent(one.flip_high)}]"
    return f"{percent(one.flip_rate)} {interval}" if one.conditions > 1 else DASH


def _worst_text(worst: WorstValue | None) -> str:
    return DASH if worst is None else f"{percent(worst.value)} {worst.where}".strip()
