import itertools
import time

import numpy as np
import pytest

from bench.statistics import intervals
from bench.statistics.intervals import bootstrap_accuracies, interval, random_generator


def independent(cells, n, skill, seed=0):
    """Cells of n images, half of them real, each with a source of its own."""
    random = np.random.default_rng(seed)
    cell = np.repeat(np.arange(cells), n)
    sources = np.array([f"source{i}" for i in range(cells * n)], dtype=object)
    return cell, sources, np.tile(np.arange(n) % 2, cells), random.random(cells * n) < skill


def obvious_bootstrap(cells, sources, labels, correct, draws):
    """The same resamples, image by image."""
    names = sorted(set(sources))
    weights = random_generator(names).standard_exponential((draws, len(names)), np.float32).astype(float)
    table = np.zeros((max(cells) + 1, draws))
    for draw, cell in itertools.product(range(draws), range(max(cells) + 1)):
        mine = cells == cell
        for label in np.unique(labels[mine]):
            one = np.flatnonzero(mine & (labels == label))
            weight = np.array([weights[draw, names.index(sources[i])] for i in one])
            table[cell, draw] += len(one) / mine.sum() * (weight * correct[one]).sum() / weight.sum()
    return table


def test_bootstrapped_accuracies_agree_with_the_obvious_version():
    random = np.random.default_rng(3)
    cells = np.concatenate([np.arange(3), random.integers(0, 3, 60)])
    sources = np.array([f"s{i}" for i in random.integers(0, 12, 63)], dtype=object)
    labels, correct = random.integers(0, 2, 63), random.random(63) < 0.7
    found = bootstrap_accuracies(cells, sources, labels, correct, draws=20)
    assert found == pytest.approx(obvious_bootstrap(cells, sources, labels, correct, 20), abs=1e-6)


def test_bootstrapped_accuracies_do_not_depend_on_order_or_block_size(monkeypatch):
    given_order = independent(3, 40, 0.8)
    shuffled = np.random.default_rng(1).permutation(120)
    expected = bootstrap_accuracies(*given_order)
    assert bootstrap_accuracies(*(column[shuffled] for column in given_order)) == pytest.approx(expected, abs=1e-6)
    monkeypatch.setattr(intervals, "BLOCK_SIZE", 1000)
    assert np.array_equal(bootstrap_accuracies(*given_order), expected)


def test_bootstrapped_accuracies_follow_from_the_sources():
    cells, sources, labels, correct = independent(1, 50, 0.8)
    assert not np.array_equal(
        bootstrap_accuracies(cells, sources, labels, correct),
        bootstrap_accuracies(cells, sources + "x", labels, correct),
    )


def test_interval_of_independent_images_is_the_binomial_one():
    low, high = interval(bootstrap_accuracies(*independent(40, 400, 0.8)))
    assert np.mean(high - low) == pytest.approx(2 * 1.96 * np.sqrt(0.8 * 0.2 / 400), rel=0.05)


def test_interval_covers_the_truth_as_often_as_it_says():
    """Groups of three images that are right or wrong together; ignoring that would cover about 75 % of the time."""
    random = np.random.default_rng(5)
    sources = np.repeat([f"s{i}" for i in range(120)], 3).astype(object)
    labels = np.repeat(np.arange(120) % 2, 3)
    covered = 0
    for _ in range(300):
        correct = np.repeat(random.random(120) < 0.75, 3)
        low, high = interval(bootstrap_accuracies(np.zeros(360, int), sources, labels, correct, draws=400))
        covered += low[0] <= 0.75 <= high[0]
    assert 0.91 <= covered / 300 <= 0.98


def test_every_cell_sees_the_same_resample():
    """The same real images in two cells: their average is no surer than either."""
    cells, sources, labels, correct = independent(1, 200, 0.7)
    twice = [np.concatenate([cells, cells + 1]), *(np.tile(column, 2) for column in (sources, labels, correct))]
    draws = bootstrap_accuracies(*twice)
    assert np.array_equal(draws[0], draws[1])
    apart = bootstrap_accuracies(*independent(2, 200, 0.7))
    assert np.std(apart.mean(axis=0)) < 0.8 * np.std(draws.mean(axis=0))


def test_resamples_keep_the_share_of_each_class():
    cells, sources, labels, _ = independent(1, 60, 0.5)
    assert bootstrap_accuracies(cells, sources, labels, labels == 0) == pytest.approx(0.5)


def test_a_whole_benchmark_is_quick():
    """64 cells of 6 detectors on 200 images, three seeds."""
    cells, _, labels, correct = independent(64 * 6 * 3, 200, 0.9)
    sources = np.array([f"scene{i}" for i in range(1600)], dtype=object)[np.arange(cells.size) % 1600]
    start = time.perf_counter()
    interval(bootstrap_accuracies(cells, sources, labels, correct))
    assert time.perf_counter() - start < 5
