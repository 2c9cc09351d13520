"""The metrics by name, and the measures of one cell.

A metric is one entry beside its function, in `DEFAULT` or `ON_REQUEST` of a module of this room, or one entry point of
the group `lineup.metrics` in another package: it becomes a column of the cells and, with a header, of the leaderboard.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from bench.metrics import decisions, probabilities, ranking
from bench.metrics.decisions import precision_at_prevalence
from bench.metrics.metric import THRESHOLD, CellImages, Metric, check_scores
from bench.metrics.ranking import tpr_at_fpr
from bench.platform.errors import InputError
from bench.records import columns
from detectors import catalogue
from detectors.types import Array

GROUP = "lineup.metrics"
METRICS = (*decisions.DEFAULT, *ranking.DEFAULT)  # of every cell, asked or not
USUAL_RATES = (0.001, 0.01, 0.05)
ON_REQUEST = (
    *decisions.ON_REQUEST,
    *ranking.ON_REQUEST,
    *map(tpr_at_fpr, USUAL_RATES),
    precision_at_prevalence(0.01),
    *probabilities.ON_REQUEST,
)
# names of metrics that state a share in per cent, between 0 and 100, and what makes one of them
STATED_SHARES: dict[str, Callable[[float], Metric]] = {
    "tpr_at_fpr_": tpr_at_fpr,
    "precision_at_prevalence_": precision_at_prevalence,
}


def installed_metrics() -> tuple[Metric, ...]:
    """The metrics of other packages, by name.

    Raises:
        UnknownName: One cannot be imported.
        InputError: It is no `Metric`, or its name is that of a column or of a metric of Lineup.
    """
    taken = {*columns.CELLS, *columns.MEASURES, *(metric.name for metric in ON_REQUEST)}
    further = []
    for name in catalogue.installed(GROUP):
        metric = catalogue.find(GROUP, "metric", name)
        if not isinstance(metric, Metric) or metric.name in taken:
            msg = f"metric {name!r} is {metric!r}: a metric is a bench.metrics.metric.Metric with a name of its own"
            raise InputError(msg)
        further.append(metric)
    return tuple(further)


def all_metrics(asked: Sequence[str] = ()) -> tuple[Metric, ...]:
    """The metrics that are measured: those of every cell, those of other packages, then the ones that were asked for.

    Raises:
        UnknownName: One of another package cannot be imported.
        InputError: One of another package is no metric, or none has a name that was asked for.
    """
    usual = (*METRICS, *installed_metrics())
    names = {metric.name for metric in usual}
    return (*usual, *(metric for metric in find_metrics(asked) if metric.name not in names))


def known_metrics() -> tuple[Metric, ...]:
    """Every metric that has a name, asked for or not."""
    return (*METRICS, *ON_REQUEST, *installed_metrics())


def find_metrics(names: Sequence[str]) -> tuple[Metric, ...]:
    """The metrics of these names, each once, in their order.

    Args:
        names: Such as "eer", or with a share of the user's choice "tpr_at_fpr_2pct", "precision_at_prevalence_.1pct".

    Raises:
        InputError: None has that name.
    """
    if not names:
        return ()
    known = {metric.name: metric for metric in known_metrics()}
    found = [_find(name, known) for name in names]
    return tuple({metric.name: metric for metric in found}.values())


def _find(name: str, known: dict[str, Metric]) -> Metric:
    """The metric of one name. Raises `InputError`."""
    if name in known:
        return known[name]
    for prefix, metric_at in STATED_SHARES.items():
        if name.startswith(prefix):
            return metric_at(_stated_share(name, name.removeprefix(prefix)))
    raise InputError(catalogue.unknown_name_message("metric", name, list(known)))


def _stated_share(name: str, text: str) -> float:
    """The share that a name ends with. Raises `InputError`."""
    found = re.fullmatch(r"(\d+\.?\d*|\.\d+)pct", text)
    share = float(found[1]) / 100 if found else 0.0
    if not 0 < share < 1:
        msg = f"metric {name!r} ends with {text!r}: write a share above 0 and below 100 such as 1pct or 0.1pct"
        raise InputError(msg)
    return share


def measure(
    labels: Array,
    scores: Array,
    metrics: Sequence[Metric] = METRICS,
    log_odds: Array | None = None,
    threshold: float = THRESHOLD,
) -> dict[str, float]:
    """Measure one cell.

    Args:
        labels: Integers (N,), 0 real, 1 generated, N at least 1.
        scores: Floats (N,), finite, in [0, 1], the probability of "generated".
        metrics: What is measured.
        log_odds: Of the same images, floats (N,); NaN in any of them, or None, where there are none.
        threshold: A score above it is called generated.

    Returns:
        By name of the metric; NaN where one is undefined. `columns.N` is the number of images.

    Raises:
        UnusableScores: Other labels or scores than these.
    """
    check_scores(labels, scores)
    images = CellImages(labels, scores, log_odds, threshold)
    return {columns.N: labels.size, **{metric.name: images.measure(metric) for metric in metrics}}
