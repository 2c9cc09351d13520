"""Comparisons as one JSON document."""

import json

from bench.evaluation.comparing.comparison import compare_detectors
from bench.evaluation.comparing.paired_runs import pair_runs
from bench.evaluation.comparing.sides import choose_sides
from bench.report.comparing.document import comparisons_json
from tests.support.synthetic_runs import make_run, with_detector


def test_every_number_stands_in_one_document():
    run = make_run(n=10)
    later = with_detector(run, "alpha", version=2)
    found = compare_detectors([pair_runs(*pair) for pair in choose_sides([run, later], ())])
    alpha, beta = json.loads(comparisons_json(found))["comparisons"]
    assert alpha["first"] == {"title": "alpha (first run)", "detector": "alpha", "key": "alpha.1.small", "version": 1}
    assert alpha["differences"] == [{"what": "version", "first": "1", "second": "2"}]
    assert beta["differences"] == []
    assert len(alpha["cells"]) == 16
    assert {cell["verdict"] for cell in alpha["cells"]} == {"same"}
    for average in alpha["averages"]:
        assert average["difference"] == average["first"] - average["second"] == 0
        assert average["across"] is None
        assert average["scope"].startswith("unresolved (4 generators")
    assert (alpha["decisions"]["won"], alpha["decisions"]["p"]) == (0, 1)
    assert alpha["averages_corrected_for"] == {"on_these_generators": 0, "across_generators": 0}
