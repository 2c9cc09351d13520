import numpy as np
import pytest
from scipy.stats import ttest_1samp, wilcoxon

from bench.statistics.generator_margins import (
    across_generators,
    generator_difference_interval,
    generator_interval,
    generator_test,
)

NAMES = [f"generator {number}" for number in range(8)]
OTHERS = [f"set {number}" for number in range(8)]


def matrices(count, size=8, effects=(0.06, 0.06, 0.07), roles=0.0, seed=0):
    """Differences of equal detectors, without the diagonal: effects of training, of testing and of cells."""
    random = np.random.default_rng(seed)
    trained = random.normal(0, 1, (count, size, 1))
    tested = roles * trained.transpose(0, 2, 1) + (1 - roles**2) ** 0.5 * random.normal(0, 1, (count, 1, size))
    values = effects[0] * trained + effects[1] * tested + effects[2] * random.normal(0, 1, (count, size, size))
    values[:, np.arange(size), np.arange(size)] = np.nan
    return values


def called_different(mean):
    return np.mean(generator_test(mean) <= 0.05)


@pytest.mark.parametrize("effects", [(0.06, 0.06, 0.07), (0.06, 0, 0.001), (0, 0.06, 0.001), (0, 0, 0.07)])
@pytest.mark.parametrize("roles", [-0.7, 0, 0.7])
def test_equal_detectors_are_seldom_called_different(effects, roles):
    values = matrices(4000, effects=effects, roles=roles)
    assert called_different(across_generators(values, NAMES, NAMES)) <= 0.06


@pytest.mark.parametrize("effects", [(0.06, 0.06, 0.07), (0.06, 0, 0.001), (0, 0.06, 0.001), (0, 0, 0.07)])
def test_equal_detectors_are_seldom_called_different_on_margins_of_their_own(effects):
    assert called_different(across_generators(matrices(4000, effects=effects), OTHERS, NAMES)) <= 0.06


def test_a_test_of_cells_would_call_them_different_far_more_often():
    values = matrices(1000)
    cells = values[:, ~np.eye(8, dtype=bool)]
    assert np.mean(wilcoxon(cells, axis=1).pvalue <= 0.05) > 0.14


def test_who_is_in_both_roles_is_one_generator():
    """Effects that cancel make the mean certain, effects that add up do not; margins alone cannot tell."""
    for roles, ratio in ((-0.95, 0.5), (0.95, 1.3)):
        values = matrices(300, effects=(0.06, 0.06, 0.005), roles=roles)
        one, two = (np.mean(across_generators(values, rows, NAMES).variance) for rows in (NAMES, OTHERS))
        assert (one < ratio * two) == (roles < 0)
        assert np.var(np.nanmean(values, axis=(1, 2))) == pytest.approx(one, rel=0.35)


def test_names_and_not_places_say_who_is_in_both_roles():
    values = matrices(50, roles=0.9)
    order = np.random.default_rng(0).permutation(8)
    mean = across_generators(values, NAMES, NAMES)
    shuffled = across_generators(values[:, :, order], NAMES, [NAMES[place] for place in order])
    assert shuffled.variance == pytest.approx(mean.variance)
    assert shuffled.value == pytest.approx(np.nanmean(values, axis=(1, 2)))


def test_generators_that_are_partly_the_same_have_at_least_the_variance_of_two_samples():
    values = matrices(50)
    partly = across_generators(values, NAMES, [*NAMES[:4], *OTHERS[4:]])
    assert (partly.variance >= across_generators(values, OTHERS, NAMES).variance).all()


def test_equal_detectors_are_seldom_called_different_where_some_generators_are_in_both_roles():
    values = matrices(4000, effects=(0.06, 0.06, 0.07), roles=1)
    for trained, tested in ((8, 7), (7, 8)):
        mean = across_generators(values[:, :trained, :tested], NAMES[:trained], NAMES[:tested])
        assert called_different(mean) <= 0.06


def test_released_detectors_have_the_test_of_one_sample():
    values = np.random.default_rng(1).normal(0.02, 0.05, (20, 1, 9))
    mean = across_generators(values, None, [*NAMES, "one more"])
    expected = ttest_1samp(values[:, 0], 0.0, axis=1)
    assert generator_test(mean) == pytest.approx(expected.pvalue)
    low, high = generator_difference_interval(mean)
    assert low == pytest.approx(expected.confidence_interval().low)
    assert high == pytest.approx(expected.confidence_interval().high)


@pytest.mark.parametrize("trained", [NAMES[:5], OTHERS[:5]])
def test_fewer_than_six_generators_are_unresolved(trained):
    values = np.ones((1, 5, 8))
    assert across_generators(values, trained, NAMES) is None
    assert across_generators(values.transpose(0, 2, 1), NAMES, trained) is None
    assert across_generators(values[:, :1, :5], None, NAMES[:5]) is None


def test_generators_without_a_cell_do_not_count():
    values = np.ones((1, 8, 8))
    values[:, :3] = np.nan
    assert across_generators(values, NAMES, NAMES) is None


def test_cells_that_do_not_tell_generators_apart_are_unresolved():
    values = np.where(np.eye(8, dtype=bool), 0.5, np.nan)[None]
    assert across_generators(values, OTHERS, NAMES) is None


def test_matrices_with_other_cells_are_refused():
    values = np.ones((2, 8, 8))
    values[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="differ in which cells are left out"):
        across_generators(values, NAMES, NAMES)


def test_a_copy_is_no_different_and_a_constant_difference_is_not_certain():
    values = np.stack([np.zeros((8, 8)), np.full((8, 8), 0.05)])
    mean = across_generators(values, NAMES, NAMES)
    assert generator_test(mean).tolist() == [1.0, 2.0**-7]
    assert [end[0] for end in generator_difference_interval(mean)] == [0.0, 0.0]


def test_the_variance_of_shared_images_is_added():
    values = matrices(5) + 0.3
    plain, shared = (across_generators(values, NAMES, NAMES, variance) for variance in (0.0, 0.01))
    assert shared.variance == pytest.approx(plain.variance + 0.01)
    assert (generator_test(shared) > generator_test(plain)).all()


def test_intervals_of_averages_stay_in_their_range():
    values = np.stack([np.ones((8, 8)), np.zeros((8, 8)), 1 - 0.3 * np.eye(8)[:, [0] * 8], np.full((8, 8), 0.75)])
    low, high = generator_interval(across_generators(values, NAMES, NAMES))
    assert low == pytest.approx([0.025 ** (1 / 8), 0, low[2], 0.75])
    assert high == pytest.approx([1, 1 - 0.025 ** (1 / 8), high[2], 0.75])
    assert 0 < low[2] < values[2].mean() < high[2] < 1


def test_intervals_of_averages_cover_the_mean_of_all_generators():
    values = 1 / (1 + np.exp(-1.5 - matrices(2000, effects=(0.8, 0.6, 0.8), roles=0.3)))
    spread = np.random.default_rng(1).normal(0, np.sqrt(0.64 + 0.36 + 0.64), 400_000)
    truth = np.mean(1 / (1 + np.exp(-1.5 - spread)))
    low, high = generator_interval(across_generators(values, NAMES, NAMES))
    assert 0.93 <= np.mean((low <= truth) & (truth <= high)) <= 0.97
