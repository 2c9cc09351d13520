"""The worst tested generator and the worst condition of a detector, with intervals that allow for the choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.evaluation.asked.rank_measures import WORST_CONDITION, WORST_GENERATOR
from bench.evaluation.averages import Average, intervals_with
from bench.evaluation.cells import MeasuredCells
from bench.evaluation.decided_blocks import Mask
from bench.records import columns
from bench.statistics.intervals import CONFIDENCE

AXES = {WORST_GENERATOR: (columns.TEST, columns.TEST_DATA), WORST_CONDITION: (columns.DEGRADATION,)}


@dataclass(frozen=True, eq=False)
class WorstAverage:
    """The smallest of the averages of one detector's accuracy over the values of an axis.

    Attributes:
        where: The value that it is of.
        average: Over the cells of it.
        low: Lower end of the 95% interval of the smallest of the true averages.
        high: Upper end.
        count: Number of values that it is the worst of.
        cells: Those of the worst value, bools (cells,).
    """

    where: str
    average: Average
    low: float
    high: float
    count: int
    cells: Mask


def worst_average(evaluation: MeasuredCells, cells: Mask, name: str) -> WorstAverage | None:
    """The worst value of an axis.

    The smallest of k true averages is below the least of k lower ends only where the one that it is, whose own end is
    no lower, is: so lower ends need no correction. It is above the least of k upper ends as soon as any average is
    above its own: so those are taken at 1 - .025 / k, and all k together hold with 97.5% (Bonferroni).

    Args:
        evaluation: The measured cells.
        cells: Planned cells of one detector, bools (cells,).
        name: `WORST_GENERATOR` or `WORST_CONDITION`.

    Returns:
        None where a cell is not scored, or all have one value.
    """
    table = evaluation.table[cells]
    if table.empty or not evaluation.scored[cells].all():
        return None
    masks: dict[str, Mask] = {}
    for _, rows in table.groupby(list(AXES[name]), sort=False):
        mask = np.zeros(len(evaluation.table), bool)
        mask[rows.index.to_numpy()] = True
        masks[" ".join(filter(None, (str(rows[axis].iloc[0]) for axis in AXES[name])))] = mask
    if len(masks) < 2:
        return None
    found = evaluation.averages_over(masks)
    at_corrected_level = intervals_with([*found.values()], [0.0] * len(found), 1 - (1 - CONFIDENCE) / len(found))
    where = min(found, key=lambda value: found[value].value)
    return WorstAverage(
        where,
        found[where],
        min(one.interval[0] for one in found.values()),
        min(high for _, high in at_corrected_level),
        len(found),
        masks[where],
    )
