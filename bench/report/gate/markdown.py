"""What a run of the gate found as Markdown, for the page that a CI server shows of a job."""

from __future__ import annotations

from collections.abc import Iterator

from bench.golden.gate_findings import GateCase, GateComparison, GateFindings
from bench.golden.regression import BETTER as ROSE
from bench.report.formats import as_plain_markdown, section_as_markdown
from bench.report.ranking_columns import TableColumn, TitledTable

MAX_CASES = 40  # rows that are shown of one half: a page of GitHub takes 1 MiB
VERDICTS = {0: "passed", 1: "failed", 2: "could not compare everything"}


def summary_markdown(findings: GateFindings, acceptance: str = "") -> str:
    """The findings, and what to type where a change is meant.

    Args:
        findings: The findings.
        acceptance: The command; empty where there is nothing to accept.
    """
    verdict = VERDICTS[findings.exit_code]
    parts = [f"## {as_plain_markdown(findings.name)}: {verdict}"]
    parts += [part for one in findings.comparisons for part in _comparison(one)]
    for title, lines in (("Not compared", findings.all_obstacles), ("Notes", findings.notes)):
        if lines:
            parts.append("\n".join([f"**{title}**", "", *(f"- {as_plain_markdown(line)}" for line in lines)]))
    if acceptance:
        parts.append(f"If these changes are meant, run this and commit the record:\n\n```sh\n{acceptance}\n```")
    return "\n\n".join(parts) + "\n\n"


def _comparison(found: GateComparison) -> Iterator[str]:
    cases = found.cases
    moved = [case for case in cases if case.failed or case.verdict == ROSE]
    failed = sum(case.failed for case in cases)
    line = f"{len(cases)} cells and averages compared, {failed or 'none'} failed."
    if not moved:
        yield f"**{as_plain_markdown(found.title)}**: {line}"
        return
    shown = sorted(moved, key=lambda case: not case.failed)[:MAX_CASES]
    table = TitledTable(found.title, tuple(case_columns(shown)))
    more = f" {len(moved) - MAX_CASES} more are not shown." if len(moved) > MAX_CASES else ""
    yield section_as_markdown([table], line + more).rstrip()


def case_columns(cases: list[GateCase]) -> Iterator[TableColumn]:
    """Cases as columns of a table."""
    for header, texts in (
        ("detector", [case.detector for case in cases]),
        ("cell or average", [case.where for case in cases]),
        ("verdict", [case.verdict for case in cases]),
        ("what was found", [case.text for case in cases]),
    ):
        yield TableColumn(header, tuple(texts), left=True)
