"""On which images a detector fails: accuracy by what they show, where they are from, and how large they are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd

from bench.analyses.scores.slices import (
    CONTENT,
    FEW,
    GENERATED,
    HIGH,
    LONGER_SIDE,
    LOW,
    NOT_STATED,
    ORIGIN,
    REAL,
    REAL_POOL,
    SLICE,
    binned,
    slice_accuracies,
)
from bench.charts.heat_map import HeatMapPanel, heat_map_chart
from bench.records import columns
from bench.report.figures.figure import Figure, FigureContent
from bench.report.figures.findings import Findings
from bench.report.figures.opened_images import NoImages
from bench.report.ranking_columns import TableColumn, TitledTable, interval_text, percent

_MOST_DETECTORS, _MOST_SLICES = 16, 40
_TITLES = {
    CONTENT: "by content",
    ORIGIN: "by generator, and pool of real images",
    LONGER_SIDE: "by longer side in pixels",
}


def slices_content(findings: Findings) -> FigureContent:
    """A map for each attribute of which images have several values, detectors in rows."""
    if isinstance(findings.images, NoImages):
        return FigureContent(reason=findings.images.reason)
    names = findings.best(_MOST_DETECTORS)
    every = _measured(findings, findings.images.attributes, names)
    found = {name: rows for name, rows in every.items() if rows[SLICE].nunique() <= _MOST_SLICES}
    left = [f"{_TITLES[name]}, {rows[SLICE].nunique()} parts" for name, rows in every.items() if name not in found]
    if not found:
        several = f"More than {_MOST_SLICES} parts are no map: {'; '.join(left)}."
        return FigureContent(reason=several if left else "No detector is measured on two parts of the images.")
    panels = [_panel(_TITLES[name], rows, names) for name, rows in found.items()]
    every_part = pd.concat(found.values(), ignore_index=True)
    worst = every_part.sort_values(columns.RANKED, kind="stable").iloc[0]  # those that are missing stand last
    value = percent(float(worst[columns.RANKED]))
    said = f"The lowest: {worst[columns.DETECTOR]} on {_name(worst[SLICE])}, {value} %."
    note = f"Accuracy in %, {findings.averaged}. Of one class alone it is the share of these that are called so."
    note += f" The first {len(names)} of {len(findings.rows)} rows." if len(findings.rows) > len(names) else ""
    note += f" Left out: {'; '.join(left)}." if left else ""
    tables = [_table(_TITLES[name], rows, names) for name, rows in found.items()]
    chart = heat_map_chart("Accuracy on parts of the images", said, panels, note=note)
    return FigureContent([chart], tables, every_part)


def _measured(findings: Findings, attributes: pd.DataFrame, names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """The accuracies of some detectors by each attribute of which two parts are measured at least."""
    found = {}
    for attribute in _TITLES:
        values = binned(attributes[LONGER_SIDE]) if attribute == LONGER_SIDE else attributes[attribute]
        rows = slice_accuracies(findings.measured, values, findings.average)
        rows = rows[rows[columns.DETECTOR].isin(names)].assign(attribute=attribute)
        if rows.loc[rows[columns.RANKED].notna(), SLICE].nunique() > 1:
            found[attribute] = rows
    return found


def _panel(title: str, rows: pd.DataFrame, names: list[str]) -> HeatMapPanel:
    slices = [_name(name) for name in rows[SLICE].unique()]
    values = {
        (str(row[columns.DETECTOR]), _name(row[SLICE])): float(row[columns.RANKED])
        for row in rows.to_dict(orient="records")
    }
    real = [name for name in slices if name.startswith(REAL_POOL)]
    groups = [group for group in ([name for name in slices if name not in real], real) if group]
    return HeatMapPanel(title, values, [names], groups, diagonal=False)


def _name(slice_name: object) -> str:
    return str(slice_name) if slice_name != NOT_STATED else "not stated"


def _table(title: str, rows: pd.DataFrame, names: Sequence[str]) -> TitledTable:
    """The accuracies of the first of some detectors that has any."""
    measured = set(rows.loc[rows[columns.RANKED].notna(), columns.DETECTOR])
    detector = next(name for name in names if name in measured)
    own = rows[rows[columns.DETECTOR].eq(detector)]
    values = zip(own[columns.RANKED], own[LOW], own[HIGH], strict=True)
    texts = [
        percent(value) if math.isnan(low) else f"{percent(value)} {interval_text(low, high)}"
        for value, low, high in values
    ]
    return TitledTable(
        f"{detector}, {title}",
        (
            TableColumn("slice", tuple(map(_name, own[SLICE])), left=True),
            TableColumn("accuracy", tuple(texts)),
            TableColumn("real images", tuple(f"{count:,}" for count in own[REAL])),
            TableColumn("generated images", tuple(f"{count:,}" for count in own[GENERATED])),
            TableColumn("few images", tuple("yes" if few else "" for few in own[FEW]), left=True),
        ),
    )


FIGURE = Figure(
    "slices",
    "Parts",
    "On which images does it fail?",
    slices_content,
    "Each column is measured on those test images alone. Few images: fewer than 20, of which little follows.",
    needs_images=True,
)
