import numpy as np
import pytest

from bench.statistics.comparisons import difference_test
from bench.statistics.generator_margins import across_generators, generator_test
from bench.statistics.power import generators_to_settle, sources_to_settle


def test_as_many_sources_as_are_said_settle_a_difference():
    random = np.random.default_rng(0)
    shares = random.normal(0.03, 0.5, (400, 1))
    difference = float(shares.mean())
    found = sources_to_settle(difference, float(shares.var()) / 400, 400)
    many = random.normal(difference, shares.std(), (found, 500))
    differences = many.mean(axis=0)
    assert np.mean(difference_test(differences, (many - differences) / found) <= 0.05) == pytest.approx(0.8, abs=0.06)


def test_nothing_settles_what_is_not_there():
    assert sources_to_settle(0.0, 0.01, 400) is None
    assert sources_to_settle(0.1, 0.0, 400) is None
    names = [str(number) for number in range(8)]
    mean = across_generators(np.stack([np.zeros((8, 8)), np.full((8, 8), 0.1)]), names, names)
    assert [generators_to_settle(mean, pair) for pair in (0, 1)] == [None, None]


def test_a_stricter_level_takes_more():
    assert sources_to_settle(0.02, 1e-3, 400, level=0.05 / 15) > sources_to_settle(0.02, 1e-3, 400)


def test_as_many_generators_as_are_said_settle_a_difference():
    def cells(count, size, seed):
        random = np.random.default_rng(seed)
        values = 0.06 * random.normal(0, 1, (count, size, 1)) + 0.06 * random.normal(0, 1, (count, 1, size))
        return 0.05 + values + 0.07 * random.normal(0, 1, (count, size, size))

    names = [str(number) for number in range(200)]
    found = [
        generators_to_settle(across_generators(cells(1, 60, seed), names[:60], names[:60]), 0) for seed in range(30)
    ]
    usual = int(np.median(found))
    mean = across_generators(cells(400, usual, 1), names[:usual], names[:usual])
    assert np.mean(generator_test(mean) <= 0.05) == pytest.approx(0.8, abs=0.1)


def test_no_number_of_generators_makes_up_for_too_few_images():
    names = [str(number) for number in range(8)]
    values = 0.02 + 0.05 * np.random.default_rng(0).normal(0, 1, (1, 8, 8))
    assert generators_to_settle(across_generators(values, names, names), 0) is not None
    assert generators_to_settle(across_generators(values, names, names, image_variance=0.01), 0) is None
