"""The chapter of one run: its boards, figures, sections, images, data, and how to repeat it."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from bench.analyses.images.thumbnails import ThumbnailRequest
from bench.charts.markup import element, joined
from bench.evaluation.leaderboard import Ranking
from bench.report.figures import page_figures
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.page.board import leaderboard
from bench.report.page.data_facts import data_facts
from bench.report.page.images import image_chapter
from bench.report.page.matrix_numbers import conditions_of, matrix_numbers
from bench.report.page.opening import opening
from bench.report.page.parts import folded, titled
from bench.report.page.repeat import repeat
from bench.report.sections import Section
from bench.report.sections.catalogue import sections_of
from bench.report.sections.content import SectionContent

_LONG = 45  # rows of tables that are folded
_WITH_NUMBERS = "matrix"  # the figure whose cells can show other conditions


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the page.

    Attributes:
        title: What it asks, in a word or two.
        anchor: Of its beginning.
        body: What stands in it.
        links: To its parts.
    """

    title: str
    anchor: str
    body: Markup
    links: tuple[Markup, ...]


def chapter(findings: Findings, place: int, thumbnails: ThumbnailRequest) -> Chapter:
    """The chapter of one run, the `place`-th of the page."""
    sections: list[tuple[str, str, Markup]] = []
    for number, ranking in enumerate(findings.rankings, start=1):
        name = f"board-{place}-{number}"
        sections.append((name, _board_name(ranking), _board(findings, ranking, name)))
    for figure, content in page_figures(findings):
        sections.append((f"{figure.name}-{place}", figure.title, _figure(findings, figure, content)))
    for section, tables in sections_of(findings.measured):
        title = section.name.capitalize()
        sections.append((f"{section.name}-{place}-table", title, _section(section, tables)))
    if (images := image_chapter(findings, thumbnails)) is not None:
        sections.append((f"images-{place}", "Images", images))
    manifest = findings.manifest
    facts = data_facts({"": manifest.data, **manifest.further})
    sections += [
        (f"data-{place}", "Data", joined(element("h3", "On which images?"), facts)),
        (f"repeat-{place}", "Repeat", joined(element("h3", "How to repeat it"), repeat(manifest))),
    ]
    parts = [element("section", body, id=name) for name, _, body in sections]
    links = [element("a", text, href=f"#{name}") for name, text, _ in sections]
    title = findings.manifest.protocol.title.partition(": ")[0]
    return Chapter(title, f"board-{place}-1", joined(*parts), tuple(links))


def _section(section: Section, content: SectionContent) -> Markup:
    """The tables of a section, folded where they are long."""
    tables = joined(*map(titled, content.tables))
    rows = sum(len(table.columns[0].texts) for table in content.tables)
    return joined(
        element("h3", section.question or section.name.capitalize()),
        folded(f"Tables of {rows} rows", tables) if rows > _LONG else tables,
        element("p", section.legend, class_="legend"),
    )


def _board_name(ranking: Ranking) -> str:
    return "Released and imported" if ranking.released else "Leaderboard"


def _board(findings: Findings, ranking: Ranking, name: str) -> Markup:
    return joined(
        element("h2", ranking.title),
        opening(ranking),
        element("h3", "Leaderboard"),
        leaderboard(findings, ranking, f"{name}-table"),
    )


def _figure(findings: Findings, figure: Figure, content: FigureContent) -> Markup:
    numbers = figure.name == _WITH_NUMBERS
    drawn = [
        element(
            "figure",
            _condition_tools(findings) if numbers else None,
            element("figcaption", element("b", chart.title), joined(". ", chart.note) if chart.note else None),
            element("div", chart.inline(), class_="scroll", tabindex="0", role="region", aria_label=chart.title),
            matrix_numbers(findings) if numbers else None,
        )
        for chart in content.charts
    ]
    return joined(
        element("h3", figure.question),
        *drawn,
        element("p", figure.legend, class_="legend"),
        folded("Numbers", *map(titled, content.tables)) if content.tables else None,
    )


def _condition_tools(findings: Findings) -> Markup:
    """The choice of a condition where there are several, and the numbers as a file; both need scripts."""
    conditions = conditions_of(findings)
    chosen = element("select", *(element("option", name) for name in conditions)) if len(conditions) > 1 else None
    return element(
        "div",
        element("label", "Condition ", chosen) if chosen else None,
        element("button", "Save the numbers as CSV", type="button", class_="plain save"),
        class_="tools",
        hidden="",
    )
