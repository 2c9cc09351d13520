import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, permutation_test

from bench.evaluation.notices import SHORTCUT_LEVEL
from bench.statistics.hypothesis_tests import (
    class_difference_test,
    holm_correction,
    least_p,
    retraining_test,
)
from bench.statistics.intervals import random_generator


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_agrees_with_the_obvious_version(p):
    order = sorted(range(len(p)), key=lambda i: p[i])
    expected, so_far = [0.0] * len(p), 0.0
    for place, i in enumerate(order):
        so_far = max(so_far, min(1.0, (len(p) - place) * p[i]))
        expected[i] = so_far
    assert holm_correction(np.array(p)) == pytest.approx(expected)


def test_holm_of_known_values():
    assert holm_correction(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def difference(generated, real, images=1):
    """p for these calls, 0 or 1 per source, in one cell; each source has so many images."""
    called = np.repeat([*generated, *real], images).astype(bool)
    labels = np.repeat([1, 0], [len(generated) * images, len(real) * images])
    sources = np.repeat([f"s{index}" for index in range(len(generated) + len(real))], images)
    return class_difference_test(np.zeros(called.size, int), sources, labels, called)


def alarm_rate(size, generated, real):
    """How often p is below `SHORTCUT_LEVEL` on `size` images per class, called generated with these probabilities."""
    counts = np.arange(size + 1)
    alarms = [
        [difference([1] * g + [0] * (size - g), [1] * r + [0] * (size - r)) < SHORTCUT_LEVEL for r in counts]
        for g in counts
    ]
    return float(binom.pmf(counts, size, generated) @ np.array(alarms) @ binom.pmf(counts, size, real))


@pytest.mark.parametrize("size", [2, 3, 4, 6, 10, 20, 30])
def test_calls_at_chance_are_rarely_a_difference_however_few_they_are(size):
    assert alarm_rate(size, 0.5, 0.5) <= 0.025
    assert alarm_rate(size, 0.2, 0.2) <= 0.025


def test_a_difference_is_found():
    assert alarm_rate(6, 0.9, 0.1) > 0.85
    assert alarm_rate(20, 0.7, 0.3) > 0.65
    assert difference([1] * 2, [0] * 2) > SHORTCUT_LEVEL  # as chance gives it in one run of 16
    assert difference([0] * 20, [1] * 20) > 0.999


def test_images_of_one_source_are_no_further_evidence():
    assert difference([1, 1, 1, 0], [1, 0, 0, 0], images=30) == pytest.approx(difference([1, 1, 1, 0], [1, 0, 0, 0]))


def test_cells_of_one_class_show_no_difference():
    assert class_difference_test(np.zeros(3, int), np.array(["a", "b", "c"]), np.ones(3, int), np.ones(3, bool)) == 1
    cells, labels = np.array([0, 0, 0, 0, 1]), np.array([0, 0, 1, 1, 1])
    sources, called = np.array(list("abcde")), np.array([False, True, True, True, False])
    with_both = class_difference_test(cells[:4], sources[:4], labels[:4], called[:4])
    assert class_difference_test(cells, sources, labels, called) == with_both


def shared_pool_calls(random, size, cells, generated_rate):
    """Calls at chance in cells that share their real images, nearly all of which all cells call the same."""
    usual = random.random(size) < generated_rate
    real = np.where(random.random((cells, size)) < 0.8, usual, random.random((cells, size)) < generated_rate)
    called = np.concatenate([real, random.random((cells, size)) < generated_rate], axis=1).ravel()
    sources = np.array([f"c{max(0, i - size + 1) and c}i{i}" for c in range(cells) for i in range(2 * size)])
    return np.repeat(np.arange(cells), 2 * size), sources, np.tile(np.repeat([0, 1], size), cells), called


def shared_pool_alarms(size, generated_rate, runs):
    random = np.random.default_rng(size)
    calls = (shared_pool_calls(random, size, 8, generated_rate) for _ in range(runs))
    return np.mean([class_difference_test(*drawn) < SHORTCUT_LEVEL for drawn in calls])


def test_real_images_that_cells_share_count_once():
    assert shared_pool_alarms(4, 0.5, runs=300) <= 0.025


@pytest.mark.slow
@pytest.mark.parametrize("size", [2, 3, 4, 6, 10, 20, 50])
@pytest.mark.parametrize("generated_rate", [0.1, 0.2, 0.5, 0.8])
def test_calls_at_chance_in_cells_that_share_images_are_rarely_a_difference(size, generated_rate):
    assert shared_pool_alarms(size, generated_rate, runs=1000) <= 0.035


def trainings(count, measures, *names, train_sets=1):
    """Accuracies of unlike spread, which go together within a train set; each measure is of one train set."""
    random = random_generator(["trainings", *map(str, names)])
    shared = random.standard_normal((count, train_sets, 1))
    values = np.linspace(0.005, 0.05, measures) * (shared + random.standard_normal((count, train_sets, measures)))
    return (0.8 + values) * (np.arange(measures) % train_sets == np.arange(train_sets)[:, None])


def test_retraining_of_one_measure_is_the_permutation_test_of_means():
    before, now = trainings(7, 1, "before"), trainings(3, 1, "now")
    sides = (before[:, 0, 0], now[:, 0, 0])
    pooled = permutation_test(sides, student_fall, permutation_type="independent", alternative="greater")
    assert retraining_test(before, now, 0.01)[0] == pytest.approx(pooled.pvalue)


def student_fall(before, now):
    inside = np.square(before - before.mean()).sum() + np.square(now - now.mean()).sum()
    return (before.mean() - now.mean()) / np.sqrt(inside / (len(before) + len(now) - 2) + 0.01**2)


@pytest.mark.parametrize("train_sets", [1, 2])
def test_retraining_finds_the_measure_that_fell_and_no_other(train_sets):
    before, now = (trainings(10, 5, name, train_sets=train_sets) for name in ("before", "now"))
    now = now[:3]
    now[..., 2] -= 0.2 * (now[..., 2] > 0)
    p = retraining_test(before, now, 0.01)
    assert least_p(10, 3) == pytest.approx(1 / 286)
    assert least_p(10, 3) <= p[2] < 0.005
    assert np.delete(p, 2).min() > 0.05


def test_a_measure_of_several_train_sets_has_finer_steps_than_one():
    """As many trainings of each; a fall that all of them have is no matter of which ones were chosen."""
    before, now = (trainings(4, 8, name, train_sets=8).sum(axis=2, keepdims=True) / 8 for name in ("before", "now"))
    now = now[:2] - 0.05 / 8
    assert retraining_test(before, now, 0.001)[0] < least_p(4, 2) / 10


def test_a_measure_that_fell_less_is_not_hidden_by_one_that_fell_more():
    before, now = trainings(10, 5, "before"), trainings(3, 5, "now")
    now -= [0.5, 0.5, 0.5, 0.5, 0.25]
    assert retraining_test(before, now, 0.01).max() == least_p(10, 3)


def test_trainings_that_never_differ_did_not_fall():
    same = np.full((4, 2, 3), 0.9)
    assert (retraining_test(same, same[:2], 0.01) == 1).all()


def test_of_many_choices_some_are_drawn_and_the_same_ones_each_time():
    before, now = trainings(10, 3, "before"), trainings(8, 3, "now")
    now[..., 0] -= 0.3
    first = retraining_test(before, now, 0.01)
    assert np.array_equal(first, retraining_test(before, now, 0.01))
    assert first[0] == least_p(10, 8) == 1 / 5000


def test_retraining_calls_nothing_changed_a_fall_as_seldom_as_stated():
    found = [
        retraining_test(trainings(6, 4, i, train_sets=2), trainings(3, 4, i, "now", train_sets=2), 0.01).min()
        for i in range(200)
    ]
    assert np.mean(np.array(found) <= 0.05) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)
