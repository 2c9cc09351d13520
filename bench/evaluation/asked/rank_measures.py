"""What a user asks of a leaderboard beside the usual: further metrics, worst values, and the measure that ranks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bench.evaluation.asked.rescoring import AS_STORED, Rescoring
from bench.evaluation.decided_blocks import WITH_INTERVALS
from bench.metrics.catalogue import find_metrics, known_metrics
from bench.metrics.metric import Metric
from bench.platform.errors import InputError
from bench.records import columns
from detectors import catalogue

WORST_GENERATOR, WORST_CONDITION = "worst_generator", "worst_condition"
WORST_TITLES = {WORST_GENERATOR: "worst generator", WORST_CONDITION: "worst condition"}
RankKind = Literal["average", "metric", "worst"]


@dataclass(frozen=True, slots=True)
class RankMeasure:
    """What is averaged and ranks.

    Attributes:
        name: Of its column in the tables of cells; of a worst value, that of the accuracy.
        title: What tables call it; empty for the usual one.
        kind: A measure with influences; a metric whose averages have intervals by draws; or of each detector the
            average over its own worst tested generator. That it is the worst is known from the same images, and no test
            allows for that choice.
        higher_is_better: Whether a larger value ranks higher.
        is_share: Whether it lies in [0, 1] and stands in per cent.
    """

    name: str
    title: str
    kind: RankKind = "average"
    higher_is_better: bool = True
    is_share: bool = True


USUAL = RankMeasure(columns.RANKED, "")


@dataclass(frozen=True, slots=True)
class AskedMeasures:
    """What a leaderboard shows beside the usual.

    Attributes:
        metrics: Names of metrics, of each cell.
        worst: `WORST_GENERATOR` and `WORST_CONDITION`, where asked for.
        rank_by: What ranks.
        rescoring: What becomes of stored scores before.
    """

    metrics: tuple[str, ...] = ()
    worst: tuple[str, ...] = ()
    rank_by: RankMeasure = USUAL
    rescoring: Rescoring = AS_STORED


NOTHING_ASKED = AskedMeasures()


def asked_measures(metrics: Sequence[str], rank_by: str = "", rescoring: Rescoring = AS_STORED) -> AskedMeasures:
    """What was asked for, by names.

    Args:
        metrics: Of metrics and worst values.
        rank_by: Of the measure that ranks; empty for the usual accuracy.
        rescoring: What becomes of stored scores before.

    Raises:
        InputError: None has such a name.
    """
    worst = tuple(name for name in WORST_TITLES if name in metrics)
    of_cells = [name for name in metrics if name not in worst]
    for name in of_cells:
        _check_name("metric", name)
    measure = _rank_measure(rank_by, rescoring)
    if measure.kind == "metric":
        of_cells.append(measure.name)
    return AskedMeasures(tuple(dict.fromkeys(of_cells)), worst, measure, rescoring)


def _check_name(what: str, name: str) -> Metric:
    """The metric of a name. Raises `InputError` for another one, with those that there are."""
    try:
        (found,) = find_metrics([name])
    except InputError as error:
        if "pct" in name:  # says what is wrong with the share
            raise
        known = [*WORST_TITLES, *(metric.name for metric in known_metrics())]
        raise InputError(catalogue.unknown_name_message(what, name, known)) from error
    return found


def _rank_measure(name: str, rescoring: Rescoring) -> RankMeasure:
    if name in {"", columns.ACCURACY, columns.RANKED}:
        return USUAL
    if name == WORST_CONDITION:
        msg = f"--rank-by {name}: conditions are no sample; choose {WORST_GENERATOR}, or show it with --metrics {name}"
        raise InputError(msg)
    if name == WORST_GENERATOR:
        return RankMeasure(columns.RANKED, WORST_TITLES[name], "worst")
    metric = _check_name("measure", name)
    title = rescoring.header(metric)
    if name == columns.BALANCED_ACCURACY:
        title = "balanced accuracy"
    kind: RankKind = "average" if name in WITH_INTERVALS else "metric"
    return RankMeasure(metric.name, title, kind, metric.higher_is_better, metric.is_share)
