"""Tables of images that fool detectors: those of the analysis, in its order, as many as a reader takes in."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.analyses.scores.mistakes import confident_mistakes, disagreements, shared_mistakes
from bench.report.figures.findings import Findings
from bench.report.figures.scores.mistakes import mistakes_content
from bench.report.ranking_columns import percent
from tests.support.open_protocols import Naming
from tests.support.synthetic_runs import make_run, run_of, with_scores

WRONG = "val/fog/0004.jpg"


def mislabelled(run):
    """One image that every detector calls real, surely."""
    scores = run.scores
    return with_scores(run, scores.assign(score=scores["score"].where(scores["name"].ne(WRONG), np.float32(0.01))))


@pytest.fixture(scope="module")
def findings():
    run = make_run(lambda detector, *_: {"alpha": 0.7, "beta": 0.9, "gamma": 0.8}[detector],
                   ["alpha", "beta", "gamma"], seeds=(0, 1), n=30)  # fmt: skip
    return Findings.of(mislabelled(run))


@pytest.fixture(scope="module")
def tables(findings):
    return {table.title: {column.header: column.texts for column in table.columns} for table in content(findings)}


def content(findings):
    return mistakes_content(findings).tables


def test_the_image_that_all_get_wrong_stands_first(findings, tables):
    expected = shared_mistakes(findings.measured, "off-diagonal")
    found = tables["Wrong for all detectors that are better than chance there: is the label right?"]
    assert found["image"] == tuple(expected["name"])
    assert found["image"][0] == WRONG
    assert found["it is"][0] == "generated"
    assert found["mean score"] == tuple(map(percent, expected["score"]))
    assert found["detectors"] == tuple(map(str, expected["detectors"]))
    assert set(found["rows"]) == {"trained"}


def test_images_that_divide_stand_by_their_variance(findings, tables):
    expected = disagreements(findings.measured, "off-diagonal")
    found = tables["Images that divide the detectors most"]
    assert found["image"] == tuple(expected["name"])
    assert found["variance"] == tuple(f"{value:.3f}" for value in expected["variance"])
    assert found["called generated"] == tuple(map(percent, expected["called_generated"]))
    assert list(found["variance"]) == sorted(found["variance"], reverse=True)
    assert len(found["image"]) <= 20


def test_the_surest_mistakes_are_one_of_each_detector_and_test_set(findings, tables):
    expected = confident_mistakes(findings.measured, "off-diagonal")
    pd.testing.assert_frame_equal(mistakes_content(findings).rows, expected)
    found = tables["The surest mistakes of the best detectors"]
    pairs = list(zip(found["detector"], found["tested with"], strict=True))
    assert len(set(pairs)) == len(pairs) == 3 * 4
    first = expected.drop_duplicates(["detector", "test"])
    first = first.iloc[np.argsort(-first["log_odds"].abs().to_numpy(), kind="stable")]
    assert found["image"] == tuple(first["name"])
    assert found["score"] == tuple(map(percent, first["score"]))
    counts = zip(first["wrong_cells"], first["cells"], strict=True)
    assert found["wrong cells"] == tuple(f"{wrong} of {cells}" for wrong, cells in counts)


def test_the_surest_are_of_the_best_ten_detectors_and_twenty_at_most():
    names = [f"d{place:02}" for place in range(12)]
    found = Findings.of(make_run(lambda detector, *_: 0.95 - 0.03 * names.index(detector), names, n=10))
    table = content(found)[-1]
    detectors = set(table.columns[1].texts)
    assert len(table.columns[0].texts) == 20
    assert detectors <= set(found.best(10))


def test_a_run_without_mistakes_has_no_table():
    run = make_run(n=4)
    faultless = mistakes_content(
        Findings.of(with_scores(run, run.scores.assign(score=run.scores["label"].astype("float32"))))
    )
    assert faultless.tables == []
    named = run_of(Naming(), n=5)
    made = np.where(named.scores["label"] == 1, named.scores["name"].str.split("/").str[1], "")
    told = named.scores[["key", "name"]].assign(generator=made, predicted=made)
    assert mistakes_content(Findings.of(replace(named, diagnostics=told))).tables == []
