"""The figure of errors that overlap: the pairs of the analysis, both ways, and what detectors reach together."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.analyses.scores.overlap import error_overlap, together_accuracy
from bench.charts.numbers import percent_text
from bench.report.figures.findings import Findings
from bench.report.figures.scores.overlap import overlap_content
from bench.report.ranking_columns import percent
from tests.support.drawings import named, outside
from tests.support.open_protocols import Naming
from tests.support.synthetic_runs import make_run, run_of, with_scores, without


def skill(detector, *_):
    return {"alpha": 0.6, "beta": 0.9, "gamma": 0.75}[detector]


@pytest.fixture(scope="module")
def findings():
    return Findings.of(make_run(skill, ["alpha", "beta", "gamma"], n=20))


@pytest.fixture(scope="module")
def content(findings):
    return overlap_content(findings)


def test_rows_and_columns_are_detectors_best_first(findings, content):
    (chart,) = content.charts
    down = [one.text for one in named(chart, "text") if one.given.get("text-anchor") == "end" and not one.slants]
    across = [one.text for one in named(chart, "text") if one.slants]
    assert down == across == ["beta", "gamma", "alpha"] == findings.best(3)
    assert outside(chart) == []


def test_a_cell_is_the_share_of_the_errors_of_the_row_that_the_column_gets_right(findings, content):
    pairs = error_overlap(findings.measured, "off-diagonal")
    pd.testing.assert_frame_equal(content.rows, pairs)
    shares = {}
    for row in pairs.itertuples():
        shares[row.first, row.second] = row.first_errors_right_in_second
        shares[row.second, row.first] = row.second_errors_right_in_first
    names = findings.best(3)
    expected = [percent_text(shares.get((row, column), np.nan)) for row in names for column in names]
    (chart,) = content.charts
    assert [one.text for one in named(chart, "text") if {"number", "tiny"} & set(one.classes)] == expected
    row, column = max(shares, key=shares.get)
    assert chart.description == f"{column} is right on {percent(shares[row, column])} % of the errors of {row}."


def test_the_table_says_what_they_reach_together(findings, content):
    found = together_accuracy(findings.measured, findings.best(3), "off-diagonal")
    (table,) = content.tables
    texts, values = (column.texts for column in table.columns)
    assert texts[2] == "the best alone (beta)"
    assert values == tuple(map(percent, (found.any_right, found.majority, found.best, found.all_right)))
    assert f"over {found.cells} cells" in table.title


def test_the_best_sixteen_are_shown_and_the_note_says_so():
    names = [f"d{place:02}" for place in range(18)]
    found = Findings.of(make_run(lambda detector, *_: 0.95 - 0.02 * names.index(detector), names, n=6))
    (chart,) = overlap_content(found).charts
    assert "The first 16 of 18 rows." in chart.note
    shown = [one.text for one in named(chart, "text") if one.given.get("text-anchor") == "end" and not one.slants]
    assert shown == found.best(16)


def naming():
    run = run_of(Naming(), n=5)
    made = np.where(run.scores["label"] == 1, run.scores["name"].str.split("/").str[1], "")
    return replace(run, diagnostics=run.scores[["key", "name"]].assign(generator=made, predicted=made))


def faultless():
    run = make_run(n=4)
    return with_scores(run, run.scores.assign(score=run.scores["label"].astype("float32")))


def unscored():
    run = make_run(n=4)
    return without(run, run.cells["detector"].eq("beta"))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: make_run(detectors=["alpha"], n=4), "No two detectors answered the same question"),
        (naming, "No two detectors answered the same question of real or generated."),
        (unscored, "No two detectors answered the same question"),
        (faultless, "No detector has an error that another answered."),
    ],
    ids=["one detector", "generators are named", "missing cells", "no error"],
)
def test_where_there_is_nothing_to_compare_there_is_a_reason(make, reason):
    content = overlap_content(Findings.of(make()))
    assert reason in content.reason
    assert (list(content.charts), list(content.tables)) == ([], [])
