"""The numbers behind matrices, which the page writes into the drawn cells when another condition is chosen."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from bench.charts.markup import element
from bench.evaluation.cells import place_means
from bench.records import columns
from bench.report.figures.boards.matrices import drawn_panels, matrix_labels
from bench.report.figures.findings import Findings

MEAN = "mean over conditions"
_WHOLE = 1_000_000  # of a share; only 1 is all of them, and only 0 is none
_ENDS = columns.interval_of(columns.RANKED)


def conditions_of(findings: Findings) -> list[str]:
    """The degradations that a drawn cell is a mean over, behind the mean itself; alone where it is over one."""
    protocol, table = findings.manifest.protocol, findings.measured.table
    if columns.DEGRADATION in {protocol.rows.name, protocol.columns.name}:
        return [MEAN]
    found = [str(name) for name in table[columns.DEGRADATION].unique()]
    return [MEAN, *found] if len(found) > 1 else [MEAN]


def matrix_numbers(findings: Findings) -> Markup:
    """The numbers as a script that is data."""
    protocol = findings.manifest.protocol
    panels = drawn_panels(findings)
    labels = [matrix_labels(findings, title, frame) for title, frame in panels.items()]
    conditions = conditions_of(findings)
    whole: dict[str, Any] = {
        "titles": list(panels),
        "axes": [protocol.rows.name if "" not in panels else columns.DETECTOR, protocol.columns.name],
        "conditions": conditions,
        "labels": labels,
        **{name: [] for name in ("values", "low", "high", "n")},
    }
    for condition in conditions:
        tables = _tables(findings, condition)
        for name, by_place in tables.items():
            whole[name].append([_in_order(by_place, title, *own) for title, own in zip(panels, labels, strict=True)])
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return element("script", Markup(text), type="application/json", class_="matrices")  # noqa: S704 - has no "<"


def _tables(findings: Findings, condition: str) -> dict[str, dict[tuple[str, str, str], int]]:
    """By name, the numbers of each detector, row and column."""
    protocol, table = findings.manifest.protocol, findings.measured.table
    if condition != MEAN:
        table = table[table[columns.DEGRADATION].eq(condition)]
    place = [columns.DETECTOR, protocol.rows.name, protocol.columns.name]
    means = place_means(table.assign(**table[place].astype("str")), place)
    names = dict(zip(("values", "low", "high"), (columns.RANKED, *_ENDS), strict=True))
    found = {short: _shares(means[name]) for short, name in names.items()}
    found["n"] = {key: 0 if math.isnan(value) else round(value) for key, value in means[columns.N].items()}
    return found


def _shares(values: pd.Series[float]) -> dict[Any, int]:
    return {key: _encoded(value) for key, value in values.items()}


def _encoded(share: float) -> int:
    """A share in parts of `_WHOLE`; -1 for NaN."""
    if math.isnan(share):
        return -1
    return {0.0: 0, 1.0: _WHOLE}.get(share, min(max(round(_WHOLE * share), 1), _WHOLE - 1))


def _in_order(
    by_place: dict[tuple[str, str, str], int], title: str, rows: Sequence[str], across: Sequence[str]
) -> list[int]:
    """The numbers of one panel, row by row; of a panel of all detectors, whose rows are they."""
    if title:
        return [by_place.get((title, row, column), -1) for row in rows for column in across]
    single = {(detector, column): value for (detector, _, column), value in by_place.items()}
    return [single.get((row, column), -1) for row in rows for column in across]
