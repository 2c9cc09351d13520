"""What a run of the gate found as JUnit XML: one test case per cell and per average of each detector.

The form is what CI servers read of Ant's JUnit task (https://github.com/testmoapp/junitxml): `testsuites`, in it a
`testsuite` for each half of the gate, in it `testcase` with `failure` where the gate fails by it, and with `error` what
could not be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree as ET

from bench.golden.gate_findings import GateCase, GateFindings
from bench.platform.printable import printable

NOT_COMPARED = "could not be compared"
_COUNTED = {"failures": "failure", "errors": "error"}


def junit_xml(findings: GateFindings) -> bytes:
    """The findings as an XML document in UTF-8."""
    root = ET.Element("testsuites", name=_text(f"lineup golden: {findings.name}"))
    for one in findings.comparisons:
        suite = ET.SubElement(root, "testsuite", name=_text(one.title))
        for case in one.cases:
            _add_case(suite, f"{one.half}.{case.detector}", case)
        _add_errors(suite, one.result.obstacles)
        _count(suite, [suite])
    if findings.obstacles:
        suite = ET.SubElement(root, "testsuite", name="not run")
        _add_errors(suite, findings.obstacles)
        _count(suite, [suite])
    _count(root, list(root))
    ET.indent(root, " ")
    whole: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return whole + b"\n"


def _add_case(suite: ET.Element, group: str, case: GateCase) -> None:
    found = ET.SubElement(suite, "testcase", classname=_text(group), name=_text(case.where))
    text = _text(f"{case.verdict}: {case.text}")
    if case.failed:
        ET.SubElement(found, "failure", type=case.verdict, message=text).text = text
    else:
        ET.SubElement(found, "system-out").text = text


def _add_errors(suite: ET.Element, obstacles: Sequence[str]) -> None:
    for number, line in enumerate(obstacles, start=1):
        found = ET.SubElement(suite, "testcase", classname=NOT_COMPARED, name=f"{NOT_COMPARED} {number}")
        ET.SubElement(found, "error", type=NOT_COMPARED, message=_text(line)).text = _text(line)


def _count(element: ET.Element, suites: Sequence[ET.Element]) -> None:
    element.set("tests", str(sum(len(suite.findall("testcase")) for suite in suites)))
    for name, what in _COUNTED.items():
        element.set(name, str(sum(len(suite.findall(f"testcase/{what}")) for suite in suites)))


def _text(text: str) -> str:
    """A text that XML can hold: control characters, which it has no escapes for, are written as Python writes them."""
    return printable(text)
