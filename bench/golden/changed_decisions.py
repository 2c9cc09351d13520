"""Fitted detectors of the golden record that were scored again: which decisions are others now?

Nothing was trained, so nothing varies but by rounding: another processor or library may add the same numbers in another
order. A decision whose score was and is within `NEAR` of the threshold may change by that alone; it is counted apart.
Every other change is one of the code, and there is no such thing as a tolerated one, for the better or the worse.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bench.evaluation.cells import axes_shown
from bench.golden.pairing import pair_with_record, question_differences
from bench.metrics.metric import THRESHOLD
from bench.records import columns
from bench.records.run import Run

NEAR = 1e-4  # of scores in [0, 1]; between backends and batch sizes they move by 2e-5
NOW_WRONG, NOW_RIGHT = "now wrong", "now right"


def decision_changes(axes: Iterable[str] = ()) -> tuple[str, ...]:
    """The columns of changed decisions, of a protocol with further axes of its own."""
    return (*columns.of_identity(axes), columns.IMAGES, NOW_WRONG, NOW_RIGHT)


@dataclass(frozen=True, slots=True)
class DecisionResult:
    """What scoring again found.

    Attributes:
        compared_cells: One row per compared cell, columns `decision_changes`: its images, and how many of them were
            called right and are called wrong now, or the other way round.
        compared: Number of decisions.
        near: Number of those that changed within `NEAR` of the threshold, counted in no cell.
        largest_move: By how much a score moved at most.
        obstacles: What could not be compared, and why.
        axes: The columns of cells that tell questions apart for a reader.
    """

    compared_cells: pd.DataFrame
    compared: int
    near: int
    largest_move: float
    obstacles: tuple[str, ...]
    axes: tuple[str, ...]

    @property
    def cells(self) -> pd.DataFrame:
        """The cells with a changed decision."""
        return self.compared_cells[self.compared_cells[[NOW_WRONG, NOW_RIGHT]].any(axis=1)].reset_index(drop=True)

    @property
    def changed(self) -> tuple[str, ...]:
        """The detectors of which a decision changed."""
        return tuple(dict.fromkeys(self.cells[columns.DETECTOR]))

    @property
    def exit_code(self) -> int:
        """1 where a decision changed, else 2 where something could not be compared, else 0."""
        if self.changed:
            return 1
        return 2 if self.obstacles else 0


def compare_decisions(golden: Run, now: Run) -> DecisionResult:
    """Compare the decisions of fitted detectors with those that the golden record holds of the same fits.

    Args:
        golden: The record; cells that `now` does not ask are left out.
        now: The run that scored the fitted detectors.

    Raises:
        UnusableScores: A score is not a probability.
    """
    protocol = golden.manifest.protocol
    axes = tuple(axes_shown(golden.cells, protocol))
    nothing = DecisionResult(pd.DataFrame(columns=list(decision_changes(protocol.axes))), 0, 0, 0.0, (), axes)
    if differences := question_differences(golden.manifest, now.manifest):
        return replace(nothing, obstacles=tuple(differences))
    paired = pair_with_record(golden, now, in_full=False)
    images = paired.images
    if images.empty:
        return replace(nothing, obstacles=paired.obstacles)
    scores = images[["score_before", "score_now"]].to_numpy()
    near = (np.abs(scores - THRESHOLD) <= NEAR).all(axis=1)
    changed = images["before"].ne(images["now"]).to_numpy()
    tables = images.assign(
        **{
            columns.IMAGES: 1,
            NOW_WRONG: changed & ~near & images["before"],
            NOW_RIGHT: changed & ~near & images["now"],
        }
    )
    counts = tables.groupby("pair")[[columns.IMAGES, NOW_WRONG, NOW_RIGHT]].sum()
    cells = paired.pairs.join(counts, how="inner")[list(nothing.cells)].reset_index(drop=True)
    move = float(np.abs(scores[:, 1] - scores[:, 0]).max())
    return DecisionResult(cells, len(images), int((changed & near).sum()), move, paired.obstacles, axes)
