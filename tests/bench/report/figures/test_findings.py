"""A run as figures see it: order, colours, titles."""

from bench.report.figures.findings import Findings
from tests.support.synthetic_runs import make_run, with_detector, with_manifest


def ranked():
    run = make_run(lambda detector, *_: {"alpha": 0.6, "beta": 0.9}[detector])
    return with_detector(run, "alpha", shortcut="the names of the files")


def test_detectors_stand_best_first_in_every_view():
    findings = Findings.of(ranked())
    assert [row.detector for _, row in findings.rows] == list(findings.matrices) == list(findings.hues)
    assert list(findings.matrices) == ["beta", "alpha"]


def test_a_baseline_is_marked():
    findings = Findings.of(ranked())
    assert (findings.title("alpha"), findings.title("beta")) == ("alpha (baseline)", "beta")


def test_the_family_is_that_of_the_card():
    run = with_detector(ranked(), "beta", card={"family": "frequency"})
    findings = Findings.of(run)
    assert (findings.family("beta"), findings.family("alpha")) == ("frequency", "")
    assert findings.hues["beta"].css.split("-")[0] != findings.hues["alpha"].css.split("-")[0]


def test_what_was_asked_is_said_in_full():
    run = with_manifest(make_run(seeds=(0, 1)), setting="paper")
    said = Findings.of(run).about()
    assert said == "Data: rendered scenes, tiny generators. Setting: paper. 2 training seeds."
