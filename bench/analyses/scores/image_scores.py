"""What detectors say of some images: the mean over everything that a detector was trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bench.analyses.scores.questions import CALLED, binary_cells
from bench.evaluation.cells import MeasuredCells
from bench.evaluation.decided_blocks import Mask, decided_blocks
from bench.records import columns
from bench.records.manifest import ALL_CELLS

RIGHT, ANSWERS = "right", "answers"
IMAGE_SCORES = (
    *(columns.TEST_DATA, columns.NAME, columns.LABEL, columns.DETECTOR, columns.DEGRADATION),
    *(columns.SCORE, CALLED, RIGHT, ANSWERS),
)
_KEYS = list(IMAGE_SCORES[:5])
_ASKED = (columns.TEST_DATA, columns.DETECTOR, columns.DEGRADATION)


def image_scores(
    measured: MeasuredCells, names: Sequence[str], average: str = ALL_CELLS, detectors: Sequence[str] | None = None
) -> pd.DataFrame:
    """What each detector says of some images under each degradation.

    Args:
        measured: The cells of a run.
        names: Of images; those without a score are left out.
        average: Whose cells count.
        detectors: Whose; None for all.

    Returns:
        One row per data set, image, detector and degradation, columns `IMAGE_SCORES`: the mean of its scores in [0, 1]
        over `ANSWERS` cells, and the shares of them that call it generated, and what it is.
    """
    cells = binary_cells(measured, average) & measured.scored
    if detectors is not None:
        cells &= measured.table[columns.DETECTOR].isin(list(detectors)).to_numpy(bool)
    parts = list(_parts(measured, np.unique(np.array(list(names), str)), cells))
    if not parts:
        return pd.DataFrame(columns=list(IMAGE_SCORES))
    whole = pd.DataFrame({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    sums = whole.groupby(_KEYS, sort=False).sum()
    means = sums[[columns.SCORE, CALLED, RIGHT]].div(sums[ANSWERS], axis=0)
    found: pd.DataFrame = means.assign(**{ANSWERS: sums[ANSWERS]}).reset_index()
    return found[list(IMAGE_SCORES)]


def _parts(measured: MeasuredCells, names: NDArray[np.str_], cells: Mask) -> Iterator[dict[str, NDArray[Any]]]:
    """Sums over the cells of a block that have one detector and degradation: one row for each and image, by column."""
    asked = measured.table[list(_ASKED)]
    for block in decided_blocks(measured.run, cells):
        at = np.flatnonzero(np.isin(block.images.names.astype(str), names))
        codes, kinds = pd.factorize(pd.MultiIndex.from_frame(asked.iloc[block.cells]))
        if not len(at):
            continue
        member = np.eye(len(kinds))[codes].T
        of_kinds = pd.DataFrame(list(kinds), columns=list(_ASKED))
        yield {
            **{name: np.repeat(of_kinds[name].to_numpy(object), len(at)) for name in _ASKED},
            columns.NAME: np.tile(block.images.names[at], len(kinds)),
            columns.LABEL: np.tile(block.images.labels[at], len(kinds)),
            columns.SCORE: (member @ block.scores[:, at].astype(np.float64)).ravel(),
            CALLED: (member @ block.called[:, at]).ravel(),
            RIGHT: (member @ block.correct[:, at]).ravel(),
            ANSWERS: np.repeat(member.sum(axis=1).astype(int), len(at)),
        }
