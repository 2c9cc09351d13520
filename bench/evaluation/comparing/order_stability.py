"""How far the order of detectors is the same under other training seeds, degradations and data sets."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from bench.evaluation.cells import MeasuredCells, average_masks, first_average_with_cells
from bench.evaluation.decided_blocks import Mask
from bench.records import columns
from bench.statistics.ranks import rank_stability

AXES = (columns.SEED, columns.DEGRADATION, columns.TEST_DATA)  # under whose values orders are compared
FEWEST_VALUES, FEWEST_DETECTORS = 2, 3
_DECIMALS = 12  # of averages and of tau: equal ones may differ in their last bits


@dataclass(frozen=True, slots=True)
class OrderStability:
    """The orders of some detectors under the values of an axis.

    Attributes:
        trained: Whether the detectors were trained, and not loaded or imported.
        average: The average that ranks.
        axis: The column.
        values: Its values, in reading order.
        detectors: Those with scores in every cell of the average under every value.
        least: The least of Kendall's tau-b of any two values, in [-1, 1].
        mean: Their mean.
        between: The two values of the least.
    """

    trained: bool
    average: str
    axis: str
    values: tuple[object, ...]
    detectors: tuple[str, ...]
    least: float
    mean: float
    between: tuple[object, object]


def order_stabilities(measured: MeasuredCells) -> list[OrderStability]:
    """The stability of the order by the average that ranks, for trained detectors and apart from them for others.

    An axis is left out where fewer than three detectors have scores under two of its values or more.
    """
    records = measured.run.manifest.detectors
    names = [name for name, record in records.items() if record.trained]
    trained = measured.table[columns.DETECTOR].isin(names).to_numpy()
    found = [
        _stability(measured, kind, axis, trained=kind is trained)
        for kind in (trained, ~trained)
        if kind.any()
        for axis in AXES
    ]
    return [one for one in found if one is not None]


def _stability(measured: MeasuredCells, kind: Mask, axis: str, *, trained: bool) -> OrderStability | None:
    protocol = measured.run.manifest.protocol
    masks = {name: mask & kind for name, mask in average_masks(measured.table, protocol).items()}
    average = first_average_with_cells(masks, protocol.group("away"), protocol.group("home"))
    averages = _averages(measured.table[masks[average]], axis)
    if averages.shape[0] < FEWEST_VALUES or averages.shape[1] < FEWEST_DETECTORS:
        return None
    taus = rank_stability(averages.to_numpy())
    pairs = [pair for pair in combinations(range(len(taus)), 2) if not np.isnan(taus[pair])]
    if not pairs:  # under all values but one at most, all detectors are equal
        return None
    found = [round(float(taus[pair]), _DECIMALS) for pair in pairs]
    first, second = pairs[int(np.argmin(found))]
    values = tuple(averages.index)
    between = values[first], values[second]
    detectors = tuple(map(str, averages.columns))
    return OrderStability(trained, average, axis, values, detectors, min(found), float(np.mean(found)), between)


def _averages(cells: pd.DataFrame, axis: str) -> pd.DataFrame:
    """The average of each detector (columns) under each value of the axis (rows), of detectors that miss no cell."""
    groups = cells.groupby([axis, columns.DETECTOR], sort=False)[columns.RANKED]
    means = groups.mean().where(groups.count() == groups.size()).unstack(sort=False)
    return means.dropna(axis="columns").round(_DECIMALS)
