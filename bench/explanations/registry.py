"""The explanations of columns: those of the files in `columns/`, and those of metrics, which follow from their entries.

A name may have parts in angle brackets that stand for names of the data, such as `<average> low`. An explanation stands
for the columns of these names in these tables; a name that two tables use for two things has two explanations.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from bench.metrics.catalogue import METRICS, known_metrics
from bench.metrics.metric import Metric
from detectors.catalogue import UnknownName

FOLDER = Path(__file__).parent / "columns"
FILES = (
    "leaderboard",
    "averages",
    "comparisons",
    "sections",
    "cells",
    "image_analyses",
    "figures",
    "commands",
    "exports",
)  # in reading order
BOARDS = ("leaderboard", "leaderboard.csv")  # where metrics stand that have a header or were asked for
CELLS, NOT_TRAINED = "cells.parquet", "generators.csv"  # where metrics stand; those of every cell alone in the second
PLACEHOLDER = re.compile(r"<[^>]+>")
METRIC = "<metric>"  # stands for metrics alone; other placeholders for any name


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the columns of some names mean.

    Attributes:
        names: Headers and names of columns, one at least.
        tables: Names of the tables that they stand in, as `table_titles` has them.
        meaning: In one to three plain sentences.
        formula: How it is computed; empty where there is nothing to compute.
        source: Where the definition is published; empty where it is Lineup's own or needs none.
        values: Unit and range; empty for names and texts.
    """

    names: tuple[str, ...]
    tables: tuple[str, ...]
    meaning: str
    formula: str = ""
    source: str = ""
    values: str = ""


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def table_titles() -> Mapping[str, str]:
    """Where each table stands, by its name."""
    return {name: title for file in FILES for name, title in _read(file).get("tables", {}).items()}


@cache
def explanations() -> tuple[Explanation, ...]:
    """Every explanation, those of metrics behind those of the leaderboard's other columns.

    Raises:
        UnknownName: A metric of another package cannot be imported.
        InputError: It is no metric.
    """
    found: list[Explanation] = []
    for file in FILES:
        found += (_explanation(entry) for entry in _read(file)["column"])
        if file == FILES[0]:
            found += map(_of_metric, known_metrics())
    return tuple(found)


def _explanation(entry: Mapping[str, Any]) -> Explanation:
    lists = {name: tuple(entry[name]) for name in ("names", "tables")}
    return Explanation(**{**entry, **lists})


def _of_metric(metric: Metric) -> Explanation:
    """What the entry of a metric says of its columns."""
    there = "On the leaderboard" if metric in METRICS else "Measured"
    asked = "" if metric in METRICS and metric.header else f" {there} where it is asked for."
    seen = " No detector has that in use." if metric.uses_answers else ""
    gap = f" Not measurable from fewer than {metric.least_real} real images." if metric.least_real else ""
    tables = (*BOARDS, CELLS, *((NOT_TRAINED,) if metric in METRICS else ()))
    names = tuple(dict.fromkeys((metric.name, metric.header or metric.name.replace("_", " "))))
    source = "" if metric.source == "Lineup" else metric.source
    return Explanation(names, tables, metric.about + asked + seen + gap, metric.formula, source, _values(metric))


def _values(metric: Metric) -> str:
    """Unit and range of a metric, and which end is better."""
    better = "higher" if metric.higher_is_better else "lower"
    if metric.is_share:
        return f"%, 0 to 100 on the leaderboard; share, 0 to 1 in files; {better} is better"
    low, high = metric.bounds
    above = f"{low:g} or more" if high == float("inf") else f"{low:g} to {high:g}"
    return f"{above}; {better} is better"


def find(name: str) -> tuple[Explanation, ...]:
    """The explanations of a column, of several where tables use its name for several things.

    Args:
        name: A header or the name of a column, in any case, with spaces or underscores.

    Raises:
        UnknownName: No column has that name. The message names the most similar one.
    """
    wanted = _plain(name)
    found = _named(wanted, explanations())
    if not found:
        near = get_close_matches(wanted, {_plain(one): one for one in all_names()}, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        msg = f"no column is named {name!r}.{hint} `lineup explain` lists every column that is explained"
        raise UnknownName(msg)
    return tuple(sorted(found, key=lambda one: CELLS not in one.tables))  # measures first


@cache
def explained_in(table: str, name: str) -> Explanation | None:
    """The explanation of a column of one table; None of a name that a detector or a package of others gave it.

    Args:
        table: One of `table_titles`.
        name: As the table has it.
    """
    among = [one for one in explanations() if table in one.tables]
    found = _named(_plain(name), among) or [one for one in among if any(map(PLACEHOLDER.fullmatch, one.names))]
    return found[0] if found else None


def _named(wanted: str, among: Sequence[Explanation]) -> list[Explanation]:
    """The explanations that have this plain name, else those with a name that stands for it, metrics first."""
    exact = [one for one in among if wanted in map(_plain, one.names)]
    return exact or list(_matching(wanted, among, of_metrics=True)) or list(_matching(wanted, among, of_metrics=False))


def _plain(name: str) -> str:
    """A name without case, and with spaces for underscores; a placeholder as it is."""
    return " ".join(name.lower().replace("_", " ").split())


def _matching(wanted: str, among: Iterable[Explanation], *, of_metrics: bool) -> Iterator[Explanation]:
    """The explanations with a name that stands for this one: something of it is written, the rest is in brackets."""
    for one in among:
        patterns = [name for name in map(_plain, one.names) if (METRIC in name) is of_metrics]
        if any(_pattern(pattern).fullmatch(wanted) for pattern in patterns if PLACEHOLDER.sub("", pattern).strip()):
            yield one


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """What a plain name with placeholders stands for."""
    metrics = {_plain(text) for metric in known_metrics() for text in (metric.name, metric.header) if text}
    any_metric = "|".join(map(re.escape, sorted(metrics, key=len, reverse=True)))
    parts = re.split(rf"({PLACEHOLDER.pattern})", name)
    wild = {METRIC: f"(?:{any_metric})"}
    return re.compile(
        "".join(wild.get(part, ".+") if PLACEHOLDER.fullmatch(part) else re.escape(part) for part in parts)
    )


def all_names() -> list[str]:
    """Every name that is explained, each once, in reading order."""
    return list(dict.fromkeys(name for one in explanations() for name in one.names))


def by_table(found: Iterable[Explanation]) -> dict[str, list[Explanation]]:
    """Explanations by the first of their tables, in reading order."""
    tables: dict[str, list[Explanation]] = {name: [] for name in table_titles()}
    for one in found:
        tables[one.tables[0]].append(one)
    return {name: ones for name, ones in tables.items() if ones}
