"""What a run of the gate found as one JSON document."""

from __future__ import annotations

from dataclasses import asdict

from bench.golden.gate_findings import GateFindings
from bench.platform.outside.json_text import json_document


def findings_json(findings: GateFindings, acceptance: str = "") -> str:
    """The numbers as one document: accuracies and changes in [-1, 1], null where there is none.

    Args:
        findings: The findings.
        acceptance: What to type where a change is meant; empty where there is nothing to accept.
    """
    whole = {
        "record": findings.name,
        "exit_code": findings.exit_code,
        "moved": list(findings.moved),
        "comparisons": [
            {
                "question": one.question,
                "half": one.half,
                "title": one.title,
                "obstacles": list(one.result.obstacles),
                "cases": [{**asdict(case), "failed": case.failed} for case in one.cases],
            }
            for one in findings.comparisons
        ],
        "obstacles": list(findings.obstacles),
        "notes": list(findings.notes),
        "accept_with": acceptance or None,
    }
    return json_document(whole)
