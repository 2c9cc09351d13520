import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import friedmanchisquare

from bench.statistics.hypothesis_tests import holm_correction
from bench.statistics.ranks import (
    better_beyond_chance,
    correct_for_pairs,
    covariance_of_averages,
    friedman_test,
    rank_bounds,
    rank_intervals,
    rank_stability,
    ranks,
    unresolved_groups,
    verdict,
    without_rounding,
)


def symmetric(count, pairs):
    matrix = np.ones((count, count))
    first, second = np.triu_indices(count, 1)
    matrix[first, second] = matrix[second, first] = pairs
    return matrix


def nobody(count):
    return np.zeros((count, count), dtype=bool)


def test_three_pairs_of_known_values():
    """Once one of three pairs differs, no more than one other can be equal."""
    corrected, pairs = correct_for_pairs(symmetric(3, [0.01, 0.02, 0.04]), nobody(3))
    assert pairs == 3
    assert corrected == pytest.approx(symmetric(3, [0.03, 0.03, 0.04]))


@given(st.integers(2, 7), st.integers(0, 2**32 - 1))
def test_corrected_p_lie_between_their_own_and_holms(count, seed):
    first, second = np.triu_indices(count, 1)
    p = np.random.default_rng(seed).random(first.size) ** 3
    corrected, pairs = correct_for_pairs(symmetric(count, p), nobody(count))
    found = corrected[first, second]
    assert pairs == first.size
    assert (found >= p).all()
    assert (found <= holm_correction(p) + 1e-12).all()
    assert found.min() == pytest.approx(min(1, p.min() * p.size))


@pytest.mark.parametrize("copies", [0, 2, 17])
def test_copies_change_no_verdict_and_no_rank_of_others(copies):
    p = symmetric(3, [0.004, 0.02, 0.04])
    members = np.array([0, 1, 2, *[1] * copies])
    same = (members[:, None] == members) & ~np.eye(len(members), dtype=bool)
    corrected, pairs = correct_for_pairs(np.where(same, 1.0, p[np.ix_(members, members)]), same)
    plain, _ = correct_for_pairs(p, nobody(3))
    assert pairs == 3
    assert corrected[:3, :3] == pytest.approx(plain)
    better = better_beyond_chance(np.array([0.9, 0.8, 0.7])[members], corrected)
    places, tied = ranks(better)
    assert places[[0, 1]].tolist() == [1, 2]
    assert len(set(places[members == 1])) == 1
    assert tied[members == 1].all() == bool(copies)
    assert verdict(better, same, 0, 1) == "better"
    if copies:
        assert verdict(better, same, 1, 3) == "same"


def test_a_pair_that_was_not_tested_is_unresolved():
    p = symmetric(3, [np.nan, 0.001, 0.9])
    corrected, _ = correct_for_pairs(p, nobody(3))
    better = better_beyond_chance(np.array([0.9, 0.5, 0.4]), corrected)
    found = [verdict(better, nobody(3), *pair) for pair in ((0, 1), (0, 2), (2, 0))]
    assert found == ["unresolved", "better", "worse"]
    places, tied = ranks(better)
    assert places.tolist() == [1, 1, 2]
    assert tied.tolist() == [True, True, True]
    assert [end.tolist() for end in rank_bounds(better)] == [[1, 1, 2], [2, 3, 3]]


def test_equal_averages_have_one_rank_in_every_draw():
    covariance = np.full((4, 4), 0.01)
    covariance[3] = covariance[:, 3] = 0
    low, high = rank_intervals(np.array([0.9, 0.9, 0.9, 0.1]), covariance, np.random.default_rng(0))
    assert low.tolist() == [1, 1, 1, 4]
    assert high.tolist() == [1, 1, 1, 4]
    low, high = rank_intervals(np.ones(3), np.zeros((3, 3)), np.random.default_rng(0))
    assert (low.tolist(), high.tolist()) == ([1, 1, 1], [1, 1, 1])


def test_rank_intervals_widen_with_the_covariance():
    averages = np.array([0.9, 0.88, 0.5])
    low, high = rank_intervals(averages, np.diag([1e-3, 1e-3, 1e-3]), np.random.default_rng(0))
    assert (low.tolist(), high.tolist()) == ([1, 1, 3], [2, 2, 3])
    low, high = rank_intervals(averages, np.diag([1e-6, 1e-6, 1e-6]), np.random.default_rng(0))
    assert (low.tolist(), high.tolist()) == ([1, 2, 3], [1, 2, 3])


def test_covariance_follows_from_variances_of_differences():
    factors = np.random.default_rng(0).normal(0, 1, (4, 6))
    covariance = factors @ factors.T
    differences = np.array([[np.sum((one - other) ** 2) for other in factors] for one in factors])
    assert covariance_of_averages(np.diag(covariance), differences) == pytest.approx(covariance)


@given(st.integers(1, 9), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_no_bar_covers_a_pair_that_differs(count, seed, share):
    random = np.random.default_rng(seed)
    averages = random.random(count)
    first, second = np.triu_indices(count, 1)
    better = better_beyond_chance(averages, symmetric(count, np.where(random.random(first.size) < share, 0.01, 1)))
    bars = unresolved_groups(averages, better)
    place = np.argsort(np.argsort(-averages))
    shown = set()
    for bar in bars:
        assert len(bar) >= 2
        assert list(bar) == sorted(bar, key=lambda one: place[one])
        for pair in itertools.combinations(bar, 2):
            assert not better[pair]
            assert not better[pair[::-1]]
            shown.add(frozenset(pair))
    unresolved = {frozenset((i, j)) for i, j in zip(first, second, strict=True) if not better[i, j] | better[j, i]}
    assert shown == unresolved
    assert len({frozenset(bar) for bar in bars}) == len(bars)


def test_bars_of_known_verdicts():
    """In order a, b, c, d: a and d alone differ; then c differs from a and d, which do not differ."""
    averages = np.array([0.9, 0.8, 0.7, 0.6])
    better = nobody(4)
    better[0, 3] = True
    assert unresolved_groups(averages, better) == [(0, 1, 2), (1, 2, 3)]
    better = nobody(4)
    better[0, 2] = better[2, 3] = better[0, 1] = better[1, 3] = True
    assert unresolved_groups(averages, better) == [(1, 2), (0, 3)]


def test_stability_of_ranks_is_kendalls():
    averages = np.array([[0.9, 0.8, 0.7, 0.6], [0.9, 0.8, 0.6, 0.7], [0.6, 0.7, 0.8, 0.9], [0.5, 0.5, 0.5, 0.5]])
    taus = rank_stability(averages)
    assert taus[:3, :3] == pytest.approx(np.array([[1, 2 / 3, -1], [2 / 3, 1, -2 / 3], [-1, -2 / 3, 1]]))
    assert np.isnan(taus[3]).all()
    assert np.isnan(taus[:, 3]).all()


def test_friedman_is_scipys():
    values = np.random.default_rng(0).random((12, 4)).round(1)
    expected = friedmanchisquare(*values.T)
    assert friedman_test(values) == pytest.approx((expected.statistic, expected.pvalue))
    assert friedman_test(np.ones((12, 4))) == (0.0, 1.0)


def test_averages_that_differ_in_their_last_bits_are_one():
    found = without_rounding(np.array([0.3, 0.1 + 0.2, 0.4, 0.3 - 1e-13, 0.3 + 1e-9]))
    assert len(set(found[[0, 1, 3]])) == 1
    assert found[[2, 4]].tolist() == [0.4, 0.3 + 1e-9]
    assert without_rounding(np.array([])).size == 0
