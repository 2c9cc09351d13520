"""Parts of the page: headings, tables, folded blocks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from markupsafe import Markup

from bench.charts.markup import ElementContent, element, joined
from bench.explanations.registry import explanations
from bench.report.ranking_columns import TableColumn, TitledTable

_BOARD = "leaderboard"
_INTERVAL = re.compile(r"^(\S.*?) (\[[^\]]*\])(.*)$")


def paragraphs(texts: Iterable[str], css: str = "") -> Markup:
    """A paragraph for each text."""
    return joined(*(element("p", text, class_=css or None) for text in texts))


def folded(summary: str, *inside: ElementContent) -> Markup:
    """A block that opens at a click, and stands open in print where the browser opens it."""
    return element("details", element("summary", summary), *inside)


def table(shown: Sequence[TableColumn], *, identity: str = "", css: str = "sortable", caption: str = "") -> Markup:
    """A table of texts."""
    rows = zip(*(column.texts for column in shown), strict=True)
    body = [element("tr", *(cell(text, column) for text, column in zip(row, shown, strict=True))) for row in rows]
    return scrolling(
        element(
            "table",
            element("caption", caption, class_="skip") if caption else None,
            element("thead", element("tr", *map(header, shown))),
            element("tbody", *body),
            class_=css,
            id=identity or None,
        ),
        caption or "table",
    )


def scrolling(inside: Markup, label: str) -> Markup:
    """A block that scrolls sideways where the page is narrow, by the keyboard too."""
    return element("div", inside, class_="scroll", tabindex="0", role="region", aria_label=label)


def header(column: TableColumn) -> Markup:
    """The head of a column, which says what the column means where a pointer rests on it."""
    meaning = meanings().get(column.header)
    css = "left" if column.left else None
    return element("th", column.header, scope="col", class_=css, title=meaning)


def cell(text: str, column: TableColumn, *, css: str = "", before: Markup | None = None) -> Markup:
    """A cell, whose interval is set back."""
    found = _INTERVAL.match(text)
    classes = " ".join(filter(None, (css, "left" if column.left else ""))) or None
    if not found:
        return element("td", before, text, class_=classes)
    value, interval, rest = found.groups()
    return element("td", before, value, " ", element("span", interval, class_="interval"), rest, class_=classes)


def titled(found: TitledTable) -> Markup:
    """A table under its title."""
    return joined(element("h4", found.title), table(found.columns, caption=found.title))


@cache
def meanings() -> Mapping[str, str]:
    """What the column of each header means, in the board or anywhere."""
    known: dict[str, str] = {}
    for one in sorted(explanations(), key=lambda one: _BOARD not in one.tables):  # those of the board first
        for name in one.names:
            known.setdefault(name, one.meaning)
    return known


def glossary(headers: Iterable[str]) -> Markup | None:
    """What each of some columns means, where that is known."""
    known = meanings()
    terms = [(name, known[name]) for name in dict.fromkeys(headers) if name in known]
    if not terms:
        return None
    listed = (part for term, meaning in terms for part in (element("dt", term), element("dd", meaning)))
    return folded("What the columns mean", element("dl", *listed))
