"""What a run of the gate found, where the user wants it: on the terminal, as JSON, JUnit XML and Markdown."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.golden.gate_findings import GateFindings
from bench.platform.errors import InputError
from bench.platform.files import write_atomically
from bench.platform.outside.console import PlainConsole
from bench.platform.outside.terminal import say_json
from bench.report.gate.document import findings_json
from bench.report.gate.junit import junit_xml
from bench.report.gate.markdown import summary_markdown
from bench.report.gate.text import comparison_text
from bench.report.terminal import WIDTH


@dataclass(frozen=True)
class GateOutput:
    """The files that findings are written into.

    Attributes:
        junit: File of JUnit XML; None for none.
        summary: File of Markdown; None for none.
        job_summary: File that a CI server shows of a job, to which every step adds; None where there is none.
        as_json: Whether what is printed is one JSON document.
    """

    junit: Path | None = None
    summary: Path | None = None
    job_summary: Path | None = None
    as_json: bool = False

    def check(self) -> None:
        """Raise `InputError` for a file that cannot be written: the gate is not run to be lost."""
        for option, path in (("--junit", self.junit), ("--summary", self.summary)):
            if path is not None and (reason := _unwritable(path)):
                msg = f"{option} {path} cannot be written ({reason}); choose another file"
                raise InputError(msg)

    def write(self, findings: GateFindings, acceptance: str = "") -> None:
        """Write the files.

        Args:
            findings: The findings.
            acceptance: What to type where a change is meant; empty where there is nothing to accept.
        """
        if self.junit is not None:
            document = junit_xml(findings)
            write_atomically(self.junit, lambda path: path.write_bytes(document))
        text = summary_markdown(findings, acceptance).encode()
        if self.summary is not None and self.summary != self.job_summary:
            write_atomically(self.summary, lambda path: path.write_bytes(text))
        if self.job_summary is not None:
            with self.job_summary.open("ab") as file:
                file.write(text)


NO_FILES = GateOutput()


def _unwritable(path: Path) -> str:
    """Why a file cannot be written; empty where it can."""
    existing = next(parent for parent in path.absolute().parents if parent.exists())
    faults = {
        "Is a directory": path.is_dir(),
        "Not a directory": not existing.is_dir(),
        "Permission denied": not os.access(existing, os.W_OK),
    }
    return next((reason for reason, found in faults.items() if found), "")


def show_findings(
    findings: GateFindings, say: Callable[[str], None], *, as_json: bool = False, acceptance: str = ""
) -> None:
    """Print what the gate found.

    Args:
        findings: The findings.
        say: Prints what was not run, and notes.
        as_json: Whether one JSON document is printed.
        acceptance: What to type where a change is meant; empty where there is nothing to accept.
    """
    for line in findings.obstacles:
        say(line)
    for line in findings.notes:
        say(f"Note: {line}")
    if as_json:
        say_json(findings_json(findings, acceptance))
        return
    for found in findings.comparisons:
        PlainConsole(least_width=WIDTH).print(comparison_text(found))
