"""What detectors say of some images: the mean over everything that a detector was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.analyses.scores.questions import binary_cells
from bench.evaluation.cells import MeasuredCells
from bench.evaluation.decided_blocks import decided_blocks
from bench.records import columns
from bench.records.manifest import ALL_CELLS

CALLED, RIGHT, ANSWERS = "called_generated", "right", "answers"
IMAGE_SCORES = (
    *(columns.TEST_DATA, columns.NAME, columns.LABEL, columns.DETECTOR, columns.DEGRADATION),
    *(columns.SCORE, CALLED, RIGHT, ANSWERS),
)
_KEYS = list(IMAGE_SCORES[:5])
_ASKED = (columns.TEST_DATA, columns.DETECTOR, columns.DEGRADATION)


def image_scores(measured: MeasuredCells, names: Sequence[str], average: str = ALL_CELLS) -> pd.DataFrame:
    """What each detector says of some images under each degradation.

    Args:
        measured: The cells of a run.
        names: Of images; those without a score are left out.
        average: Whose cells count.

    Returns:
        One row per data set, image, detector and degradation, columns `IMAGE_SCORES`: the mean of its scores in [0, 1]
        over `ANSWERS` cells, and the shares of them that call it generated, and what it is.
    """
    parts = list(_parts(measured, np.unique(np.array(list(names), str)), average))
    if not parts:
        return pd.DataFrame(columns=list(IMAGE_SCORES))
    sums = pd.concat(parts).groupby(_KEYS, sort=False).sum()
    means = sums[[columns.SCORE, CALLED, RIGHT]].div(sums[ANSWERS], axis=0)
    found: pd.DataFrame = means.assign(**{ANSWERS: sums[ANSWERS]}).reset_index()
    return found[list(IMAGE_SCORES)]


def _parts(measured: MeasuredCells, names: NDArray[np.str_], average: str) -> Iterator[pd.DataFrame]:
    """Sums over the cells of one block that have one detector and degradation, an image a row."""
    table = measured.table
    for block in decided_blocks(measured.run, binary_cells(measured, average) & measured.scored):
        at = np.flatnonzero(np.isin(block.images.names.astype(str), names))
        if not len(at):
            continue
        asked = table.iloc[block.cells][list(_ASKED)].reset_index(drop=True)
        for _, found in asked.groupby(list(_ASKED), sort=False):
            data, detector, degradation = found.iloc[0]
            rows = found.index.to_numpy(np.intp)
            yield pd.DataFrame(
                {
                    columns.TEST_DATA: data,
                    columns.DETECTOR: detector,
                    columns.DEGRADATION: degradation,
                    columns.NAME: block.images.names[at],
                    columns.LABEL: block.images.labels[at],
                    columns.SCORE: block.scores[np.ix_(rows, at)].astype(np.float64).sum(axis=0),
                    CALLED: block.called[np.ix_(rows, at)].sum(axis=0),
                    RIGHT: block.correct[np.ix_(rows, at)].sum(axis=0),
                    ANSWERS: len(rows),
                }
            )
