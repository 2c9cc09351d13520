"""The Pareto set of accuracy and speed, against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analyses.scores.speed import pareto_set, speed_table
from bench.evaluation.leaderboard import ranking
from tests.support.synthetic_runs import make_run, without

number = st.one_of(st.just(float("nan")), st.integers(0, 6).map(float), st.floats(-1, 1))


def is_beaten(point, others):
    return any(a >= point[0] and b >= point[1] and (a > point[0] or b > point[1]) for a, b in others)


@given(st.lists(st.tuples(number, number), max_size=25))
def test_the_set_is_that_of_brute_force(points):
    found = pareto_set(np.array([a for a, _ in points]), np.array([b for _, b in points]))
    known = [point for point in points if not np.isnan(point).any()]
    assert list(found) == [point in known and not is_beaten(point, known) for point in points]


def test_rows_are_those_of_the_ranking():
    def skill(detector, *_):
        return {"alpha": 0.9, "beta": 0.6, "gamma": 0.7}[detector]

    found = ranking(make_run(skill, detectors=("alpha", "beta", "gamma")))  # speeds 100, 101, 102
    table = speed_table(found).set_index("detector")
    assert list(table.index) == [row.detector for row in found.rows]
    assert table["pareto"].to_dict() == {"alpha": True, "gamma": True, "beta": False}
    assert table.loc["beta", "images_per_s"] == 101
    assert table.loc["alpha", "value"] == pytest.approx(found.rows[0].means[found.ranked_by].value)
    assert set(table["reason"]) == {""}


def test_what_is_incomplete_or_not_timed_says_so():
    run = make_run(detectors=("alpha", "beta", "gamma"))
    part = without(run, run.cells["key"].eq("beta/fog/kiln/none/0"))
    part = type(part)(part.manifest, part.cells, part.score_table, part.throughput.iloc[:2])
    table = speed_table(ranking(part)).set_index("detector")
    assert table["reason"].to_dict() == {"alpha": "", "gamma": "not timed", "beta": "1 of 12 cells are missing"}
    assert np.isnan(table.loc["beta", "value"])
    assert table["pareto"].to_dict() == {"alpha": True, "gamma": False, "beta": False}
