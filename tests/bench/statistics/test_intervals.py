import itertools
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from bench.statistics import intervals
from bench.statistics.intervals import accuracy_draws, generator_for, interval
from bench.statistics.tests import holm, mcnemar_fall, source_fall


def independent(cells, n, skill, seed=0):
    """Cells of n images, half of them real, each with a source of its own."""
    random = np.random.default_rng(seed)
    cell = np.repeat(np.arange(cells), n)
    sources = np.array([f"source{i}" for i in range(cells * n)], dtype=object)
    return cell, sources, np.tile(np.arange(n) % 2, cells), random.random(cells * n) < skill


def obvious_draws(cells, sources, labels, correct, draws):
    """The same resamples, image by image."""
    names = sorted(set(sources))
    weights = generator_for(names).standard_exponential((draws, len(names)), np.float32).astype(float)
    table = np.zeros((max(cells) + 1, draws))
    for draw, cell in itertools.product(range(draws), range(max(cells) + 1)):
        mine = cells == cell
        for label in np.unique(labels[mine]):
            one = np.flatnonzero(mine & (labels == label))
            weight = np.array([weights[draw, names.index(sources[i])] for i in one])
            table[cell, draw] += len(one) / mine.sum() * (weight * correct[one]).sum() / weight.sum()
    return table


def test_draws_agree_with_the_obvious_version():
    random = np.random.default_rng(3)
    cells = np.concatenate([np.arange(3), random.integers(0, 3, 60)])
    sources = np.array([f"s{i}" for i in random.integers(0, 12, 63)], dtype=object)
    labels, correct = random.integers(0, 2, 63), random.random(63) < 0.7
    found = accuracy_draws(cells, sources, labels, correct, draws=20)
    assert found == pytest.approx(obvious_draws(cells, sources, labels, correct, 20), abs=1e-6)


def test_draws_do_not_depend_on_order_or_block_size(monkeypatch):
    given_order = independent(3, 40, 0.8)
    shuffled = np.random.default_rng(1).permutation(120)
    expected = accuracy_draws(*given_order)
    assert accuracy_draws(*(column[shuffled] for column in given_order)) == pytest.approx(expected, abs=1e-6)
    monkeypatch.setattr(intervals, "_BLOCK", 1000)
    assert np.array_equal(accuracy_draws(*given_order), expected)


def test_draws_follow_from_the_sources():
    cells, sources, labels, correct = independent(1, 50, 0.8)
    assert not np.array_equal(
        accuracy_draws(cells, sources, labels, correct), accuracy_draws(cells, sources + "x", labels, correct)
    )


def test_interval_of_independent_images_is_the_binomial_one():
    low, high = interval(accuracy_draws(*independent(40, 400, 0.8)))
    assert np.mean(high - low) == pytest.approx(2 * 1.96 * np.sqrt(0.8 * 0.2 / 400), rel=0.05)


def test_interval_covers_the_truth_as_often_as_it_says():
    """Groups of three images that are right or wrong together; ignoring that would cover about 75 % of the time."""
    random = np.random.default_rng(5)
    sources = np.repeat([f"s{i}" for i in range(120)], 3).astype(object)
    labels = np.repeat(np.arange(120) % 2, 3)
    covered = 0
    for _ in range(300):
        correct = np.repeat(random.random(120) < 0.75, 3)
        low, high = interval(accuracy_draws(np.zeros(360, int), sources, labels, correct, draws=400))
        covered += low[0] <= 0.75 <= high[0]
    assert 0.91 <= covered / 300 <= 0.98


def test_every_cell_sees_the_same_resample():
    """The same real images in two cells: their average is no surer than either."""
    cells, sources, labels, correct = independent(1, 200, 0.7)
    twice = [np.concatenate([cells, cells + 1]), *(np.tile(column, 2) for column in (sources, labels, correct))]
    draws = accuracy_draws(*twice)
    assert np.array_equal(draws[0], draws[1])
    apart = accuracy_draws(*independent(2, 200, 0.7))
    assert np.std(apart.mean(axis=0)) < 0.8 * np.std(draws.mean(axis=0))


def test_resamples_keep_the_share_of_each_class():
    cells, sources, labels, _ = independent(1, 60, 0.5)
    assert accuracy_draws(cells, sources, labels, labels == 0) == pytest.approx(0.5)


def test_a_whole_benchmark_is_quick():
    """64 cells of 6 detectors on 200 images, three seeds."""
    cells, _, labels, correct = independent(64 * 6 * 3, 200, 0.9)
    sources = np.array([f"scene{i}" for i in range(1600)], dtype=object)[np.arange(cells.size) % 1600]
    start = time.perf_counter()
    interval(accuracy_draws(cells, sources, labels, correct))
    assert time.perf_counter() - start < 5


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_exact_binomial_test(lost, won):
    expected = binomtest(lost, lost + won, 0.5, alternative="greater").pvalue if lost + won else 1.0
    assert mcnemar_fall(np.array([lost]), np.array([won]))[0] == pytest.approx(expected)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_agrees_with_the_obvious_version(p):
    order = sorted(range(len(p)), key=lambda i: p[i])
    expected, so_far = [0.0] * len(p), 0.0
    for place, i in enumerate(order):
        so_far = max(so_far, min(1.0, (len(p) - place) * p[i]))
        expected[i] = so_far
    assert holm(np.array(p)) == pytest.approx(expected)


def test_holm_of_known_values():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_source_flips_agree_with_all_flips():
    changes = np.random.default_rng(2).normal(-0.3, 1, (10, 3))
    signs = np.array(list(itertools.product([-1, 1], repeat=10)))
    exact = (signs @ changes <= changes.sum(axis=0) + 1e-12).mean(axis=0)
    found = source_fall(changes, 50_000, np.random.default_rng(0))
    assert found == pytest.approx(exact, abs=0.01)


def test_source_flips_are_mcnemar_where_every_image_is_alone():
    """30 images changed of 500, 20 of them for the worse; equal sums count although they differ in their last bits."""
    changes = np.repeat([0.0, -0.1 / 3, 0.1 / 3], [470, 20, 10])[:, None]
    found = source_fall(changes, 50_000, np.random.default_rng(0))
    assert found[0] == pytest.approx(mcnemar_fall(np.array(20), np.array(10)), abs=0.005)


def test_source_flips_find_nothing_where_nothing_changed():
    assert source_fall(np.zeros((50, 1)), 100, np.random.default_rng(0)).tolist() == [1.0]
