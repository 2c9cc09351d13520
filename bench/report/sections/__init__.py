"""Sections of the report beside the leaderboard, such as the routes that images take.

A section is one entry of `SECTIONS`, or one entry point of the group `lineup.report_sections` in another package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.evaluation.cells import MeasuredCells
from bench.report.plugged_in import plugged_in
from bench.report.sections import (
    attribution,
    conditions,
    degradations,
    generators,
    orders,
    pairs,
    reported,
    routes,
    thresholds,
)
from bench.report.sections.content import SectionContent

GROUP = "lineup.report_sections"


@dataclass(frozen=True, slots=True)
class Section:
    """A kind of section.

    Attributes:
        name: Of its files: `<name>.md`, and `<name>.csv` where there are rows.
        content: What it holds for the measured cells of a run.
        legend: How to read it.
        question: What it answers, as a reader asks; empty for its name.
    """

    name: str
    content: Callable[[MeasuredCells], SectionContent]
    legend: str
    question: str = ""


SECTIONS = (
    Section("conditions", conditions.condition_content, conditions.LEGEND, "How do they fare over all conditions?"),
    Section("attribution", attribution.attribution_content, attribution.LEGEND, "Who made it, in numbers"),
    Section("pairs", pairs.pair_content, pairs.LEGEND, "Does the twin score higher?"),
    Section("routes", routes.route_content, routes.LEGEND, "Which way do images take?"),
    Section("generators", generators.generator_content, generators.LEGEND, "How do they fare on each generator?"),
    Section("thresholds", thresholds.threshold_content, thresholds.LEGEND, "What would another threshold give?"),
    Section("orders", orders.order_content, orders.LEGEND, "Do other measures agree on the order?"),
    Section("reported", reported.reported_content, reported.LEGEND, "What was reported, and what was measured?"),
    Section(
        "degradations",
        degradations.degradation_content,
        degradations.LEGEND,
        "Which versions were these?",
    ),
)


def all_sections() -> tuple[Section, ...]:
    """The sections of Lineup, then those of other packages by name.

    Raises:
        UnknownName: One of another package cannot be imported.
        InputError: It is no `Section`.
    """
    return (*SECTIONS, *plugged_in(GROUP, "report section", Section))


def sections_of(measured: MeasuredCells) -> list[tuple[Section, SectionContent]]:
    """The sections that have tables for a run, with their content."""
    found = [(section, section.content(measured)) for section in all_sections()]
    return [(section, content) for section, content in found if content.tables]
