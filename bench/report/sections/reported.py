"""Reported beside measured: what was published of a released checkpoint on this data, and what it does here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench.evaluation.cells import SCORED, MeasuredCells, evaluate
from bench.images.vocabulary.generator_names import same_generator
from bench.platform.shipped_results import shipped_results
from bench.records import columns
from bench.records.manifest import CheckpointRecord
from bench.records.run import Run
from bench.report.ranking_columns import TableColumn, TitledTable, percent, points
from bench.report.sections.published import read_published
from bench.statistics.intervals import bootstrap_accuracies, interval
from bench.statistics.ranking_draws import bootstrap_ranking
from protocols.api import NONE

METRICS = {
    "accuracy_%": columns.ACCURACY,
    "balanced_accuracy_%": columns.BALANCED_ACCURACY,
    "AP_%": columns.AP,
    "AUC_%": columns.ROC_AUC,
}
OTHER_QUESTIONS = ("best threshold", "test-time adaptation", "robustness")  # in the protocols of published figures
OFFICIAL = "official checkpoint"
LEGEND = (
    "Published figures of the same checkpoint on data of the same name, in %, and what was measured here with its 95% "
    "interval over the images. Holds: whether the interval holds the published figure. Protocols and data may differ "
    "in what their sources do not say; the libraries below change pixels."
)


@cache
def _published() -> pd.DataFrame:
    """Every published table, one figure per row."""
    folder: Path = shipped_results() / "published"
    tables = [read_published(path) for path in sorted(folder.glob("*.csv"))]
    whole = pd.concat(tables, ignore_index=True)
    return whole[whole["metric"].isin(list(METRICS)) & whole["degradation"].eq(NONE)]


def reported_rows(run: Run) -> pd.DataFrame:
    """One row per published figure of a checkpoint and generator of the run."""
    published = {
        name: record.checkpoint
        for name, record in run.manifest.detectors.items()
        if record.checkpoint and record.checkpoint.published_as
    }
    measured = evaluate(run) if published and _data_name(run) else None
    found = [row for name, one in published.items() for row in _rows(run, name, one, measured)] if measured else []
    names = ["detector", "generator", "metric", "reported", "measured", "low", "high", "difference", "holds", "n"]
    return pd.DataFrame(found, columns=[*names, "protocol", "source", "source_table", "versions"])


def reported_tables(run: Run) -> list[TitledTable]:
    """The table of all such figures; none where there is none."""
    rows = reported_rows(run)
    if rows.empty:
        return []
    sources = list(dict.fromkeys(rows["source"] + ", " + rows["source_table"]))
    marks = [f"[{sources.index(f'{row.source}, {row.source_table}') + 1}]" for row in rows.itertuples()]
    measured = [
        f"{percent(value)} [{percent(low)}, {percent(high)}]"
        for value, low, high in rows[["measured", "low", "high"]].itertuples(index=False, name=None)
    ]
    shown = (
        TableColumn("detector", tuple(rows["detector"]), left=True),
        TableColumn("generator", tuple(rows["generator"]), left=True),
        TableColumn("measure", tuple(rows["metric"]), left=True),
        TableColumn("reported", tuple(map(percent, rows["reported"]))),
        TableColumn("measured", tuple(measured)),
        TableColumn("difference", tuple(map(points, rows["difference"]))),
        TableColumn("holds", tuple("yes" if held else "no" for held in rows["holds"])),
        TableColumn("source", tuple(marks)),
    )
    listed = tuple(f"[{number}] {source}" for number, source in enumerate(sources, start=1))
    where = TitledTable("Sources", (TableColumn("source", listed, left=True),))
    versions = TitledTable("Libraries", (TableColumn("measured with", (rows["versions"].iloc[0],), left=True),))
    return [TitledTable(f"Reported and measured, {_data_name(run)}", shown), where, versions]


def _data_name(run: Run) -> str:
    """What published tables call the run's own data."""
    return run.manifest.data.published_name


def _rows(run: Run, detector: str, checkpoint: CheckpointRecord, measured: MeasuredCells) -> Iterator[dict[str, Any]]:
    """The rows of one checkpoint."""
    table = _published()
    figures = table[
        table["benchmark"].map(_is_of(_data_name(run)))
        & table["detector"].isin(checkpoint.published_as)
        & table["train_on"].map(lambda name: _same_training(str(name), checkpoint))
        & ~table["protocol"].str.contains("|".join(OTHER_QUESTIONS))
    ]
    cells = measured.table
    own = cells[columns.DETECTOR].eq(detector) & cells[columns.STATUS].eq(SCORED) & cells[columns.DEGRADATION].eq(NONE)
    for position in np.flatnonzero(own & cells[columns.TEST_DATA].eq("")).tolist():
        cell = cells.iloc[position].to_dict()
        images = measured.images[measured.images[columns.CELL].eq(position)]
        for figure in figures.to_dict(orient="records"):
            if not same_generator(figure["test_on"], cell[columns.TEST]):
                continue
            metric = METRICS[figure["metric"]]
            low, high = _interval(images, metric)
            value, reported = cell[metric], figure["value"] / 100
            yield {
                "detector": detector,
                "generator": cell[columns.TEST],
                "metric": metric,
                "reported": reported,
                "measured": value,
                "low": low,
                "high": high,
                "difference": value - reported,
                "holds": low <= reported <= high,
                "n": cell[columns.N],
                **{name: figure[name] for name in ("protocol", "source", "source_table")},
                "versions": ", ".join(f"{name} {version}" for name, version in run.manifest.versions.items()),
            }


def _is_of(name: str) -> Any:  # noqa: ANN401 - a function of texts for pandas
    """Whether a benchmark is the one of that name, whatever follows in brackets."""
    plain = name.lower()
    return lambda benchmark: str(benchmark).partition(" (")[0].lower() == plain


def _same_training(train_on: str, checkpoint: CheckpointRecord) -> bool:
    """Whether a published figure is of a detector trained on what this checkpoint was trained on."""
    if train_on.startswith(OFFICIAL):
        return True
    return any(same_generator(train_on.partition(" ")[0], name) for name in checkpoint.trained_on or ())


def _interval(images: pd.DataFrame, metric: str) -> tuple[float, float]:
    """The 95% interval of a measure of one cell."""
    sources, labels = images[columns.SOURCE].to_numpy(), images[columns.LABEL].to_numpy()
    if metric in {columns.AP, columns.ROC_AUC}:
        odds = images[columns.LOG_ODDS]
        order = (images[columns.SCORE] if odds.isna().any() else odds).to_numpy()
        draws = bootstrap_ranking(sources, labels, order)[metric == columns.ROC_AUC]
    else:
        correct, cells = images[columns.CORRECT].to_numpy(), labels * 0
        draws = bootstrap_accuracies(cells, sources, labels, correct, balanced=metric == columns.BALANCED_ACCURACY)[0]
    low, high = interval(draws)
    return float(low), float(high)
