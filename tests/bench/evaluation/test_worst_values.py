import numpy as np
import pytest

from bench.evaluation.asked.rank_measures import WORST_CONDITION, WORST_GENERATOR
from bench.evaluation.averages import intervals_with
from bench.evaluation.cells import evaluate
from bench.evaluation.worst_values import worst_average
from tests.support.synthetic_runs import GENERATORS, make_run, without


def skill_of(hard):
    """As good on every generator, but on one."""
    return lambda _detector, _train, test, *_: 0.6 if test == hard else 0.85


def worst(run, name=WORST_GENERATOR, detector="alpha"):
    measured = evaluate(run)
    return worst_average(measured, measured.table["detector"].eq(detector).to_numpy(), name)


def test_the_worst_generator_is_the_smallest_mean_and_named():
    run = make_run(skill_of("kiln"))
    found, table = worst(run), evaluate(run).table
    means = table[table["detector"].eq("alpha")].groupby("test")["ranked_accuracy"].mean()
    assert (found.where, found.count) == ("kiln", len(GENERATORS))
    assert found.average.value == pytest.approx(means.min())
    assert found.low <= found.average.interval[0]
    assert found.high > found.average.value


def test_an_upper_end_allows_for_the_choice():
    """All generators are alike: the smallest of four upper ends at 97.5% alone would be below the truth too often."""
    found = worst(make_run(lambda *_: 0.8, noise=1))
    [(_, high)] = intervals_with([found.average], [0.0], 1 - 0.05 / 4)
    assert found.average.interval[1] < high
    assert found.high <= high


@pytest.mark.slow
def test_intervals_hold_the_worst_of_generators_that_are_alike():
    found = [worst(make_run(lambda *_: 0.8, ["alpha"], n=30, noise=noise)) for noise in range(40)]
    assert np.mean([one.low <= 0.8 <= one.high for one in found]) >= 0.9


def test_a_condition_is_a_degradation():
    found = worst(make_run(degraded=True), WORST_CONDITION)
    assert found.where in {"jpeg:65", "blur:1"}


def test_one_value_or_a_missing_cell_has_no_worst():
    assert worst(make_run(), WORST_CONDITION) is None
    run = make_run()
    assert worst(without(run, run.cells["key"].eq(run.cells["key"].iloc[0]))) is None
