from xml.etree import ElementTree as ET

import pytest

from bench.golden.changed_decisions import compare_decisions
from bench.golden.gate_findings import FITTED_AGAIN, SCORED_AGAIN, GateComparison, GateFindings
from bench.golden.golden_record import golden_from
from bench.golden.regression import compare
from bench.report.gate.junit import junit_xml
from tests.support.synthetic_runs import falling, make_run

HOSTILE = 'a "quoted" <b> & ]]> \x00 \x1b[31m \udcff \n c'


@pytest.fixture(scope="module")
def findings():
    golden, worse = golden_from([make_run()]), make_run(falling(home=0.6, kin=0.5), noise=1)
    return GateFindings(
        HOSTILE,
        (
            GateComparison("q", SCORED_AGAIN, "kept", compare_decisions(golden, worse)),
            GateComparison("q", FITTED_AGAIN, HOSTILE, compare(golden, worse)),
        ),
        (HOSTILE,),
    )


def test_every_cell_and_average_is_a_test_case_that_failed_or_not(findings):
    root = ET.fromstring(junit_xml(findings))
    kept, fitted, not_run = root.findall("testsuite")
    assert len(kept) == len(findings.comparisons[0].result.compared_cells)
    result = findings.comparisons[1].result
    assert len(fitted) == len(result.cells) + len(result.means)
    fell = sum(table["verdict"].eq("fell").sum() for table in (result.cells, result.means))
    assert fell > 0
    assert (fitted.get("failures"), not_run.get("errors")) == (str(fell), "1")
    for what, name in (("tests", "testcase"), ("failures", "testcase/failure"), ("errors", "testcase/error")):
        assert root.get(what) == str(len(root.findall(f"testsuite/{name}")))
    case = next(one for one in fitted if one.find("failure") is not None)
    assert case.get("classname").startswith("fitted again.")
    assert "points, corrected p" in case.find("failure").get("message")


def test_texts_of_others_are_valid_xml_and_stay_texts(findings):
    root = ET.fromstring(junit_xml(findings))
    assert root.get("name") == 'lineup golden: a "quoted" <b> & ]]> \\x00 \\x1b[31m \\udcff \\n c'
    assert root.findall("testsuite")[-1].find("testcase/error").get("message").startswith('a "quoted" <b> &')
