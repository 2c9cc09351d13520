"""The leaderboard of the page."""

from __future__ import annotations

from markupsafe import Markup

from bench.charts.markup import element, empty, joined
from bench.charts.palette import DetectorHue
from bench.charts.plot_area import marker
from bench.evaluation.leaderboard import Ranking
from bench.report.figures.findings import Findings
from bench.report.page.parts import cell, glossary, header, paragraphs, scrolling
from bench.report.ranking_columns import legend, notes, ranking_columns

_DETECTOR = 1  # the place of that column


def leaderboard(findings: Findings, ranking: Ranking, identity: str) -> Markup:
    """One ranking as a table that can be searched, filtered and sorted."""
    shown = ranking_columns(ranking)
    texts = list(zip(*(column.texts for column in shown), strict=True))
    families = [findings.family(row.detector) for row in ranking.rows]
    body = []
    for row, family, own in zip(ranking.rows, families, texts, strict=True):
        cells = [
            cell(
                text.replace(row.detector, findings.title(row.detector), 1) if place == _DETECTOR else text,
                column,
                css="first" if place == _DETECTOR else "",
                before=dot(findings.hues[row.detector]) if place == _DETECTOR else None,
            )
            for place, (text, column) in enumerate(zip(own, shown, strict=True))
        ]
        body.append(element("tr", *cells, data_family=family))
    heads = element("thead", element("tr", *map(header, shown)))
    whole = element(
        "table",
        element("caption", ranking.title, class_="skip"),
        heads,
        element("tbody", *body),
        id=identity,
        class_="board sortable",
    )
    missing = notes(ranking)
    return joined(
        _tools(identity, sorted(set(filter(None, families)))),
        scrolling(whole, f"Leaderboard: {ranking.title}"),
        element("div", element("h4", "Missing"), paragraphs(missing), class_="warned") if missing else None,
        element("p", legend(ranking), class_="legend"),
        glossary(column.header for column in shown),
    )


def dot(hue: DetectorHue) -> Markup:
    """The mark of a detector in every chart, to stand in a line of text."""
    return element("svg", marker(hue, 0.0, 0.0), class_="dot", viewBox="-5.5 -5.5 11 11", aria_hidden="true")


def _tools(identity: str, families: list[str]) -> Markup:
    """Search and filter, which appear where scripts run."""
    options = [Markup('<option value="">all</option>'), *(element("option", one) for one in families)]
    return element(
        "div",
        element("label", "Search ", empty("input", type="search", placeholder="detector, number ...")),
        element("label", "Family ", element("select", *options)),
        element("output", "", aria_live="polite"),
        class_="tools",
        data_for=identity,
        hidden="",
    )
