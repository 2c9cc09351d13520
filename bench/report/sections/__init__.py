"""Sections of the report beside the leaderboard, such as the routes that images take.

A section is one entry of `catalogue.SECTIONS`, or one entry point of the group `lineup.report_sections` in another
package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bench.evaluation.cells import MeasuredCells
from bench.report.sections.content import SectionContent


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
