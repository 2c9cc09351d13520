"""How long units take on nodes: bounds against every order that is tried, and what a run waits for."""

import heapq

import numpy as np
import pytest

from bench.rehearsal.cluster.nodes import ClusterConditions, DriverWork, bounds, time_on
from bench.rehearsal.cluster.units import EMBED, FIT, SCORE, Units

NOTHING = DriverWork(0.0, 0.0, 0.0, 0.0, 0.0)
AT_ONCE = ClusterConditions(0.0, 0.0, 1e30)


def scheduled(seconds, places):
    """When the last of some units ends that begin, in this order, as soon as one of the places is free."""
    free = [0.0] * places
    for one in seconds:
        heapq.heapreplace(free, free[0] + one)
    return max(free)


def units(count, seconds, largest=None, **further):
    return Units(further.pop("stage", FIT), "one", count, 1, seconds, largest or seconds / count, **further)


@pytest.mark.parametrize("seed", range(20))
def test_units_take_what_a_simulation_takes_in_any_order(seed):
    draw = np.random.default_rng(seed)
    kinds = [(draw.integers(1, 7), draw.uniform(0.1, 9)) for _ in range(draw.integers(1, 6))]
    group = [units(count, count * seconds) for count, seconds in kinds]
    single = [seconds for count, seconds in kinds for _ in range(count)]
    for nodes in (1, 2, 3, 8):
        least, most = bounds(group, nodes)
        for _ in range(20):
            draw.shuffle(single)
            assert least - 1e-9 <= scheduled(single, nodes) <= most + 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_units_that_a_node_does_side_by_side_come_behind_the_others(seed):
    draw = np.random.default_rng(seed)
    whole, small = ([draw.uniform(1, 9) for _ in range(draw.integers(1, 10))] for _ in range(2))
    group = [units(1, one) for one in whole] + [units(1, one, side_by_side=4) for one in small]
    for nodes in (1, 2, 8):
        least, most = bounds(group, nodes)
        assert least - 1e-9 <= scheduled(whole, nodes) + scheduled(small, 4 * nodes) <= most + 1e-9


def test_one_node_takes_all_of_it_and_thousands_take_as_long_as_the_longest():
    group = [units(10, 50.0), units(1, 20.0)]
    assert bounds(group, 1) == (70.0, 70.0)
    assert bounds(group, 10_000)[0] == 20.0
    assert bounds([units(10, 50.0, further=100.0)], 1, longest=True) == (150.0, 150.0)


def test_stages_come_one_after_the_other_and_a_run_says_what_it_waits_for():
    group = [units(100, 1000.0, stage=EMBED), units(1, 600.0), units(100, 2000.0, stage=SCORE)]
    driver = DriverWork(5.0, 7.0, 3.0, 0.0, 0.0)
    one, many = (time_on(group, driver, AT_ONCE, nodes) for nodes in (1, 100))
    assert one.least == 5 + 3 + 1000 + 600 + 2000
    assert one.limit == "computing"
    assert many.least == pytest.approx(5 + 3 + 10 + 600 + 20)
    assert many.limit == "its longest unit, one"
    assert many.least <= many.most <= one.most
    merging = time_on(group, DriverWork(5.0, 5000.0, 3.0, 0.0, 0.0), AT_ONCE, 100)
    assert (merging.limit, merging.least) == ("the driver", pytest.approx(5 + 3 + 10 + 600 + 5000))


def test_what_moves_over_the_network_is_counted_and_every_node_reads_what_was_fitted():
    group = [units(4, 4.0, stage=SCORE, images_read=100.0, read=20.0, written=3.0)]
    driver = DriverWork(0.0, 0.0, 0.0, 50.0, 7.0)
    found = [time_on(group, driver, ClusterConditions(0.0, 0.0, 10.0), nodes) for nodes in (1, 8)]
    assert [one.network for one in found] == [100 + 20 + 3 + 50 + 7, 100 + 20 + 3 + 8 * 50 + 7]
    assert [one.least for one in found] == pytest.approx([18.0, 53.0])
    assert found[0].limit == "the network"


def test_units_cost_the_driver_time():
    found = time_on([units(1000, 10.0, stage=EMBED)], NOTHING, ClusterConditions(2.0, 0.5, 1e30), 64)
    assert (found.least, found.limits["the driver"]) == (502.0, 500.0)
