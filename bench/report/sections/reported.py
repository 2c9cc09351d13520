"""Reported beside measured: what was published of a released checkpoint on this data, and what it does here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.evaluation.cells import SCORED, MeasuredCells
from bench.images.vocabulary.generator_names import same_generator, same_test_set
from bench.platform.errors import InputError
from bench.platform.shipped_results import shipped_results
from bench.records import columns
from bench.records.manifest import CheckpointRecord
from bench.report.ranking_columns import TableColumn, TitledTable, percent, points
from bench.report.sections.content import SectionContent
from bench.report.sections.published import read_published
from protocols.api import NONE

METRICS = {
    "accuracy_%": columns.ACCURACY,
    "balanced_accuracy_%": columns.BALANCED_ACCURACY,
    "AP_%": columns.AP,
    "AUC_%": columns.ROC_AUC,
}
OTHER_QUESTIONS = ("best threshold", "test-time adaptation", "robustness")  # in the protocols of published figures
OFFICIAL = "official checkpoint"
NAMES = ["detector", "generator", "metric", "reported", "measured", "low", "high", "difference", "holds", "n"]
FROM_SOURCE = ["protocol", "source", "source_table"]
LEGEND = (
    "Figures that the registry counts as this checkpoint's, published for data of the same name, in %, and what was "
    "measured here with its 95% interval over the images. Holds: whether the interval holds the published figure, as "
    "rounded. Protocols and data may differ in what their sources do not say; the libraries below change pixels."
)


@cache
def _published() -> pd.DataFrame:
    """Every published table, one figure per row."""
    folder: Path = shipped_results() / "published"
    tables = [read_published(path) for path in sorted(folder.glob("*.csv"))]
    whole = pd.concat(tables, ignore_index=True)
    return whole[whole["metric"].isin(list(METRICS)) & whole["degradation"].eq(NONE)]


def benchmark_name(text: str) -> str:
    """The name by which published tables know a data set, in any case. Raises `InputError` for another."""
    known = sorted({_plain(name) for name in _published()["benchmark"]})
    found = next((name for name in known if name.lower() == text.lower()), None)
    if found is None:
        msg = f"no published table is about {text!r}; choose {', '.join(known)}"
        raise InputError(msg)
    return found


def reported_content(measured: MeasuredCells) -> SectionContent:
    """The table of all such figures; none where there is none."""
    rows = reported_rows(measured)
    if rows.empty:
        return SectionContent([])
    sources = list(dict.fromkeys(rows[FROM_SOURCE].itertuples(index=False, name=None)))
    marks = [f"[{sources.index(one) + 1}]" for one in rows[FROM_SOURCE].itertuples(index=False, name=None)]
    intervals = [
        f"{percent(value)} [{percent(low)}, {percent(high)}]"
        for value, low, high in rows[["measured", "low", "high"]].itertuples(index=False, name=None)
    ]
    shown = (
        TableColumn("detector", tuple(rows["detector"]), left=True),
        TableColumn("generator", tuple(rows["generator"]), left=True),
        TableColumn("measure", tuple(rows["metric"]), left=True),
        TableColumn("reported", tuple(map(percent, rows["reported"]))),
        TableColumn("measured", tuple(intervals)),
        TableColumn("images", tuple(f"{count:,}" for count in rows["n"])),
        TableColumn("difference", tuple(map(points, rows["difference"]))),
        TableColumn("holds", tuple("yes" if held else "no" for held in rows["holds"])),
        TableColumn("source", tuple(marks)),
    )
    listed = tuple(
        f"[{number}] {source}, {table}: {protocol}" for number, (protocol, source, table) in enumerate(sources, start=1)
    )
    name = measured.run.manifest.data.published_name
    where = TitledTable("Sources", (TableColumn("source", listed, left=True),))
    versions = TitledTable("Libraries", (TableColumn("measured with", (rows["versions"].iloc[0],), left=True),))
    return SectionContent([TitledTable(f"Reported and measured, {name}", shown), where, versions], rows)


def reported_rows(measured: MeasuredCells) -> pd.DataFrame:
    """One row per published figure of a checkpoint and generator of the run.

    Only clean images of the run's first data set as they are, and rows without options, are what was published.
    """
    manifest = measured.run.manifest
    records = {name: record.checkpoint for name, record in manifest.detectors.items() if record.checkpoint}
    known = {
        name: record
        for name, record in records.items()
        if manifest.data.published_name in record.published_as and ":" not in name.partition("@")[0]
    }
    as_they_are = manifest.data.base_degradation == NONE
    found = [row for name, one in known.items() for row in _rows(measured, name, one)] if as_they_are else []
    return pd.DataFrame(found, columns=[*NAMES, *FROM_SOURCE, "versions"])


def _rows(measured: MeasuredCells, detector: str, checkpoint: CheckpointRecord) -> Iterator[dict[str, Any]]:
    """The rows of one checkpoint."""
    manifest, table, cells = measured.run.manifest, _published(), measured.table
    data = manifest.data.published_name
    figures = table[
        table["benchmark"].map(_plain).eq(data)
        & table["detector"].eq(checkpoint.published_as[data])
        & table["train_on"].map(lambda name: _same_training(str(name), checkpoint))
        & ~table["protocol"].str.contains("|".join(OTHER_QUESTIONS))
    ]
    own = cells[columns.DETECTOR].eq(detector) & cells[columns.STATUS].eq(SCORED) & cells[columns.DEGRADATION].eq(NONE)
    for position in np.flatnonzero(own & cells[columns.TEST_DATA].eq("")).tolist():
        cell = cells.iloc[position].to_dict()
        same = [same_test_set(str(name), cell[columns.TEST]) for name in figures["test_on"]]
        of_cell = figures[np.array(same, bool)]
        metrics = of_cell["metric"].map(METRICS)
        for metric, figure in zip(metrics, of_cell.to_dict(orient="records"), strict=True):
            value, reported = cell[metric], figure["value"] / 100
            low, high = (cell[end] for end in columns.interval_of(metric))
            rounded = _half_of_last_digit(figure["value"]) / 100
            yield {
                "detector": detector,
                "generator": cell[columns.TEST],
                "metric": metric,
                "reported": reported,
                "measured": value,
                "low": low,
                "high": high,
                "difference": value - reported,
                "holds": low - rounded <= reported <= high + rounded,
                "n": cell[columns.N],
                **{name: figure[name] for name in FROM_SOURCE},
                "versions": ", ".join(f"{name} {version}" for name, version in manifest.versions.items()),
            }


def _plain(benchmark: str) -> str:
    """The name of a benchmark without what follows in brackets."""
    return benchmark.partition(" (")[0]


def _half_of_last_digit(printed: float) -> float:
    """By how much a figure may differ from what was rounded to it, such as .05 for 73.4."""
    return 0.5 * 10.0 ** -len(repr(float(printed)).partition(".")[2])


def _same_training(train_on: str, checkpoint: CheckpointRecord) -> bool:
    """Whether a published figure is of a detector trained on what this checkpoint was trained on."""
    return train_on.startswith(OFFICIAL) or any(same_generator(train_on, name) for name in checkpoint.trained_on or ())
