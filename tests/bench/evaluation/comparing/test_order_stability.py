"""The order of detectors under other seeds, degradations and data sets."""

from dataclasses import replace

import pytest

from bench.evaluation.cells import evaluate
from bench.evaluation.comparing.order_stability import order_stabilities
from tests.support.synthetic_runs import make_run, without

LEVELS = {"alpha": 0.95, "beta": 0.8, "gamma": 0.65}
NAMES = tuple(LEVELS)


def found(run):
    return {one.axis: one for one in order_stabilities(evaluate(run))}


def turning(detector, train, test, degradation, seed):
    """Of the third seed, and under blur, the best is the worst."""
    del train, test
    level = LEVELS[detector]
    return 1.6 - level if seed == 2 or degradation == "blur:1" else level


def test_the_least_tau_is_where_the_order_turns():
    seeds = found(make_run(turning, detectors=NAMES, seeds=(0, 1, 2), n=60))["seed"]
    assert seeds.values == (0, 1, 2)
    assert (seeds.least, seeds.mean) == (-1, pytest.approx((1 - 1 - 1) / 3))
    assert seeds.between == (0, 2)
    assert (seeds.average, seeds.trained, seeds.detectors) == ("off-diagonal", True, NAMES)


def test_degradations_are_those_of_the_average_that_ranks():
    steps = found(make_run(turning, detectors=NAMES, degraded=True, n=60))["degradation"]
    assert steps.values == ("jpeg:65", "blur:1")
    assert (steps.least, steps.between) == (-1, ("jpeg:65", "blur:1"))


def test_data_sets_are_told_apart():
    run = make_run(turning, detectors=NAMES, n=60)
    cells = run.cells.assign(test_data=["" if test in ("fog", "haze") else "other" for test in run.cells["test"]])
    assert found(replace(run, cells=cells))["test_data"].values == ("", "other")
    assert found(replace(run, cells=cells))["test_data"].least == 1


def test_one_value_or_two_detectors_are_no_orders():
    assert found(make_run(turning, detectors=NAMES, n=20)) == {}
    assert found(make_run(turning, detectors=NAMES[:2], seeds=(0, 1), n=20)) == {}


def test_a_detector_that_misses_a_cell_has_no_place():
    run = make_run(lambda *_: 0.7, detectors=(*NAMES, "delta"), seeds=(0, 1), n=20)
    gone = run.cells["detector"].eq("delta") & run.cells["seed"].eq(1) & run.cells["train"].ne(run.cells["test"])
    assert found(without(run, gone))["seed"].detectors == NAMES
