"""Explanations of columns as text and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

from bench.explanations.registry import Explanation, by_table, explanations, find, table_titles
from bench.metrics.catalogue import installed_metrics

WIDTH = 100
INDENT = "  "
HINT = (
    "<average>, <metric> and the like stand for names. `lineup explain NAME` says what one column means; in quotes "
    "where its name has a sign: lineup explain '#'"
)


def explain(name: str) -> Iterator[str]:
    """Lines on one column: where it stands, what it means, its formula, source, unit and range.

    Raises:
        UnknownName: No column has that name.
    """
    for place, one in enumerate(find(name)):
        if place:
            yield ""
        yield from wrap(", ".join(one.names), WIDTH)
        titles = table_titles()
        where = "; ".join(titles[table] for table in one.tables)
        for label, text in (*_parts(one), ("in", where)):
            if text:
                yield from wrap(f"{label}: {text}", WIDTH, initial_indent=INDENT, subsequent_indent=2 * INDENT)


def _parts(one: Explanation) -> tuple[tuple[str, str], ...]:
    return ("means", one.meaning), ("formula", one.formula), ("values", one.values), ("source", one.source)


def list_names() -> Iterator[str]:
    """Lines with every name that is explained, by table."""
    for table, found in by_table(explanations()).items():
        yield table_titles()[table]
        names = "; ".join(dict.fromkeys(name for one in found for name in one.names))
        yield from wrap(names, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False)
    yield ""
    yield from wrap(HINT, WIDTH)


def as_markdown() -> Iterator[str]:
    """Lines with the columns of each table under a heading, in Markdown, without the metrics of other packages."""
    others = {metric.name for metric in installed_metrics()}
    for table, found in by_table(one for one in explanations() if one.names[0] not in others).items():
        title = table_titles()[table]
        yield from (
            "",
            f"### {title[0].upper()}{title[1:]}",
            "",
            "| column | meaning | formula | unit and range | source |",
        )
        yield "|---|---|---|---|---|"
        yield from map(_row, found)
    yield ""


def _row(one: Explanation) -> str:
    names = ", ".join(f"`{name}`" for name in one.names)
    others = "; ".join(f"`{table}`" for table in one.tables[1:])
    meaning = one.meaning + (f" Also in {others}." if others else "")
    cells = (names, meaning, one.formula, one.values, one.source)
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"
