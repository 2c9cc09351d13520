import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from bench.statistics.hypothesis_tests import holm_correction, mcnemar_test, sign_flip_test


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_exact_binomial_test(lost, won):
    expected = binomtest(lost, lost + won, 0.5, alternative="greater").pvalue if lost + won else 1.0
    assert mcnemar_test(np.array([lost]), np.array([won]))[0] == pytest.approx(expected)


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


def test_source_flips_agree_with_all_flips():
    changes = np.random.default_rng(2).normal(-0.3, 1, (10, 3))
    signs = np.array(list(itertools.product([-1, 1], repeat=10)))
    exact = (signs @ changes <= changes.sum(axis=0) + 1e-12).mean(axis=0)
    found = sign_flip_test(changes, 50_000, np.random.default_rng(0))
    assert found == pytest.approx(exact, abs=0.01)


def test_source_flips_are_mcnemar_where_every_image_is_alone():
    """30 images changed of 500, 20 of them for the worse; equal sums count although they differ in their last bits."""
    changes = np.repeat([0.0, -0.1 / 3, 0.1 / 3], [470, 20, 10])[:, None]
    found = sign_flip_test(changes, 50_000, np.random.default_rng(0))
    assert found[0] == pytest.approx(mcnemar_test(np.array(20), np.array(10)), abs=0.005)


def test_source_flips_find_nothing_where_nothing_changed():
    assert sign_flip_test(np.zeros((50, 1)), 100, np.random.default_rng(0)).tolist() == [1.0]
