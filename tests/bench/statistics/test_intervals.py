import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest

from bench.statistics.influences import mean_influences, ranking_influences, source_layout, sum_by_source
from bench.statistics.intervals import (
    AREAS,
    PRECISIONS,
    SHARES,
    SampleSize,
    Spread,
    bounded_interval,
    difference_interval,
    sample_size,
    source_variances,
)


@pytest.fixture(scope="module")
def simulations():
    """The script whose table shows the coverage of every interval."""
    path = Path(__file__).parents[3] / "docs/simulations/coverage.py"
    spec = importlib.util.spec_from_file_location("coverage_simulations", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def accuracy_interval(right, labels, sources=None):
    """Intervals of the accuracies of rows (K, N) of right and wrong answers."""
    sources = np.arange(len(labels)) if sources is None else sources
    layout = source_layout(labels, sources, sources.max() + 1)
    found = mean_influences(right, labels)
    spread = source_variances(sum_by_source(found.influences, sources, len(layout.shares)), layout.shares)
    size = sample_size(np.full(len(labels), 1 / len(labels)), sources, layout.shares, max(layout.accuracy))
    return bounded_interval(found.values, spread, size)


def test_no_error_at_all_has_the_exact_interval():
    labels = np.arange(40) % 2
    low, high = accuracy_interval(np.stack([np.ones(40), np.zeros(40)]), labels)
    exact = binomtest(40, 40).proportion_ci(method="exact")
    assert low == pytest.approx([exact.low, 0], abs=1e-12)
    assert high == pytest.approx([1, 1 - exact.low], abs=1e-12)
    assert (low[1], high[0]) == (0, 1)


def test_sources_and_not_images_count_where_there_is_no_error():
    labels = np.repeat([0, 1], 20)
    low, _ = accuracy_interval(np.ones((1, 40)), labels, np.arange(40) // 5)
    assert low == pytest.approx(0.025 ** (1 / 8))
    low, _ = accuracy_interval(np.ones((1, 40)), labels, np.tile(np.arange(20), 2))
    assert low == pytest.approx(0.025 ** (1 / 20))


@pytest.mark.parametrize("size", [20, 100, pytest.param(400, marks=pytest.mark.slow)])
def test_intervals_of_independent_images_are_nearly_the_exact_ones(size):
    labels, right = np.arange(size) % 2, np.ones((size + 1, size))
    for wrong in range(size + 1):
        right[wrong, :wrong] = 0
    low, high = accuracy_interval(right, labels)
    for wrong in range(size + 1):
        exact = binomtest(size - wrong, size).proportion_ci(method="exact")
        assert (low[wrong], high[wrong]) == pytest.approx((exact.low, exact.high), abs=0.7 / size + 1e-9)
    assert (np.diff(low) < 0).all()  # one more error never raises an end
    assert (np.diff(high) <= 0).all()


@pytest.mark.parametrize("rule", [SHARES, AREAS, PRECISIONS])
def test_intervals_are_within_the_range_and_contain_their_measures(rule):
    random = np.random.default_rng(0)
    centres = np.concatenate([random.random(500), [0, 1, 1e-12, 1 - 1e-12, 0.5]])
    values = np.clip(centres + random.normal(0, 0.1, 505), 0, 1)
    variances = np.where(random.random(505) < 0.2, 0, random.exponential(1e-3, 505) ** 2)
    spread = Spread(variances, np.where(variances > 0, random.uniform(1, 30, 505), 0))
    low, high = bounded_interval(centres, spread, SampleSize(60, 50.0, 1 / 30), rule, values=values)
    assert (low >= 0).all()
    assert (low <= values).all()
    assert (values <= high).all()
    assert (high <= 1).all()
    assert (high > low).all()


@pytest.mark.parametrize("centre", [0.1, 0.5, 0.9])
def test_the_fewer_make_up_the_variance_of_an_average_precision_the_wider_is_its_interval(centre):
    contributors = np.array([1.0, 2, 3.5, 5, 10, 30, 100])
    centres, spread = np.full(7, centre), Spread(np.full(7, 5e-4), contributors)
    low, high = bounded_interval(centres, spread, SampleSize(200, 198.0, 1 / 10), PRECISIONS)
    assert (np.diff(low) > 0).all()
    assert (np.diff(high) < 0).all()


def test_a_variance_to_which_so_many_contribute_is_taken_for_double():
    rule = PRECISIONS._replace(few=1e-6, largest_step=0.5)  # nothing else is allowed for
    centres, sample = np.array([0.5]), SampleSize(200, 3.0, 1 / 10)
    doubted = bounded_interval(centres, Spread(np.array([5e-4]), np.array([rule.doubled])), sample, rule)
    certain = bounded_interval(centres, Spread(np.array([1e-3]), np.array([1e9])), sample, rule)
    assert np.ravel(doubted) == pytest.approx(np.ravel(certain), abs=1e-6)


def test_images_of_one_source_widen_an_interval():
    labels = np.repeat([0, 1], 100)
    right = np.repeat(np.random.default_rng(1).random((1, 40)) < 0.9, 5, axis=1)  # five images are right together
    apart, together = accuracy_interval(right, labels), accuracy_interval(right, labels, np.arange(200) // 5)
    assert together[1] - together[0] > 1.8 * (apart[1] - apart[0])


def test_variances_are_unbiased_for_few_sources():
    random = np.random.default_rng(2)
    labels, sources = np.repeat([0, 1], [15, 10]), np.arange(25) // 5
    layout = source_layout(labels, sources, 5)
    losses = random.normal(size=(20_000, 5))[:, sources] + random.normal(size=(20_000, 25))
    found = mean_influences(losses, labels)
    spread = source_variances(sum_by_source(found.influences, sources, 5), layout.shares)
    assert spread.variances.mean() == pytest.approx(found.values.var(), rel=0.05)


def test_the_size_of_a_sample_is_that_of_what_weighs_in_it():
    shares = np.full(40, 1 / 20)
    alike = sample_size(np.full(40, 1 / 40), np.arange(40), shares, 1 / 40)
    assert alike == pytest.approx((40, 38, 1 / 40))
    weights = np.repeat([0.5 / 20, 0.5 / 160], [20, 160])  # real images that stand in eight cells
    shared = sample_size(weights, np.arange(180), np.full(180, 1 / 20), 1 / 40)
    assert shared.images == pytest.approx(1 / (20 * 0.025**2 + 160 * 0.003125**2))
    assert 20 < shared.freedom < 30
    together = sample_size(np.full(40, 1 / 40), np.arange(40) // 5, np.full(8, 1 / 4), 1 / 8)
    assert together == pytest.approx((40, 6, 1 / 8))


def difference(first, second, labels, identical):
    """Interval of the difference of two accuracies."""
    layout = source_layout(labels, np.arange(len(labels)), len(labels))
    one, other = (mean_influences(right[None], labels) for right in (first, second))
    spread = source_variances(one.influences - other.influences, layout.shares)
    weights = np.full(len(labels), 1 / len(labels))
    sample = sample_size(weights, np.arange(len(labels)), layout.shares, max(layout.accuracy))
    low, high = difference_interval(one.values - other.values, spread, sample, np.array([identical]))
    return low[0], high[0]


def test_identical_scores_do_not_differ_and_two_perfect_detectors_may():
    labels, perfect = np.arange(40) % 2, np.ones(40)
    assert difference(perfect, perfect, labels, identical=True) == (0, 0)
    low, high = difference(perfect, perfect, labels, identical=False)
    assert low == -high
    assert 0.03 < high < 0.1


def test_the_interval_of_a_difference_is_that_of_the_images_on_which_two_differ():
    labels, random = np.arange(400) % 2, np.random.default_rng(3)
    first = random.random(400) < 0.7
    second = first.copy()
    second[:4] ^= True
    alike, apart = (difference(first, one, labels, identical=False) for one in (second, random.permutation(first)))
    assert alike[1] - alike[0] < 0.25 * (apart[1] - apart[0])
    forward, back = (
        difference(first, second, labels, identical=False),
        difference(second, first, labels, identical=False),
    )
    assert forward == pytest.approx((-back[1], -back[0]))


@pytest.mark.parametrize(
    ("design", "scores", "size", "accuracy"),
    [
        (0, "normal", 20, 0.9),
        (4, "normal", 100, 0.99),
        (2, "normal", 100, 0.9),
        (0, "normal", 100, 1.0),
        (2, "t4", 400, 0.9),  # a real image of a very high score is rare, and moves the average precision far
    ],
)
def test_intervals_of_cells_cover_the_truth(simulations, design, scores, size, accuracy):
    setting = simulations.Setting(simulations.DESIGNS[design], scores, size, accuracy)
    for row in simulations.of_cells(setting, 600):
        assert row.coverage > 0.93 - 0.02, row  # two standard errors of 600 samples


def test_intervals_at_chance_are_not_too_wide(simulations):
    setting = simulations.Setting(simulations.DESIGNS[0], "normal", 100, 0.5)
    for row in simulations.of_cells(setting, 600):
        assert 0.91 < row.coverage < 0.985, row


def test_intervals_of_averages_and_differences_cover_the_truth(simulations):
    setting = simulations.Setting(simulations.DESIGNS[0], "normal", 20, 0.9)
    rows = list(simulations.of_averages(setting, 300))
    for likeness in (0.5, 0.99):
        rows += simulations.of_differences(setting, 600, likeness, 0.6)
    assert len(rows) == 9
    for row in rows:
        assert row.coverage > 0.93 - 0.03, row


def test_a_perfect_order_has_the_exact_interval_of_the_smaller_class():
    labels = np.repeat([0, 1], 20)
    layout = source_layout(labels, np.arange(40), 40)
    area, _ = ranking_influences(labels[None] + np.arange(40) / 100, labels)
    sample = sample_size(np.full(40, 1 / 40), np.arange(40), layout.shares, max(layout.roc_auc))
    low, high = bounded_interval(area.centres, source_variances(area.influences, layout.shares), sample, AREAS)
    assert low == pytest.approx(0.025 ** (1 / 20))
    assert high == 1


def test_a_coverage_is_out_of_reach_where_values_take_few_steps(simulations):
    even = np.linspace(0.4, 0.6, 2001)
    assert simulations.reachable(even, 0.5)
    steps = np.repeat([0.5, 0.55, 0.45, 0.6], [450, 250, 200, 100])  # 90% within one step, all within two
    assert not simulations.reachable(steps, 0.5)
    assert simulations.reachable(np.append(steps, np.full(800, 0.55)), 0.5)  # 94.4% within one step
