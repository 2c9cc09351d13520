"""What a run of the gate found, on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from bench.golden.changed_decisions import DecisionResult
from bench.golden.gate_findings import GateComparison, GateResults
from bench.golden.regression import GateResult
from bench.golden.replaced_detectors import ReplacementResult
from bench.report.comparing.text import comparison_report as replacement_report
from bench.report.comparison_report import comparison_report
from bench.report.gate_report import decision_report


def comparison_text(found: GateComparison) -> Group:
    """What one half of the gate found of one question, under its heading."""
    return Group(Text(found.title), _result(found.result))


def _result(result: GateResults) -> RenderableType:
    if isinstance(result, DecisionResult):
        return decision_report(result)
    if isinstance(result, GateResult):
        return comparison_report(result)
    return Group(*_replacement(result))


def _replacement(result: ReplacementResult) -> Iterator[RenderableType]:
    if result.comparisons:
        yield Text("The first run is the record, the second is this one.")
        yield replacement_report(result.comparisons)
    if result.obstacles:
        yield Text("Not comparable", style="bold yellow")
        yield from (Text(f"- {line}") for line in result.obstacles)
    fell = ", ".join(result.fallen)
    yield Text(f"{fell} fell." if fell else "None fell beyond chance.", style="bold")
