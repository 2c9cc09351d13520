from bench.golden.gate_findings import FITTED_AGAIN, GateComparison, GateFindings
from bench.golden.golden_record import golden_from
from bench.golden.regression import compare
from bench.report.gate.markdown import MAX_CASES, summary_markdown
from tests.support.synthetic_runs import falling, make_run


def findings(now, *further):
    result = compare(golden_from([make_run()]), now)
    return GateFindings("record", (GateComparison("q", FITTED_AGAIN, "fitted again", result),), *further)


def test_what_fell_is_a_table_with_falls_first_and_the_command_that_accepts_it():
    found = findings(make_run(falling(home=0.6, kin=0.99), noise=1))
    text = summary_markdown(found, "lineup golden make a --update")
    assert text.startswith("## record: failed\n")
    rows = [line for line in text.splitlines() if line.startswith(("| alpha", "| beta"))]
    verdicts = [row.split("|")[3].strip() for row in rows]
    assert set(verdicts) == {"fell", "rose"}
    assert verdicts == sorted(verdicts)
    assert len(rows) <= MAX_CASES
    assert "```sh\nlineup golden make a --update\n```" in text


def test_what_passed_is_a_line():
    text = summary_markdown(findings(make_run()))
    assert "record: passed" in text
    assert "none failed" in text
    assert "|" not in text


def test_texts_of_others_are_no_markup():
    text = summary_markdown(findings(make_run(), ("<img src=x> [a](http://b) | `c`",), ("<b>",)))
    assert "could not compare" in text
    for harm in ("<img", "](http", "<b>", " | "):
        assert harm not in text
