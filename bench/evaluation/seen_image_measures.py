"""Measures of cells after a threshold was shifted on a few labelled test images, which are then not measured."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from bench.metrics.catalogue import METRICS, measure
from bench.metrics.metric import CellImages, Metric
from bench.metrics.seen_images import SeenImages, seen_images
from bench.platform.errors import InputError
from bench.records import columns
from bench.records.outcomes import Scored
from bench.records.run import Run

SEEN = "seen"  # images that are left out: those that the threshold was shifted on, and the others of their sources
CALIBRATED, BALANCED = "calibrated_accuracy", "calibrated_balanced_accuracy"


def seen_image_measures(run: Run, count: int, seed: int = 0, metrics: Sequence[Metric] = METRICS) -> pd.DataFrame:
    """Measures of every scored cell with a threshold from `count` of its own test images, which no measure has.

    Args:
        run: The run; its scores are not changed.
        count: Labelled images of each test set, half real and half generated: the same ones for every detector, and
            under every degradation.
        seed: Of their draw.
        metrics: What is measured beside the accuracies at the shifted threshold.

    Returns:
        One row per scored cell of real and generated images: `columns.KEY`, `columns.DETECTOR`, `SEEN`, both accuracies
        at the shifted threshold, `columns.N` and the metrics.

    Raises:
        InputError: A test set has too few images for that.
    """
    wanted = run.cells[columns.STATUS].eq(Scored.status) & run.cells[columns.TASK].eq("binary")
    images = dict(iter(run.scores.groupby(columns.KEY)))
    drawn: dict[tuple[str, ...], SeenImages] = {}
    rows = []
    for cell in run.cells[wanted].to_dict("records"):
        table = images[cell[columns.KEY]]
        names = tuple(table[columns.NAME])
        if names not in drawn:
            drawn[names] = _drawn(table, count, seed, str(cell[columns.TEST]))
        rows.append({name: cell[name] for name in (columns.KEY, columns.DETECTOR)} | _row(table, drawn[names], metrics))
    return pd.DataFrame(rows)


def _drawn(table: pd.DataFrame, count: int, seed: int, test: str) -> SeenImages:
    """The images of a test set that are seen. Raises `InputError` with its name."""
    labels, names, sources = (table[name].to_numpy() for name in (columns.LABEL, columns.NAME, columns.SOURCE))
    try:
        return seen_images(labels.astype(np.int64), names, sources, count, seed)
    except InputError as error:
        msg = f"{test}: {error}"
        raise InputError(msg) from error


def _row(table: pd.DataFrame, seen: SeenImages, metrics: Sequence[Metric]) -> dict[str, float]:
    """The measures of one cell, by column."""
    labels, scores, odds = (table[name].to_numpy() for name in (columns.LABEL, columns.SCORE, columns.LOG_ODDS))
    labels = labels.astype(np.int64)
    whole = CellImages(labels, scores, odds)
    rest = ~seen.left_out
    return {
        SEEN: int(np.count_nonzero(seen.left_out)),
        CALIBRATED: seen.calibrated_accuracy(whole),
        BALANCED: seen.calibrated_accuracy(whole, balanced=True),
        **measure(labels[rest], scores[rest], metrics, odds[rest]),
    }
