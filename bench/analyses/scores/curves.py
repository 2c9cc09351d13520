"""ROC, precision-recall and reliability of each detector over the cells of an average.

Cells are pooled as averages are: each cell has its own curve, and curves are averaged where they are drawn, first over
the seeds of a question and then over the questions, every one counting alike. True positive rates are averaged at each
false positive rate (vertical averaging: Fawcett, Pattern Recognition Letters 27, 2006), precisions at each recall, and
bins of the score over the cells. So the area below an averaged curve is the mean of the areas of the cells, which is
what the tables have. Scores of different trainings are never put into one order: they have no scale in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.analyses.scores.questions import binary_cells, missing_cells
from bench.analyses.scores.thinning import MOST_POINTS, thinned
from bench.evaluation.cells import MeasuredCells
from bench.evaluation.decided_blocks import Mask, decided_blocks
from bench.metrics.metric import CLASS_NAMES, CellImages
from bench.metrics.probabilities import BINS, reliability_table
from bench.metrics.ranking import hits_and_false_alarms
from bench.records import columns
from bench.records.manifest import ALL_CELLS

Numbers64 = NDArray[np.float64]
_Points = tuple[Numbers64, Numbers64]


@dataclass(frozen=True, eq=False, slots=True)
class DrawnCurve:
    """A curve as a polyline: straight between its points, upright where a value is reached by several.

    Attributes:
        x: Float64 (P,) in [0, 1], never falling: false positive rates, or recalls.
        y: Float64 (P,) in [0, 1]: true positive rates, or precisions.
        area: Below the curve before points were left out: ROC AUC, or average precision.
        deviation: The largest distance of a point that was left out from the curve that is left.
    """

    x: Numbers64
    y: Numbers64
    area: float
    deviation: float


@dataclass(frozen=True, eq=False, slots=True)
class PooledReliability:
    """Scores in B bins of equal width beside what the images in them are, every cell counting alike.

    Attributes:
        edges: Float64 (B + 1,), from 0 to 1; a bin has its lower edge, the last one 1 as well.
        images: Float64 (B,), the share of the images of a cell that are in each bin, of sum 1.
        scores: Float64 (B,), mean score; NaN where there is no image.
        generated: Float64 (B,), share of images of the class that is looked for, which is generated unless a user
            asked for real ones; NaN where there is no image.
    """

    edges: Numbers64
    images: Numbers64
    scores: Numbers64
    generated: Numbers64

    @property
    def calibration_error(self) -> float:
        """Mean distance of score and share over the bins, weighted by their images; of the pooled bins."""
        return float(np.sum(self.images * np.nan_to_num(np.abs(self.scores - self.generated))))


@dataclass(frozen=True, eq=False, slots=True)
class DetectorCurves:
    """The curves of one detector.

    Attributes:
        detector: Its name.
        cells: Number of cells behind the curves.
        roc: True positive rate over false positive rate; None where there is a `gap`.
        precision_recall: Precision over recall, constant between recalls as average precision takes it; likewise.
        reliability: None where a cell is missing.
        gap: Why a curve is missing; "" where none is.
        missing: The cells that have no scores, one text each: an average over the others would be of other cells.
    """

    detector: str
    cells: int
    roc: DrawnCurve | None
    precision_recall: DrawnCurve | None
    reliability: PooledReliability | None
    gap: str
    missing: tuple[str, ...]


def curves_of(
    measured: MeasuredCells,
    average: str = ALL_CELLS,
    most: int = MOST_POINTS,
    detectors: Sequence[str] | None = None,
) -> Iterator[DetectorCurves]:
    """The curves of every detector that has a planned cell in an average, in planned order.

    Args:
        measured: The cells of a run.
        average: Over which cells, a name of `bench.evaluation.cells.average_masks`.
        most: Points of a curve, at most.
        detectors: Whose; None for all.

    Raises:
        InputError: There is no such average.
    """
    cells, of_cells = binary_cells(measured, average), measured.table[columns.DETECTOR]
    for detector in of_cells[cells].unique():
        if detectors is None or detector in detectors:
            yield _detector_curves(measured, str(detector), cells & of_cells.eq(detector).to_numpy(bool), most)


def _detector_curves(measured: MeasuredCells, detector: str, own: Mask, most: int) -> DetectorCurves:
    missing = missing_cells(measured, own)
    if missing:
        gap = f"{len(missing)} of {int(own.sum())} cells have no scores"
        return DetectorCurves(detector, 0, None, None, None, gap, missing)
    images, weights = _cells_and_weights(measured, own)
    reliability = _reliability(images, weights)
    lacking = [CLASS_NAMES[label] for label in (0, 1) for one in images if not (one.labels == label).any()]
    if lacking:
        gap = f"{len(lacking)} of {len(images)} cells lack images of one class"
        return DetectorCurves(detector, len(images), None, None, reliability, gap, ())
    roc = _mean_curve([_roc(one) for one in images], weights, most)
    precision_recall = _mean_curve([_precision_recall(one) for one in images], weights, most)
    return DetectorCurves(detector, len(images), roc, precision_recall, reliability, "", ())


def _cells_and_weights(measured: MeasuredCells, own: Mask) -> tuple[list[CellImages], Numbers64]:
    """The images of each cell, and its weight, of sum 1: questions count alike, and the seeds of each."""
    blocks = list(decided_blocks(measured.run, own, measured.rescoring.positive))
    cells = np.concatenate([block.cells for block in blocks])
    names = list(columns.of_question(measured.run.manifest.protocol.axes))
    questions = measured.table.groupby(names, sort=False, dropna=False).ngroup().to_numpy()[cells]
    codes, distinct = pd.factorize(questions)
    weights = 1 / np.bincount(codes)[codes] / len(distinct)
    return [images for block in blocks for images in block.cell_images()], weights


def _roc(images: CellImages) -> _Points:
    """False and true positive rates of one cell, from (0, 0) to (1, 1)."""
    hits, alarms = hits_and_false_alarms(images.labels, images.order)
    return np.append(0, alarms / alarms[-1]), np.append(0, hits / hits[-1])


def _precision_recall(images: CellImages) -> _Points:
    """Recalls and precisions of one cell as steps: the precision at a recall holds from the recall before it."""
    hits, alarms = hits_and_false_alarms(images.labels, images.order)
    gained = np.diff(hits, prepend=0) > 0
    recalls = hits[gained] / hits[-1]
    precisions = hits[gained] / (hits + alarms)[gained]
    return np.repeat(np.append(0, recalls), 2)[1:-1], np.repeat(precisions, 2)


def _mean_curve(curves: Sequence[_Points], weights: Numbers64, most: int) -> DrawnCurve:
    """The curves averaged at every x that any of them has, exactly, and then thinned."""
    grid = np.unique(np.concatenate([x for x, _ in curves]))
    ends = np.zeros((2, len(grid)))
    for (x, y), weight in zip(curves, weights, strict=True):
        ends += weight * np.stack(_values_at(grid, x, y))
    x, y = np.repeat(grid, 2), ends.T.ravel()
    area = float(np.trapezoid(y, x))
    kept, deviation = thinned(x, y, most)
    return DrawnCurve(x[kept], np.clip(y[kept], 0, 1), area, deviation)


def _values_at(grid: Numbers64, x: Numbers64, y: Numbers64) -> tuple[Numbers64, Numbers64]:
    """Where a polyline arrives at each of these places and where it leaves it: they differ where it is upright."""
    places, first, counts = np.unique(x, return_index=True, return_counts=True)
    arriving, leaving = y[first], y[first + counts - 1]
    at = np.searchsorted(places, grid, side="right") - 1
    after = np.minimum(at + 1, len(places) - 1)
    width = places[after] - places[at]
    share = np.divide(grid - places[at], width, out=np.zeros(grid.shape), where=width > 0)
    between = leaving[at] + share * (arriving[after] - leaving[at])
    exact = places[at] == grid
    return np.where(exact, arriving[at], between), np.where(exact, leaving[at], between)


def _reliability(cells: Sequence[CellImages], weights: Numbers64, bins: int = BINS) -> PooledReliability:
    """The bins of all cells, those of a cell weighted by its share and not by its number of images."""
    sums = np.zeros((3, bins))
    for images, weight in zip(cells, weights, strict=True):
        table = reliability_table(images.labels, images.probabilities, bins)
        shares = weight * table.counts / table.counts.sum()
        sums += shares * np.stack([np.ones(bins), np.nan_to_num(table.scores), np.nan_to_num(table.generated)])
    with np.errstate(invalid="ignore"):
        scores, generated = sums[1:] / sums[0]
    return PooledReliability(np.arange(bins + 1) / bins, sums[0], scores, generated)
