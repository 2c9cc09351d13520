import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from bench.statistics.comparisons import (
    delong_test,
    difference_test,
    mcnemar_two_sided,
    source_sign_flip,
    unpaired_test,
)

# 113 patients with an aneurysmal subarachnoid haemorrhage (Turck et al., Intensive Care Medicine 36, 2010): whether the
# outcome was poor, the WFNS grade, and S100-beta in .01 ug/l. pROC documents the tests of these (`roc.test`).
POOR = np.array(
    list(
        "00001101001011001011101000000000100110110000000001100010001010011101101111000110100000010000000000001111110001000"
    )
).astype(int)
WFNS = np.array(
    list(
        "11113254125255125225211112121134214541425511241125521251222151125214524414121421232421451154221113125225552445111"
    )
).astype(int)
S100B = """
13 14 10 4 13 10 47 16 18 10 12 10 44 71 4 8 49 4 7 33 9 9 7 11 7 17 7 11 13 19 5 16 41 14 34 35 48 9 96 25 50
46 16 7 43 45 11 8 9 86 52 8 6 13 207 10 14 15 7 6 77 5 9 30 3 9 4 23 70 9 27 71 8 26 8 16 9 13 10 8 11 33 11
28 7 10 32 22 7 5 24 38 10 15 8 14 10 7 4 19 56 14 58 32 82 74 15 47 17 44 15 50 48
"""
S100B = np.array(S100B.split()).astype(int)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_exact_binomial_test_of_both_sides(lost, won):
    expected = binomtest(lost, lost + won, 0.5).pvalue if lost + won else 1.0
    assert mcnemar_two_sided(np.array([lost]), np.array([won]))[0] == pytest.approx(expected)


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=9))
def test_source_flips_are_all_choices_of_signs(changes):
    totals = [abs(sum(np.multiply(signs, changes))) for signs in itertools.product((1, -1), repeat=len(changes))]
    assert source_sign_flip(np.array(changes)) == pytest.approx(np.mean(np.array(totals) >= abs(sum(changes))))


@given(st.integers(0, 400), st.integers(0, 400), st.integers(1, 3))
def test_source_flips_of_equal_sources_are_mcnemar(lost, won, images):
    changes = np.repeat([images, -images, 0], [lost, won, 5])
    assert source_sign_flip(changes) == pytest.approx(mcnemar_two_sided(lost, won), rel=1e-9)


def test_source_flips_of_many_images_go_over_into_the_normal_law():
    changes = np.concatenate([np.random.default_rng(0).integers(-6, 7, 5000), [6] * 40])
    exact, normal = source_sign_flip(changes[:4000]), source_sign_flip(changes)
    spread = [np.sqrt(np.sum(one.astype(float) ** 2)) for one in (changes[:4000], changes)]
    expected = [2 * norm.sf(abs(one.sum()) / wide) for one, wide in zip((changes[:4000], changes), spread, strict=True)]
    assert np.abs(changes).sum() // np.gcd.reduce(changes) <= 20_000
    assert (exact, normal) == pytest.approx(expected, rel=0.02)
    assert source_sign_flip(np.tile(changes, 9)) == pytest.approx(2 * norm.sf(3 * changes.sum() / spread[1]))


def test_delong_equals_the_documented_example():
    test = delong_test(POOR, WFNS, S100B)
    assert test.areas == pytest.approx((0.8236789, 0.7313686), abs=1e-7)
    assert test.difference / test.standard_error == pytest.approx(2.20898359144091, rel=1e-12)
    assert test.p == pytest.approx(0.0271757822291882, rel=1e-12)
    interval = test.difference + np.array([-1, 1]) * 1.959963984540054 * test.standard_error
    assert interval == pytest.approx([0.0104061769564846, 0.174214419249478], rel=1e-9)


def test_delong_of_clusters_counts_a_source_once():
    alone = delong_test(POOR, WFNS, S100B)
    twice = [np.repeat(one, 2) for one in (POOR, WFNS, S100B)]
    clustered = delong_test(*twice, sources=np.repeat([f"patient {one}" for one in range(113)], 2))
    assert clustered.p == pytest.approx(alone.p, rel=1e-9)
    assert delong_test(*twice).p < alone.p / 3


def test_a_source_with_images_of_both_classes_has_one_influence():
    """Photographs and their reconstructions: what a detector gains on one it loses on the other."""
    random = np.random.default_rng(3)
    photographs = random.normal(0, 1, (2, 200))
    scores = [np.concatenate([one, one + 0.5]) + random.normal(0, 0.3, 400) for one in photographs]
    labels, sources = np.repeat([0, 1], 200), np.tile(np.arange(200), 2)
    paired, unpaired = delong_test(labels, *scores, sources), delong_test(labels, *scores)
    assert paired.difference == unpaired.difference
    assert paired.standard_error < 0.5 * unpaired.standard_error
    assert paired.influences.shape == (200,)
    assert np.sqrt(np.sum(paired.influences**2)) == pytest.approx(paired.standard_error, rel=0.01)


@given(st.integers(0, 2**32 - 1), st.integers(2, 30))
def test_a_copy_and_a_monotone_copy_are_no_different(seed, size):
    random = np.random.default_rng(seed)
    labels = np.repeat([0, 1], size)
    scores = np.round(random.normal(labels, 1), 1)
    for copy in (scores, np.exp(scores), 3 * scores - 100):
        test = delong_test(labels, scores, copy)
        assert (test.p, test.difference, test.standard_error) == (1.0, 0.0, 0.0)


def test_no_certainty_follows_from_a_variance_of_zero():
    labels = np.repeat([0, 1], 5)
    perfect, constant = labels.astype(float), np.zeros(10)
    test = delong_test(labels, perfect, constant)
    assert (test.difference, test.standard_error) == (0.5, 0.0)
    assert test.p == pytest.approx(2.0**-9)
    assert delong_test(labels, perfect, 2 * perfect).p == 1.0


def test_areas_of_one_image_are_refused():
    with pytest.raises(ValueError, match="not on 1 generated and 3 real: give more images"):
        delong_test(np.array([0, 0, 0, 1]), np.arange(4), np.arange(4))


def decisions(lost, won, images):
    """The difference of accuracies and each image's influence on it."""
    changes = np.zeros(images)
    changes[:lost], changes[lost : lost + won] = 1, -1
    return np.array([changes.mean()]), ((changes - changes.mean()) / images)[:, None]


@pytest.mark.parametrize(("lost", "won"), [(0, 0), (1, 0), (4, 0), (6, 0), (7, 7), (10, 2)])
def test_few_decisions_are_tested_exactly(lost, won):
    assert difference_test(*decisions(lost, won, 500))[0] == pytest.approx(mcnemar_two_sided(lost, won))


@pytest.mark.parametrize(("lost", "won"), [(12, 4), (40, 20), (90, 70), (300, 200)])
def test_many_decisions_are_tested_nearly_exactly(lost, won):
    assert difference_test(*decisions(lost, won, 1000))[0] == pytest.approx(mcnemar_two_sided(lost, won), rel=0.3)


def test_the_difference_of_a_detector_and_its_copy_is_certain_to_be_nothing():
    assert difference_test(np.zeros(2), np.zeros((40, 2))).tolist() == [1.0, 1.0]


def test_the_order_of_detectors_does_not_matter_and_pairs_do_not_touch():
    random = np.random.default_rng(5)
    influences = random.normal(0, 0.01, (60, 3))
    influences -= influences.mean(axis=0)
    differences = np.array([0.1, 0.02, -0.15])
    p = difference_test(differences, influences)
    assert difference_test(-differences, -influences) == pytest.approx(p)
    assert difference_test(differences[1:2], influences[:, 1:2]) == pytest.approx(p[1:2])
    assert (p < 1).all()


def test_a_difference_in_the_last_bits_is_none():
    assert difference_test(np.array([2e-16]), np.zeros((400, 1))).tolist() == [1]


def test_unpaired_intervals_are_those_of_independent_measures():
    first, second = np.array([0.7]), np.array([0.6])
    ends, other = np.array([[0.64, 0.76]]), np.array([[0.52, 0.68]])
    (low, high), p = unpaired_test(first, second, ends, other)
    assert (low[0], high[0]) == pytest.approx((0.0, 0.2))
    assert p[0] == pytest.approx(0.05)
    assert unpaired_test(first, first, ends, ends)[1].tolist() == [1]
