"""Sections of the report beside the leaderboard, such as the routes that images take.

A section is one entry of `SECTIONS`, or one entry point of the group `lineup.report_sections` in another package.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd

from bench.platform.errors import InputError
from bench.records.run import Run
from bench.report.ranking_columns import TitledTable
from bench.report.sections import generators, reported, routes
from detectors import catalogue

GROUP = "lineup.report_sections"


@dataclass(frozen=True, slots=True)
class Section:
    """A kind of section.

    Attributes:
        name: Of its files: `<name>.md`, and `<name>.csv` where there are rows.
        tables: The tables of a run; none where the section does not apply.
        legend: How to read them.
        rows: The numbers behind the tables, one row each; None for no such file.
    """

    name: str
    tables: Callable[[Run], Sequence[TitledTable]]
    legend: str
    rows: Callable[[Run], pd.DataFrame] | None = None


SECTIONS = (
    Section("routes", routes.route_tables, routes.LEGEND, routes.route_counts),
    Section("generators", generators.generator_tables, generators.LEGEND, generators.generator_rows),
    Section("reported", reported.reported_tables, reported.LEGEND, reported.reported_rows),
)


def all_sections() -> tuple[Section, ...]:
    """The sections of Lineup, then those of other packages by name.

    Raises:
        UnknownName: One of another package cannot be imported.
        InputError: It is no `Section`.
    """
    further = []
    for name in catalogue.installed(GROUP):
        section = catalogue.find(GROUP, "report section", name)
        if not isinstance(section, Section):
            msg = f"report section {name!r} is {section!r}: a section is a bench.report.sections.Section"
            raise InputError(msg)
        further.append(section)
    return (*SECTIONS, *further)


def sections_of(run: Run) -> list[tuple[Section, Sequence[TitledTable]]]:
    """The sections that have tables for a run, with these tables."""
    found = [(section, section.tables(run)) for section in all_sections()]
    return [(section, tables) for section, tables in found if tables]
