"""Packing units of work on machines, against brute force, and what a run would take."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analyses.time.machines import (
    FASTER,
    FITTING,
    MACHINES,
    REST,
    SCORING,
    SECONDS,
    machine_table,
    makespan,
    scores_by_test,
)
from bench.records.timings import FitTiming, RunTimings, StageTiming
from tests.support.synthetic_runs import GENERATORS, make_run, without


def best(durations, machines):
    """The least time over all ways to give the units out."""
    ways = product(range(machines), repeat=len(durations))
    return min(
        max(
            sum(one for one, place in zip(durations, way, strict=True) if place == machine)
            for machine in range(machines)
        )
        for way in ways
    )


@given(st.lists(st.integers(0, 20), max_size=6), st.integers(1, 3))
def test_longest_first_keeps_its_bound(durations, machines):
    least = best(durations, machines)
    assert least <= makespan(durations, machines) <= (4 / 3 - 1 / (3 * machines)) * least + 1e-9


def test_the_longest_goes_first_whatever_the_order():
    assert makespan([1, 1, 2], 2) == makespan([2, 1, 1], 2) == 2
    assert makespan([], 4) == 0
    assert makespan([3, 1], 9) == 3


TIMINGS = RunTimings(
    20.0,
    2,
    9,
    (
        StageTiming("fit or load detectors", 3, 6.0),
        StageTiming("score", 50, 8.0),
        StageTiming("time detectors", 2, 1.0),
    ),
    (FitTiming("alpha", "fog", 0, 2.0), FitTiming("alpha", "kiln", 0, 4.0), FitTiming("beta", "fog", 0, 6.0)),
)


def test_one_machine_takes_what_the_run_took_and_many_what_cannot_be_divided():
    table = machine_table(TIMINGS, {("", "fog", "none"): 30, ("", "kiln", "none"): 10}, [1, 2, 100]).set_index(MACHINES)
    assert table.loc[1].to_dict() == pytest.approx({SECONDS: 20, FASTER: 1, FITTING: 6, SCORING: 8, REST: 6})
    # fits took 12 s side by side, in 6 s: the longest takes half of that; of the test sets one is three quarters
    assert table.loc[2].to_dict() == pytest.approx({SECONDS: 15, FASTER: 20 / 15, FITTING: 3, SCORING: 6, REST: 6})
    assert table.loc[100].to_dict() == pytest.approx(table.loc[2].to_dict())


def test_a_run_that_found_its_fits_made_divides_its_test_sets_alone():
    found = RunTimings(10.0, 2, 9, (StageTiming("fit or load detectors", 3, 1.0), StageTiming("score", 50, 8.0)))
    table = machine_table(found, {("", str(place), "none"): 10 for place in range(4)}, [4])
    assert table[SECONDS].tolist() == pytest.approx([4.0])  # 2 s of each test set, and 2 s of what is not divided


def test_test_sets_are_counted_over_all_detectors_and_fits():
    run = make_run(detectors=("alpha", "beta"), n=5)
    assert scores_by_test(run) == {("", name, "none"): 2 * len(GENERATORS) * 10 for name in GENERATORS}
    missing = without(run, run.cells["detector"].eq("alpha") & run.cells["test"].eq(GENERATORS[0]))
    assert scores_by_test(missing)["", GENERATORS[0], "none"] == len(GENERATORS) * 10
