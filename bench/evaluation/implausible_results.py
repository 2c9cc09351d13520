"""Results that no working detector has, beyond chance: an order below chance, and gains from degraded images.

Both say that labels, scores or images are probably not what they were taken for. What is not below or above in its mean
is not tested, so that a board without such results costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from bench.evaluation.cells import SCORED, Mask, MeasuredCells
from bench.metrics.metric import order_of
from bench.records import columns
from bench.statistics.intervals import Floats, random_generator
from detectors.types import Array
from protocols.api import NONE

LEVEL = 0.01  # of all tests of one kind together
FLIPS = 9999
CHANCE_AREA = 0.5


def inverted_orders(evaluation: MeasuredCells, average: Mask, where: str) -> Iterator[str]:
    """A sentence for each detector whose mean ROC AUC over some cells is below one half by more than chance.

    Args:
        evaluation: The measured cells.
        average: The cells of one average, bools (cells,).
        where: What the average is over, as a sentence goes on.
    """
    table = evaluation.table[average & evaluation.scored]
    table = table[table[columns.ROC_AUC].notna()]
    means = table.groupby(columns.DETECTOR, sort=False)[columns.ROC_AUC].mean()
    for detector, mean in means[means < CHANCE_AREA].items():
        cells = np.zeros(len(evaluation.table), bool)
        cells[table.index[table[columns.DETECTOR] == detector]] = True
        if _area_below_chance(evaluation.images_of(cells)) * len(means) < LEVEL:
            yield (
                f"Inverted? {detector} has a mean ROC AUC of {100 * mean:.1f}% {where}, below the 50% of guessing by "
                "more than chance: look whether its labels or scores are inverted, or its images are not the real and "
                "generated ones that they are called."
            )


def _area_below_chance(images: pd.DataFrame) -> float:
    """The probability of a mean ROC AUC as low as that of these images by chance, of whole sources, one-sided."""
    from scipy.special import ndtr

    groups = list(images.groupby(columns.CELL).indices.values())
    labels, scores, odds = (images[name].to_numpy() for name in (columns.LABEL, columns.SCORE, columns.LOG_ODDS))
    spread, area, least = np.zeros(len(images)), 0.0, 0.0
    for rows in groups:
        of_cell, placed = _placements(labels[rows], order_of(scores[rows], odds[rows]))
        spread[rows] += placed / len(groups)
        area += of_cell / len(groups)
        counts = [len(set(images[columns.SOURCE].to_numpy()[rows][labels[rows] == label])) for label in (0, 1)]
        # of two equal distributions, by ranks: few images that happen to be in no order do not count as certainty
        least += (sum(counts) + 1) / (12 * counts[0] * counts[1]) / len(groups) ** 2
    codes, names = pd.factorize(images[columns.SOURCE])
    variance = np.sum(np.bincount(codes, spread) ** 2) * len(names) / max(1, len(names) - 1)
    return float(ndtr((area - CHANCE_AREA) / np.sqrt(max(variance, least))))


def _placements(labels: Array, order: Array) -> tuple[float, Floats]:
    """The ROC AUC of one cell, and what each image adds to it beyond the mean of its class (Sen, 1960), (N,)."""
    from scipy.stats import rankdata

    generated = labels == 1
    ranks, own = rankdata(order), np.zeros(len(labels))
    for of_class in (generated, ~generated):
        own[of_class] = rankdata(order[of_class])
    n_real, n_generated = np.count_nonzero(~generated), np.count_nonzero(generated)
    # the share of the other class that a generated image is above, and a real one is below
    above = (ranks - own) / np.where(generated, n_real, n_generated)
    shares = np.where(generated, above, 1 - above)
    area = float(shares[generated].mean())
    return area, (shares - area) / np.where(generated, n_generated, n_real)


def gains_from_degradation(evaluation: MeasuredCells, ranked: Mask) -> Iterator[str]:
    """A sentence for each detector and degradation under which it is right more often than without, beyond chance.

    Cells are compared that differ in the degradation alone, over the same images; p-values are corrected for the number
    of detectors and degradations.

    Args:
        evaluation: The measured cells.
        ranked: The cells of the rows that are ranked, bools (cells,).
    """
    table = evaluation.table[ranked & evaluation.table[columns.STATUS].eq(SCORED).to_numpy()]
    identity = [*columns.of_identity(evaluation.run.manifest.protocol.axes)]
    identity.remove(columns.DEGRADATION)
    clean = table[table[columns.DEGRADATION].eq(NONE)]
    pairs = table[table[columns.DEGRADATION].ne(NONE)].reset_index(names="degraded")
    pairs = pairs.merge(clean.reset_index(names="clean"), on=identity, suffixes=("", "_clean"))
    gains = pairs[columns.RANKED] - pairs[f"{columns.RANKED}_clean"]
    means = gains.groupby([pairs[columns.DETECTOR], pairs[columns.DEGRADATION]], sort=False).mean()
    found = means[means > 0].reset_index(name="gain")
    for detector, degradation, gain in found.itertuples(index=False, name=None):
        own = pairs[pairs[columns.DETECTOR].eq(detector) & pairs[columns.DEGRADATION].eq(degradation)]
        if _gain_by_chance(evaluation, own) * len(means) < LEVEL:
            yield (
                f"Gain? {detector} is right {100 * gain:.1f} points more often under {degradation} than without, by "
                "more than chance: look whether the degradation takes away what the classes differ in by other means, "
                "such as their files' compression, or whether the clean images are not what they are called."
            )


def _gain_by_chance(evaluation: MeasuredCells, pairs: pd.DataFrame) -> float:
    """The probability of a mean gain as large by chance, where either sign of a source's change is as likely."""
    from bench.statistics.hypothesis_tests import sign_flip_test

    decisions = [_weighted(evaluation, pairs, which) for which in ("clean", "degraded")]
    both = decisions[0].merge(decisions[1], on=["pair", columns.NAME], suffixes=("", "_degraded"))
    changes = (both[columns.CORRECT] - both[f"{columns.CORRECT}_degraded"]).groupby(both[columns.SOURCE]).sum()
    names = [str(name) for name in changes.index]
    return float(sign_flip_test(changes.to_numpy()[:, None], FLIPS, random_generator(names))[0])


def _weighted(evaluation: MeasuredCells, pairs: pd.DataFrame, which: str) -> pd.DataFrame:
    """The decisions of one cell of each pair, each class of a cell of equal weight: pair, name, source, correct."""
    cells = np.zeros(len(evaluation.table), bool)
    cells[pairs[which].to_numpy(int)] = True
    images = evaluation.images_of(cells)
    sizes = images.groupby([columns.CELL, columns.LABEL])[columns.NAME].transform("size")
    places = pd.Series(np.arange(len(pairs)), index=pairs[which].to_numpy(int))
    return pd.DataFrame(
        {
            "pair": images[columns.CELL].map(places),
            columns.NAME: images[columns.NAME],
            columns.SOURCE: images[columns.SOURCE],
            columns.CORRECT: images[columns.CORRECT].astype(float) / sizes,
        }
    )
