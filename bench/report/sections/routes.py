"""Routes of two-stage detectors: which images take which, and the accuracy with the right route for each."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from bench.evaluation.cells import STANDARD_AXES, MeasuredCells, axes_shown
from bench.metrics.metric import called_generated
from bench.records import columns
from bench.records.run import Run
from bench.report.ranking_columns import DASH, TableColumn, TitledTable, percent, points
from bench.report.sections.content import SectionContent
from protocols.api import NONE

LEGEND = (
    "Share of the generated images of each test set by the route that they take, in %; accuracy with those routes;"
    " accuracy with every image on the route of the test set's generator (oracle); and what wrong routes cost."
)
_ORACLE = "oracle"  # score along the route of the test set's generator, NaN where there is none


def route_content(measured: MeasuredCells) -> SectionContent:
    """The tables of routes, and how many images took each."""
    return SectionContent(route_tables(measured.run), route_counts(measured.run))


def route_counts(run: Run) -> pd.DataFrame:
    """Number of images by cell, label and route: the columns that identify the cell, label, route, images."""
    names = [*_identity(run), columns.LABEL, columns.ROUTE]
    return _routed_images(run).groupby(names, sort=False).size().rename(columns.IMAGES).reset_index()


def route_tables(run: Run) -> list[TitledTable]:
    """One table per detector and train set that has several routes, over all training seeds."""
    identity = _identity(run)
    groups = _routed_images(run).groupby([columns.DETECTOR, columns.TRAIN], sort=False)
    return [_route_table(str(detector), str(train), images, identity) for (detector, train), images in groups]


def _identity(run: Run) -> list[str]:
    """The columns that identify a cell for a reader."""
    return [columns.DETECTOR, *axes_shown(run.cells, run.manifest.protocol), columns.SEED]


def _routed_images(run: Run) -> pd.DataFrame:
    """One row per image that took a route, with its cell, label, score, route and oracle score."""
    if columns.ROUTE not in run.diagnostics:
        empty = [*run.cells.columns, columns.NAME, columns.LABEL, columns.SCORE, columns.ROUTE, _ORACLE]
        return pd.DataFrame(columns=empty)
    image = [columns.KEY, columns.NAME]
    routed = run.diagnostics[run.diagnostics[columns.ROUTE].notna()]
    scored = routed.merge(run.scores[[*image, columns.LABEL, columns.SCORE]], on=image, validate="one_to_one")
    images = run.cells.merge(scored, on=columns.KEY)
    return images.assign(**{_ORACLE: _oracle_scores(images)})


def _oracle_scores(images: pd.DataFrame) -> pd.Series[float]:
    """The score of each image along the route that is named as its test set; NaN where there is none."""
    scores = pd.Series(np.nan, index=images.index)
    for test in images[columns.TEST].unique():
        if (column := columns.ROUTE_SCORE + test) in images:
            tested = images[columns.TEST] == test
            scores[tested] = images.loc[tested, column]
    return scores


def _route_table(detector: str, train: str, images: pd.DataFrame, identity: list[str]) -> TitledTable:
    """The table of one detector and train set."""
    further = [axis for axis in identity[1:-1] if axis not in STANDARD_AXES]
    cells = images.drop_duplicates(columns.KEY)
    names_by_key = {cell[columns.KEY]: _row_name(cell, further) for cell in cells.to_dict(orient="records")}
    row_names = images[columns.KEY].map(names_by_key)
    names = list(dict.fromkeys(row_names))
    parts = [images[row_names == name] for name in names]
    generated = [part[part[columns.LABEL] == 1] for part in parts]
    image = [name for name in (*identity, columns.NAME) if name != columns.TEST]
    real = images[images[columns.LABEL] == 0].drop_duplicates(image)
    shares = [
        TableColumn(f"to {route}", tuple(percent(part[columns.ROUTE].eq(route).mean()) for part in [*generated, real]))
        for route in sorted(images[columns.ROUTE].unique())
    ]
    reached = [_accuracy(part, columns.SCORE) for part in parts]
    oracle = [_accuracy(part, _ORACLE) for part in parts]
    costs = [points(right - own) for own, right in zip(reached, oracle, strict=True)]
    shown = (
        TableColumn(columns.TEST, (*names, "real images"), left=True),
        *shares,
        TableColumn("accuracy", (*map(percent, reached), DASH)),
        TableColumn("oracle", (*map(percent, oracle), DASH)),
        TableColumn("cost", (*costs, DASH)),
    )
    return TitledTable(f"Routes of {detector}, trained on {train}", shown)


def _row_name(cell: Mapping[Hashable, Any], further: list[str]) -> str:
    """The test set, its degradation where it has one, and what else varies."""
    step = [] if cell[columns.DEGRADATION] == NONE else [cell[columns.DEGRADATION]]
    return " ".join([cell[columns.TEST], *step, *(f"{axis}={cell[axis]}" for axis in further)])


def _accuracy(images: pd.DataFrame, column: str) -> float:
    """Share of right decisions; NaN where there is no score for every image."""
    scores = images[column].to_numpy(np.float64)
    if np.isnan(scores).any():
        return float("nan")
    return float((called_generated(scores) == images[columns.LABEL]).mean())
