"""Results that no working detector has, beyond chance: an order below chance, and gains from degraded images.

Both say that labels, scores or images are probably not what they were taken for. What is not below or above in its mean
is not tested, so that a board without such results costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from scipy.special import ndtr

from bench.evaluation.averages import Average, chance_of_difference
from bench.evaluation.cells import MeasuredCells
from bench.evaluation.decided_blocks import Mask
from bench.records import columns
from protocols.api import NONE

LEVEL = 0.01  # of all tests together
CHANCE_AREA = 0.5
LEAST_GAIN = 0.005  # less is no gain that anybody would ask about
TINY = 1e-12  # a variance that is none


def inverted_orders(evaluation: MeasuredCells, average: str, detectors: Iterable[str], where: str) -> Iterator[str]:
    """A sentence for each detector whose mean ROC AUC over an average is below one half by more than chance.

    Args:
        evaluation: The measured cells.
        average: Name of the average.
        detectors: Whose.
        where: What the average is over, as a sentence goes on.
    """
    areas = {name: evaluation.averages[name][average].get(columns.ROC_AUC) for name in detectors}
    for detector, area in areas.items():
        if area is not None and area.interval[1] < CHANCE_AREA and _area_by_chance(area) * len(areas) < LEVEL:
            yield (
                f"Inverted? {detector} has a mean ROC AUC of {100 * area.value:.1f}% {where}, below the 50% of "
                "guessing by more than chance: look whether its labels or scores are inverted, or its images are not "
                "the real and generated ones that they are called."
            )


def _area_by_chance(area: Average) -> float:
    """The probability of a ROC AUC as low by chance. Of few images its interval is the stricter one."""
    return float(ndtr((area.value - CHANCE_AREA) / np.sqrt(max(float(area.spread.variances[0]), TINY))))


def gains_from_degradation(evaluation: MeasuredCells, ranked: Mask) -> Iterator[str]:
    """A sentence for each detector and degradation under which it is right more often than without, beyond chance.

    Cells are compared that differ in the degradation alone; p-values are corrected for the number of detectors and
    degradations.

    Args:
        evaluation: The measured cells.
        ranked: The cells of the rows that are ranked, bools (cells,).
    """
    table = evaluation.table[ranked & evaluation.scored]
    if table[columns.DEGRADATION].eq(NONE).all():
        return
    identity = [*columns.of_identity(evaluation.run.manifest.protocol.axes)]
    identity.remove(columns.DEGRADATION)
    clean = table[table[columns.DEGRADATION].eq(NONE)].reset_index(names="clean")
    pairs = table[table[columns.DEGRADATION].ne(NONE)].reset_index(names="degraded")
    pairs = pairs.merge(clean, on=identity, suffixes=("", "_clean"))
    pairs["gain"] = pairs[columns.RANKED] - pairs[f"{columns.RANKED}_clean"]
    means = pairs.groupby([columns.DETECTOR, columns.DEGRADATION], sort=False)["gain"].mean()
    likely = means[means > LEAST_GAIN]
    for detector, degradation, gain in likely.reset_index().itertuples(index=False, name=None):
        own = pairs[pairs[columns.DETECTOR].eq(detector) & pairs[columns.DEGRADATION].eq(degradation)]
        if _by_chance(evaluation, own) * len(means) < LEVEL:
            yield (
                f"Gain? {detector} is right {100 * gain:.1f} points more often under {degradation} than without, "
                "by more than chance: look whether the degradation takes away what the classes differ in by other "
                "means, such as their files' compression, or whether the clean images are not what they are called."
            )


def _by_chance(evaluation: MeasuredCells, pairs: pd.DataFrame) -> float:
    """The probability of a mean gain as large by chance, one-sided, of cells that are paired."""
    masks = {side: np.zeros(len(evaluation.table), bool) for side in ("clean", "degraded")}
    for side, mask in masks.items():
        mask[pairs[side].to_numpy(int)] = True
    found = evaluation.averages_over(masks)
    return chance_of_difference(found["degraded"], found["clean"]) / 2
