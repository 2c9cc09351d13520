"""Which sections there are: the built-in ones, and those of other packages by their entry points."""

from __future__ import annotations

from bench.evaluation.cells import MeasuredCells
from bench.report.plugged_in import plugged_in
from bench.report.sections import (
    Section,
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
