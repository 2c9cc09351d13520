"""All that a run of the gate found, and the same as a list of cases that each passed or did not.

The gate has halves. What is kept, fitted detectors and checkpoints, is scored again: no decision may change. What can
be trained is fitted again: no accuracy may fall. A detector that says itself that it is another one is compared with
the one that it replaced.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bench.evaluation.comparing.cell_differences import CORRECTED, FIRST, SECOND, VERDICT
from bench.golden.changed_decisions import NOW_RIGHT, NOW_WRONG, DecisionResult
from bench.golden.regression import BETTER as ROSE
from bench.golden.regression import UNCHANGED, GateResult
from bench.golden.regression import WORSE as FELL
from bench.golden.replaced_detectors import ReplacementResult
from bench.records import columns
from bench.statistics.ranks import BETTER, WORSE

GateResults = DecisionResult | GateResult | ReplacementResult
GateHalf = Literal["scored again", "fitted again", "replaced"]
SCORED_AGAIN: GateHalf = "scored again"
FITTED_AGAIN: GateHalf = "fitted again"
REPLACED: GateHalf = "replaced"
KEPT_FITS = "fitted detectors of the record"  # what a heading calls them
CHANGED = "changed"  # verdict on decisions, beside "fell", "rose" and "same"
AVERAGE = "average "  # before the name of one
_OF_FIRST = {BETTER: FELL, WORSE: ROSE}  # what is said of the record's detector, as it is said of the new one


@dataclass(frozen=True, slots=True)
class GateCase:
    """One cell or one average of one detector.

    Attributes:
        detector: Its name.
        where: The cell, its axes with their values; or the average.
        verdict: "same", "changed", "fell" or "rose"; of a replaced detector also "unresolved" or "not tested".
        text: What was found, in words.
        numbers: The same as numbers, by name; accuracies, changes and p in [-1, 1].
    """

    detector: str
    where: str
    verdict: str
    text: str
    numbers: Mapping[str, float]

    @property
    def failed(self) -> bool:
        """Whether the gate fails by it."""
        return self.verdict in {FELL, CHANGED}


@dataclass(frozen=True, slots=True)
class GateComparison:
    """What was found of one question by one half of the gate.

    Attributes:
        question: Name of the protocol or of the record.
        half: Which half.
        title: Heading for a reader.
        result: What was found.
    """

    question: str
    half: GateHalf
    title: str
    result: GateResults

    @property
    def moved(self) -> tuple[str, ...]:
        """The detectors by which the gate fails."""
        return self.result.changed if isinstance(self.result, DecisionResult) else self.result.fallen

    @property
    def cases(self) -> list[GateCase]:
        """Every cell and average that was compared."""
        if isinstance(self.result, DecisionResult):
            return list(_decision_cases(self.result))
        if isinstance(self.result, GateResult):
            return list(_fit_cases(self.result))
        return list(_replacement_cases(self.result))


@dataclass(frozen=True)
class GateFindings:
    """What a run of the gate found.

    Attributes:
        name: Of the record.
        comparisons: Of each question and half, in reading order.
        obstacles: Why something was not run.
        notes: Information that needs no action.
    """

    name: str
    comparisons: tuple[GateComparison, ...]
    obstacles: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def moved(self) -> tuple[str, ...]:
        """The detectors by which the gate fails."""
        return tuple(dict.fromkeys(name for one in self.comparisons for name in one.moved))

    @property
    def all_obstacles(self) -> tuple[str, ...]:
        """What was not run and what could not be compared."""
        return (*self.obstacles, *(line for one in self.comparisons for line in one.result.obstacles))

    @property
    def exit_code(self) -> int:
        """1 where something fell or a decision changed, else 2 where something could not be compared, else 0."""
        codes = {one.result.exit_code for one in self.comparisons} | ({2} if self.obstacles else set())
        return 1 if 1 in codes else max(codes, default=0)


def _where(row: Mapping[Any, Any], axes: Iterable[str]) -> str:
    """A cell in words."""
    return ", ".join(f"{axis.replace('_', ' ')} {row[axis]}" for axis in axes) or "the only cell"


def _points(share: float) -> str:
    return f"{100 * share:+.1f} points"


def _fall_text(before: float, now: float, p: float) -> str:
    tested = "not tested" if math.isnan(p) else f"corrected p {p:.2g}"
    return f"{100 * before:.1f}% -> {100 * now:.1f}%, {_points(now - before)}, {tested}"


def _decision_cases(result: DecisionResult) -> Iterator[GateCase]:
    axes = (*result.axes, columns.SEED)
    for row in result.compared_cells.to_dict(orient="records"):
        wrong, right, images = (int(row[name]) for name in (NOW_WRONG, NOW_RIGHT, columns.IMAGES))
        text = f"{wrong} of {images} decisions are wrong now and were right, {right} the other way round"
        numbers = {"images": images, "now_wrong": wrong, "now_right": right}
        verdict = CHANGED if wrong or right else UNCHANGED
        yield GateCase(row[columns.DETECTOR], _where(row, axes), verdict, text, numbers)


def _fit_cases(result: GateResult) -> Iterator[GateCase]:
    tables = (
        (result.means, lambda row: AVERAGE + row["average"]),
        (result.cells, lambda row: _where(row, result.axes)),
    )
    for table, where in tables:
        for row in table.to_dict(orient="records"):
            numbers = {name: float(row[name]) for name in ("golden", "now", "change", "spread", "p")}
            text = _fall_text(numbers["golden"], numbers["now"], numbers["p"])
            yield GateCase(row[columns.DETECTOR], where(row), row["verdict"], text, numbers)


def _replacement_cases(result: ReplacementResult) -> Iterator[GateCase]:
    for one in result.comparisons:
        detector = one.paired.second.detector
        for mean in one.averages:
            name = mean.average if mean.measure == columns.RANKED else f"{mean.average}, {mean.measure}"
            yield _replacement_case(
                detector, AVERAGE + name, (mean.first, mean.second, mean.on_these.p), mean.on_these.verdict
            )
        for row in one.cells.to_dict(orient="records"):
            values = row[FIRST], row[SECOND], row[CORRECTED]
            yield _replacement_case(detector, _where(row, result.axes), values, row[VERDICT])


def _replacement_case(detector: str, where: str, values: tuple[float, float, float], verdict: str) -> GateCase:
    before, now, p = map(float, values)
    numbers = {"golden": before, "now": now, "change": now - before, "p": p}
    return GateCase(detector, where, _OF_FIRST.get(verdict, verdict), _fall_text(before, now, p), numbers)
