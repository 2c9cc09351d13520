"""The page as one document, put together from its parts; it loads nothing from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from bench.analyses.images.thumbnails import ThumbnailRequest
from bench.charts.markup import element, empty, joined
from bench.evaluation.leaderboard import Ranking
from bench.report.figures import figures_of
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.figures.scores import mistakes
from bench.report.page.board import leaderboard
from bench.report.page.data_facts import data_facts
from bench.report.page.images import image_chapter
from bench.report.page.matrix_numbers import conditions_of, matrix_numbers
from bench.report.page.opening import opening
from bench.report.page.parts import folded, titled
from bench.report.page.repeat import repeat
from bench.report.page.styles import style_sheet
from bench.report.sections import Section, sections_of
from bench.report.sections.content import SectionContent

NO_THUMBNAILS = ThumbnailRequest("none")
_FOLDER = Path(__file__).parent
_LONG = 45  # rows of tables that are folded
_WITH_NUMBERS = "matrix"  # the figure whose cells can show other conditions
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:"


def page(runs: Sequence[Findings], thumbnails: ThumbnailRequest = NO_THUMBNAILS) -> str:
    """The page of some runs.

    Args:
        runs: Each with its own chapter; those that ask one question of one data set were joined before.
        thumbnails: Which small copies of images it holds.

    Returns:
        HTML in UTF-8, with styles, typeface, script and numbers inside.
    """
    chapters = [_chapter(findings, place, thumbnails) for place, findings in enumerate(runs, start=1)]
    links = [link for _, own in chapters for link in own]
    title = "Lineup: " + "; ".join(dict.fromkeys(_short_title(findings) for findings in runs))
    body = element(
        "body",
        element("a", "To the report", href="#report", class_="skip"),
        element("header", element("h1", title), element("p", _about(runs), class_="faint"), class_="top"),
        element("nav", element("div", *links, _ground_button()), aria_label="Chapters"),
        element("main", *(chapter for chapter, _ in chapters), id="report"),
        _footer(),
        element("div", "", id="tip", role="status", hidden=""),
        element("script", Markup((_FOLDER / "page.js").read_text(encoding="utf-8"))),  # noqa: S704 - our own
    )
    head = element(
        "head",
        empty("meta", charset="utf-8"),
        empty("meta", name="viewport", content="width=device-width, initial-scale=1"),
        empty("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("title", title),
        element("style", style_sheet()),
    )
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _short_title(findings: Findings) -> str:
    return findings.manifest.protocol.title.partition(": ")[0]


def _about(runs: Sequence[Findings]) -> str:
    sets = dict.fromkeys(ranking.data for findings in runs for ranking in findings.rankings)
    detectors = {row.detector for findings in runs for _, row in findings.rows}
    return f"{len(detectors)} detectors of AI-generated images, on {'; '.join(sets)}."


def _ground_button() -> Markup:
    return element("button", "Light or dark", type="button", id="ground", class_="plain", hidden="")


def _footer() -> Markup:
    said = "Made by Lineup from stored scores. Every number follows from them; nothing here was typed in."
    return element("footer", element("p", said))


def _chapter(findings: Findings, place: int, thumbnails: ThumbnailRequest) -> tuple[Markup, list[Markup]]:
    """The chapter of one run, and links to its parts."""
    sections: list[tuple[str, str, Markup]] = []
    for number, ranking in enumerate(findings.rankings, start=1):
        name = f"board-{place}-{number}"
        sections.append((name, _board_name(ranking), _board(findings, ranking, name)))
    for figure, content in figures_of(findings):
        if figure.name == mistakes.FIGURE.name:
            continue  # the images themselves stand further down
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
    return joined(*parts), links


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
