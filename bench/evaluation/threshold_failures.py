"""Where a threshold says something else of detectors than the order of their scores does, beyond chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from bench.evaluation.averages import Average, chance_of_difference
from bench.evaluation.cells import MeasuredCells
from bench.records import columns

LEVEL = 0.01  # of all pairs and measures together
LOST = 0.1  # of balanced accuracy that a threshold loses at least, for a sentence on it
NAMED = 3  # pairs of detectors that are named
ORDERS = {columns.AP: "AP", columns.ROC_AUC: "ROC AUC"}
HELP = (
    "`lineup rescore RUN --calibrate-on 20` shifts it on labelled test images that are then left out; "
    "`lineup run --validation 0.2` keeps images to choose it on, for `lineup rescore RUN --threshold validation`"
)


def threshold_failures(evaluation: MeasuredCells, average: str, detectors: Sequence[str]) -> Iterator[str]:
    """Sentences on detectors whose threshold fails and whose order does not, and on pairs in which the two disagree.

    Args:
        evaluation: The measured cells.
        average: Name of the average that is looked at.
        detectors: Whose.
    """
    measures = {one: evaluation.averages[one][average] for one in detectors}
    failing = {one: text for one, found in measures.items() if (text := _failure(found))}
    if failing:
        native = " of 0.5" if evaluation.rescoring.keeps_decisions else ""
        named = "; ".join(f"{one} ({text})" for one, text in failing.items())
        yield (
            f"Threshold: over {average} it is the threshold{native} that fails, and not the order of the scores, of "
            f"{named}. {HELP}."
        )
    others = {one: found for one, found in measures.items() if one not in failing}
    if disagreeing := _disagreeing(others):
        rest = f"; and so in {len(disagreeing) - NAMED} more pairs" if len(disagreeing) > NAMED else ""
        yield (
            f"Order: over {average} {'; '.join(disagreeing[:NAMED])}{rest}. Both differ by more than chance, so who is "
            "better hangs on what is asked: see `--rank-by ap`, and other thresholds with `lineup rescore`."
        )


def _failure(measures: Mapping[str, Average]) -> str:
    """What a detector's threshold loses, in figures; empty where that is not much, or not beyond chance.

    Where no threshold has a balanced accuracy above b, a point of the ROC curve is at most 2b - 1 above the diagonal,
    and so the area is at most 1 - 2 (1 - b)^2. An area of a thus promises a threshold with a balanced accuracy of at
    least 1 - sqrt((1 - a) / 2), and, as that is convex, a mean area the mean of one threshold per cell. It is taken of
    the lower end of the area, and held against the upper end of the balanced accuracy.
    """
    area, balanced = measures.get(columns.ROC_AUC), measures.get(columns.BALANCED_ACCURACY)
    if area is None or balanced is None:
        return ""
    reachable = 1 - np.sqrt((1 - area.interval[0]) / 2)
    if reachable - balanced.interval[1] <= LOST:
        return ""
    return (
        f"ROC AUC {100 * area.value:.1f}%, balanced accuracy {100 * balanced.value:.1f}%, where a threshold for each "
        f"test set has at least {100 * reachable:.1f}%"
    )


def _disagreeing(measures: Mapping[str, Mapping[str, Average]]) -> list[str]:
    """The pairs of detectors of which one is right more often, and the other orders images better.

    Both must hold beyond chance over the images, corrected for all pairs and measures: what differs in the order of two
    numbers alone is not said.
    """
    whole = [one for one, found in measures.items() if {columns.RANKED, *ORDERS} <= set(found)]
    pairs = list(combinations(whole, 2))
    level = LEVEL / max(1, len(ORDERS) * len(pairs))
    found = []
    for pair in pairs:
        right = [measures[one][columns.RANKED] for one in pair]
        more, less = pair if right[0].value > right[1].value else pair[::-1]
        worse = [
            f"{title} {100 * measures[more][name].value:.1f}% and {100 * measures[less][name].value:.1f}%"
            for name, title in ORDERS.items()
            if measures[more][name].value < measures[less][name].value
            and chance_of_difference(measures[more][name], measures[less][name]) < level
        ]
        if worse and chance_of_difference(*right) < level:
            values = " and ".join(f"{100 * measures[one][columns.RANKED].value:.1f}%" for one in (more, less))
            found.append(
                f"{more} is right more often than {less} ({values}) and orders images worse ({', '.join(worse)})"
            )
    return found
