"""Where a threshold says something else of detectors than the order of their scores does, beyond chance."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from bench.evaluation.averages import Average
from bench.evaluation.cells import MeasuredCells
from bench.records import columns
from bench.statistics.comparisons import difference_test

LEVEL = 0.01  # of all pairs and measures together
LOST = 0.1  # of balanced accuracy that a threshold loses at least, for a sentence on it
NAMED = 3  # pairs of detectors that are named
ORDERS = {columns.AP: "AP", columns.ROC_AUC: "ROC AUC"}
HELP = (
    "`lineup rescore RUN --calibrate-on 20` shifts it on labelled test images that are then left out; "
    "`lineup run --validation 0.2` keeps images to choose it on, for `lineup rescore RUN --threshold validation`"
)


def threshold_failures(evaluation: MeasuredCells, average: str, detectors: Sequence[str]) -> Iterator[str]:
    """A sentence on the detectors whose threshold fails and whose order does not.

    Where no threshold has a balanced accuracy above b, a point of the ROC curve is at most 2b - 1 above the diagonal,
    and so the area is at most 1 - 2 (1 - b)^2. An area of a thus promises a threshold with a balanced accuracy of at
    least 1 - sqrt((1 - a) / 2), and, as that is convex, a mean area the mean of one threshold per cell. It is taken
    of the lower end of the area, and held against the upper end of the balanced accuracy.

    Args:
        evaluation: The measured cells.
        average: Name of the average that is looked at.
        detectors: Whose.
    """
    said = []
    for detector in detectors:
        measures = evaluation.averages[detector][average]
        area, balanced = measures.get(columns.ROC_AUC), measures.get(columns.BALANCED_ACCURACY)
        if area is None or balanced is None:
            continue
        reachable = 1 - np.sqrt((1 - area.interval[0]) / 2)
        if reachable - balanced.interval[1] > LOST:
            said.append(
                f"{detector} (ROC AUC {100 * area.value:.1f}%, balanced accuracy {100 * balanced.value:.1f}%, where a "
                f"threshold for each test set has at least {100 * reachable:.1f}%)"
            )
    if said:
        native = " of 0.5" if evaluation.rescoring.keeps_decisions else ""
        yield (
            f"Threshold: over {average} it is the threshold{native} that fails, and not the order of the scores, of "
            f"{'; '.join(said)}. {HELP}."
        )


def disagreeing_orders(evaluation: MeasuredCells, average: str, detectors: Sequence[str]) -> Iterator[str]:
    """A sentence on the pairs of detectors of which one is right more often, and the other orders images better.

    Both must hold beyond chance over the images, corrected for all pairs and measures: what differs in the order of two
    numbers alone is not said.

    Args:
        evaluation: The measured cells.
        average: Name of the average that is looked at.
        detectors: Whose.
    """
    measures = {one: evaluation.averages[one][average] for one in detectors}
    whole = [one for one in detectors if {columns.RANKED, *ORDERS} <= set(measures[one])]
    pairs = list(combinations(whole, 2))
    found: dict[tuple[str, str], list[str]] = {}
    for measure, title in ORDERS.items():
        for first, second in pairs:
            right = [measures[one][columns.RANKED] for one in (first, second)]
            order = [measures[one][measure] for one in (first, second)]
            more = right[0].value > right[1].value
            if (right[0].value - right[1].value) * (order[0].value - order[1].value) >= 0:
                continue
            level = LEVEL / (len(ORDERS) * len(pairs))
            if _by_chance(*right) < level and _by_chance(*order) < level:
                key = (first, second) if more else (second, first)
                values = " and ".join(f"{100 * measures[one][measure].value:.1f}%" for one in key)
                found.setdefault(key, []).append(f"{title} {values}")
    if found:
        yield _orders_sentence(found, average)


def _orders_sentence(found: dict[tuple[str, str], list[str]], average: str) -> str:
    named = [f"{more} than {less} ({', '.join(values)})" for (more, less), values in list(found.items())[:NAMED]]
    rest = f", and in {len(found) - NAMED} more pairs" if len(found) > NAMED else ""
    return (
        f"Order: over {average}, {'; '.join(named)}{rest}: the first is right more often at its threshold, the second "
        "orders images better, both by more than chance. Who is better depends on what is asked: see --rank-by ap, and "
        "other thresholds with `lineup rescore`."
    )


def _by_chance(first: Average, second: Average) -> float:
    """The probability of a difference as large by chance, two-sided."""
    there = (first.losses > 0) | (second.losses > 0)
    shares = np.maximum(first.shares, second.shares)[there]
    changes = (first.influences - second.influences)[there] / np.sqrt(np.maximum(1 - shares, 0.5))
    return float(difference_test(np.array([first.value - second.value]), changes[:, None])[0])
