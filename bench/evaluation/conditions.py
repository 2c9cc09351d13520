"""What becomes of a detector over several degradations of the same images: worst cases, and verdicts that flip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench.evaluation.cells import SCORED, Mask, MeasuredCells
from bench.evaluation.metrics import called_generated, order_of, roc_auc
from bench.records import columns
from bench.statistics.intervals import RESAMPLES, bootstrap_accuracies, interval
from protocols.api import NONE

UNDEFINED = float("nan")
FIT, CALLED = "fit", "called"  # of copies: number of the fit, and whether the image is called generated
IMAGE = [columns.TEST_DATA, columns.NAME]  # identifies an image of a run
TRAINING = [axis for axis in columns.QUESTION if axis.startswith("train") or axis == "options"]


@dataclass(frozen=True, slots=True)
class WorstValue:
    """The smallest of several accuracies.

    Attributes:
        value: In [0, 1].
        where: What it is of.
    """

    value: float
    where: str


@dataclass(frozen=True, slots=True)
class ConditionOutcomes:
    """How one detector fares over several conditions, a condition being one degradation, or none.

    Several fits (train sets, seeds) of a detector count alike.

    Attributes:
        detector: Its name.
        conditions: Number of conditions, the clean one included.
        images: Number of images.
        clean_auc: Area under the ROC curve of clean images, in [0, 1]; NaN without clean images of both classes.
        pooled_auc: The same of all degraded copies together: one order of scores, and so one threshold, for all.
        mean: Mean over the conditions of the accuracy that ranks, in [0, 1].
        worst_condition: The condition of the smallest.
        worst_generator: The generator of the smallest mean over conditions; None for one generator.
        worst_real: The generator whose real images are most often called generated, mean over conditions; None where
            all have the same real images.
        flip_rate: Share of the images whose verdict is not the same under every condition, in [0, 1].
        flip_low: Lower end of its 95% interval over the images, clustered by source.
        flip_high: Upper end.
    """

    detector: str
    conditions: int
    images: int
    clean_auc: float
    pooled_auc: float
    mean: float
    worst_condition: WorstValue
    worst_generator: WorstValue | None
    worst_real: WorstValue | None
    flip_rate: float
    flip_low: float
    flip_high: float


def condition_outcomes(measured: MeasuredCells, draws: int = RESAMPLES) -> Iterator[ConditionOutcomes]:
    """The outcomes of each detector whose cells all have scores, under two conditions at least.

    Nothing where a protocol's own axes tell cells of one degradation apart, such as which class it was applied to:
    then an image under one degradation is several images.

    Args:
        measured: The cells of a run.
        draws: Number of resamples of the sources.
    """
    table = measured.table
    for detector in table[columns.DETECTOR].unique():
        own = table[columns.DETECTOR].eq(detector).to_numpy(bool)
        cells = table[own]
        told_apart = not cells.duplicated([*columns.QUESTION, columns.SEED]).any()
        if told_apart and cells[columns.STATUS].eq(SCORED).all() and cells[columns.DEGRADATION].nunique() > 1:
            yield outcomes_of(str(detector), cells, _copies(measured, own), draws)


def outcomes_of(detector: str, cells: pd.DataFrame, copies: pd.DataFrame, draws: int = RESAMPLES) -> ConditionOutcomes:
    """The outcomes of one detector.

    Args:
        detector: Its name.
        cells: One row per question and condition: `columns.TEST`, `columns.DEGRADATION`, `columns.RANKED` and
            `columns.REAL_ACCURACY`.
        copies: One row per fit, image and condition: `FIT`, `IMAGE`, `columns.DEGRADATION`, the label, source, score
            and log odds, and `CALLED`.
        draws: Number of resamples of the sources.
    """
    flips = _flips(copies)
    low, high = interval(
        bootstrap_accuracies(
            flips[FIT].to_numpy(int),
            flips[columns.SOURCE].to_numpy(),
            flips[columns.LABEL].to_numpy(int),
            flips["flipped"].to_numpy(bool),
            draws,
        ).mean(axis=0)
    )
    clean = copies[columns.DEGRADATION].eq(NONE)
    return ConditionOutcomes(
        detector,
        cells[columns.DEGRADATION].nunique(),
        len(flips[IMAGE].drop_duplicates()),
        mean_auc(copies[clean]),
        mean_auc(copies[~clean]),
        float(cells.groupby(columns.DEGRADATION)[columns.RANKED].mean().mean()),
        _worst(cells, columns.DEGRADATION, columns.RANKED),
        _worst(cells, columns.TEST, columns.RANKED) if cells[columns.TEST].nunique() > 1 else None,
        _worst_real(cells),
        float(flips.groupby(FIT)["flipped"].mean().mean()),
        float(low),
        float(high),
    )


def _copies(measured: MeasuredCells, own: Mask) -> pd.DataFrame:
    """One row per fit, image and condition, whatever the number of cells that ask about it: its score and verdict."""
    fits, _ = pd.factorize(pd.MultiIndex.from_frame(measured.table[[*TRAINING, columns.SEED]]))
    images = measured.images_of(own)
    cell = images[columns.CELL].to_numpy(int)
    described = images.assign(
        **{FIT: pd.factorize(fits[cell])[0], CALLED: called_generated(images[columns.SCORE].to_numpy())},
        **{name: measured.table[name].to_numpy()[cell] for name in (columns.DEGRADATION, columns.TEST_DATA)},
    )
    return described.drop_duplicates([FIT, *IMAGE, columns.DEGRADATION])


def _flips(copies: pd.DataFrame) -> pd.DataFrame:
    """One row per fit and image: its source, its label, and whether its verdict is not the same on every copy."""
    first = {name: (name, "first") for name in (columns.SOURCE, columns.LABEL)}
    found = copies.groupby([FIT, *IMAGE]).agg(least=(CALLED, "min"), most=(CALLED, "max"), **first).reset_index()
    return found.assign(flipped=found["least"].ne(found["most"]))


def mean_auc(copies: pd.DataFrame) -> float:
    """The area under the ROC curve of the copies of each fit together, mean over the fits; NaN without both classes."""
    found = []
    for _, images in copies.groupby(FIT):
        labels, odds = images[columns.LABEL].to_numpy(), images[columns.LOG_ODDS].to_numpy()
        both = 0 < labels.sum() < labels.size
        order = order_of(images[columns.SCORE].to_numpy(), odds)
        found.append(roc_auc(labels, order) if both else UNDEFINED)
    return float(np.mean(found)) if found else UNDEFINED


def _worst(cells: pd.DataFrame, axis: str, measure: str) -> WorstValue:
    means = cells.groupby(axis, sort=False)[measure].mean()
    return WorstValue(float(means.min(skipna=False)), str(means.idxmin(skipna=False)) if means.notna().all() else "")


def _worst_real(cells: pd.DataFrame) -> WorstValue | None:
    by_generator = cells.groupby([columns.TEST, columns.DEGRADATION])[columns.REAL_ACCURACY].mean().unstack()
    same = by_generator.nunique(dropna=False).le(1).all()
    return None if same else _worst(cells, columns.TEST, columns.REAL_ACCURACY)
