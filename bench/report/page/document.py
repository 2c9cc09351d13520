"""The page as one document, put together from its parts; it loads nothing from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from bench.analyses.images.thumbnails import ThumbnailRequest
from bench.charts.markup import element, empty
from bench.report.figures.findings import Findings
from bench.report.page.chapter import Chapter, chapter
from bench.report.page.opening import summary
from bench.report.page.styles import style_sheet
from bench.report.page.words import words

NO_THUMBNAILS = ThumbnailRequest("none")
_FOLDER = Path(__file__).parent
_WORDS_LINK = Markup('<a href="#words">Words</a>')
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; font-src data:"


def page(runs: Sequence[Findings], thumbnails: ThumbnailRequest = NO_THUMBNAILS) -> str:
    """The page of some runs.

    Args:
        runs: Each with its own chapter; those that ask one question of one data set were joined before.
        thumbnails: Which small copies of images it holds.

    Returns:
        HTML in UTF-8, with styles, typeface, script and numbers inside.
    """
    chapters = [chapter(findings, place, thumbnails) for place, findings in enumerate(runs, start=1)]
    title = "Lineup report: " + ", ".join(dict.fromkeys(one.title for one in chapters))
    starts = [element("a", one.title, href=f"#{one.anchor}") for one in chapters]
    body = element(
        "body",
        element("a", "To the report", href="#report", class_="skip"),
        element(
            "nav",
            element("div", element("a", "Contents", href="#contents"), *starts, _WORDS_LINK, _ground_button()),
            aria_label="Chapters",
        ),
        element(
            "header",
            element("h1", title),
            element("p", _about(runs), class_="faint"),
            *map(summary, runs),
            _contents(chapters),
            class_="top",
        ),
        element("main", *(one.body for one in chapters), element("section", words(), id="words"), id="report"),
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


def _contents(chapters: Sequence[Chapter]) -> Markup:
    """Links to every part, chapter by chapter."""
    listed = (part for one in chapters for part in (element("dt", one.title), element("dd", *one.links)))
    return element("dl", *listed, id="contents", class_="contents")


def _about(runs: Sequence[Findings]) -> str:
    sets = dict.fromkeys(ranking.data for findings in runs for ranking in findings.rankings)
    detectors = {row.detector for findings in runs for _, row in findings.rows}
    return f"{len(detectors)} detectors of AI-generated images, on {'; '.join(sets)}."


def _ground_button() -> Markup:
    return element("button", "Light or dark", type="button", id="ground", class_="plain", hidden="")


def _footer() -> Markup:
    said = "Made by Lineup from stored scores. Every number follows from them; nothing here was typed in."
    return element("footer", element("p", said))
