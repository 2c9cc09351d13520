"""Measures of cells with what validation scores tell: the threshold chosen on them, and scores after calibration."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from bench.metrics.calibration import CALIBRATION_METHODS, chosen_threshold, fit_calibration
from bench.metrics.catalogue import find_metrics
from bench.metrics.decisions import accuracy, balanced_accuracy
from bench.metrics.metric import CellImages
from bench.records import columns
from bench.records.outcomes import Scored
from bench.records.run import Run

THRESHOLD = "validation_threshold"  # of log odds where the detector has them, else of scores
ACCURACY, BALANCED_ACCURACY = "validation_accuracy", "validation_balanced_accuracy"
ORACLE = find_metrics(["oracle_accuracy", "oracle_balanced_accuracy"])
CALIBRATED = find_metrics(["balanced_accuracy", "ece", "brier", "nll"])  # as they are, and after each method


def validation_measures(run: Run) -> pd.DataFrame:
    """Measures of every scored cell whose detector has validation scores; nothing stored is changed.

    Returns:
        One row per such cell: `columns.KEY`, `columns.DETECTOR`; the threshold with the best balanced accuracy on
        validation, and both accuracies at it; the accuracies of an oracle; then `CALIBRATED` as they are and, behind
        the name of each method, after it. NaN where a class has no image.
    """
    if run.validation.cells.empty:
        return pd.DataFrame()
    wanted = run.cells[columns.STATUS].eq(Scored.status) & run.cells[columns.TASK].eq("binary")
    keys = run.validation.cells.set_index(columns.KEY)[columns.VALIDATION_KEY]
    held_out = {key: _images_of(rows) for key, rows in run.validation.scores.groupby(columns.KEY)}
    rows = [
        {columns.KEY: key, columns.DETECTOR: detector, **dict(_measures(*_on_one_scale(held_out[keys[key]], test)))}
        for key, detector in run.cells.loc[wanted, [columns.KEY, columns.DETECTOR]].itertuples(index=False, name=None)
        if key in keys.index and keys[key] in held_out
        for test in [_images_of_cell(run, key)]
    ]
    return pd.DataFrame(rows)


def _images_of(rows: pd.DataFrame) -> CellImages:
    """The images of a table of scores."""
    labels, scores, odds = (rows[name].to_numpy() for name in (columns.LABEL, columns.SCORE, columns.LOG_ODDS))
    return CellImages(labels.astype(np.int64), scores, odds)


def _images_of_cell(run: Run, key: str) -> CellImages:
    """The images of a cell of a run."""
    cell = run.score_table[key]
    return CellImages(cell.images.labels.astype(np.int64), cell.scores, cell.log_odds)


def _on_one_scale(*given: CellImages) -> Iterator[CellImages]:
    """Some images, with log odds where all of them have some."""
    with_odds = all(images.log_odds is not None and not np.isnan(images.log_odds).any() for images in given)
    yield from (images if with_odds else replace(images, log_odds=None) for images in given)


def _measures(validation: CellImages, test: CellImages) -> Iterator[tuple[str, float]]:
    """The measures of one cell, by column."""
    threshold = chosen_threshold(validation.labels, validation.order)
    called = test.order > threshold
    yield THRESHOLD, threshold
    yield ACCURACY, accuracy(test.labels, called)
    both = len(np.unique(test.labels)) == 2
    yield BALANCED_ACCURACY, balanced_accuracy(test.labels, called) if both else float("nan")
    yield from ((metric.name, test.measure(metric)) for metric in (*ORACLE, *CALIBRATED))
    for method in CALIBRATION_METHODS:
        calibrated = fit_calibration(method, validation.labels, validation.finite_log_odds).calibrate(test)
        yield from ((f"{method}_{metric.name}", calibrated.measure(metric)) for metric in CALIBRATED)


def mean_measures(run: Run, found: pd.DataFrame) -> Mapping[str, Mapping[str, float]]:
    """The means over cells by detector, in planned order; NaN where one is missing.

    Args:
        run: A run.
        found: Its `validation_measures`.
    """
    if found.empty:
        return {}
    order = [name for name in run.manifest.detectors if name in set(found[columns.DETECTOR])]
    values = found.drop(columns=[columns.KEY, columns.DETECTOR, THRESHOLD]).groupby(found[columns.DETECTOR])
    means = values.mean().where(values.count().eq(values.size(), axis=0))
    return {name: {str(column): float(means[column][name]) for column in means} for name in order}
