import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, balanced_accuracy_score, roc_auc_score

from bench.statistics.influences import mean_influences, ranking_influences, source_layout, sum_by_source


@st.composite
def labels_and_scores(draw):
    """Labels of both classes, and scores of which many are equal, in one row that has no equal ones too."""
    labels = np.array([0, 1, *draw(st.lists(st.integers(0, 1), min_size=1, max_size=28))])
    tied = draw(st.lists(st.integers(-3, 3), min_size=len(labels), max_size=len(labels)))
    distinct = draw(st.permutations(range(len(labels))))
    return labels, np.array([tied, distinct], np.float64)


def reweighted(measure, labels, row, image, change):
    """A measure where an image has another weight, and each class the total weight that it had."""
    weights = np.ones(len(labels))
    weights[image] += change
    for label in (0, 1):
        weights[labels == label] *= np.sum(labels == label) / weights[labels == label].sum()
    return measure(labels, row, sample_weight=weights)


@settings(deadline=None)
@given(labels_and_scores())
def test_ranking_measures_are_those_of_scikit_learn(drawn):
    labels, scores = drawn
    area, precision = ranking_influences(scores, labels)
    for row, found_area, found_precision in zip(scores, area.values, precision.values, strict=True):
        assert found_area == pytest.approx(roc_auc_score(labels, row), abs=1e-12)
        assert found_precision == pytest.approx(average_precision_score(labels, row), abs=1e-12)


@settings(deadline=None, max_examples=10)
@given(labels_and_scores())
def test_influences_are_derivatives_by_the_weights_of_images(drawn):
    labels, scores = drawn
    measures = zip(ranking_influences(scores, labels), (roc_auc_score, average_precision_score), strict=True)
    for found, measure in measures:
        for row, influences in zip(scores, found.influences, strict=True):
            for image in range(len(labels)):
                steps = [reweighted(measure, labels, row, image, change) for change in (1e-5, -1e-5)]
                assert influences[image] == pytest.approx((steps[0] - steps[1]) / 2e-5, abs=1e-7)


@given(labels_and_scores())
def test_influences_sum_to_nothing_over_each_class(drawn):
    labels, scores = drawn
    found = [*ranking_influences(scores, labels), mean_influences(scores, labels)]
    for one in [*found, mean_influences(scores > 0, labels, balanced=True)]:
        for label in (0, 1):
            assert one.influences[:, labels == label].sum(axis=1) == pytest.approx([0, 0], abs=1e-12)


@given(labels_and_scores())
def test_means_are_those_of_scikit_learn(drawn):
    labels, scores = drawn
    right = (scores > 0) == labels
    assert mean_influences(right, labels).values == pytest.approx(right.mean(axis=1), abs=1e-12)
    expected = [balanced_accuracy_score(labels, row > 0) for row in scores]
    assert mean_influences(right, labels, balanced=True).values == pytest.approx(expected, abs=1e-12)


def test_influences_of_a_mean_add_up_to_its_variance_within_classes():
    labels = np.repeat([0, 1], [40, 160])
    losses = np.random.default_rng(0).exponential(size=(1, 200))
    expected = sum(share**2 * losses[0, labels == k].var() / n for k, share, n in ((0, 0.2, 40), (1, 0.8, 160)))
    assert np.sum(mean_influences(losses, labels).influences ** 2) == pytest.approx(expected)


def test_monotone_copies_have_the_same_influences():
    random = np.random.default_rng(1)
    labels, scores = np.arange(60) % 2, random.normal(size=(3, 60))
    for one, other in zip(ranking_influences(scores, labels), ranking_influences(np.exp(scores), labels), strict=True):
        assert np.array_equal(one.values, other.values)
        assert np.array_equal(one.influences, other.influences)


def test_blocks_of_rows_make_no_difference():
    random = np.random.default_rng(2)
    labels, scores = np.arange(30) % 3 == 0, np.round(random.normal(size=(5000, 30)), 1).astype(np.float32)
    scores[::2] += 1e-3 * random.normal(size=(2500, 30)).astype(np.float32)  # rows without equal scores among the rest
    for whole, alone in zip(
        ranking_influences(scores, labels), ranking_influences(scores[4321:4322], labels), strict=True
    ):
        assert whole.values[4321] == alone.values[0]
        assert np.array_equal(whole.influences[4321], alone.influences[0])


def test_the_centre_of_average_precision_at_chance_is_the_prevalence():
    random = np.random.default_rng(3)
    labels = np.arange(20) % 2
    _, precision = ranking_influences(random.normal(size=(4000, 20)), labels)
    assert precision.values.mean() > 0.55  # what makes the centre needed
    assert precision.centres.mean() == pytest.approx(0.5, abs=0.01)


def test_a_perfect_order_has_no_influences():
    labels = np.arange(20) % 2
    for one in ranking_influences(labels[None] + np.arange(20) / 100, labels):
        assert one.values == one.centres == 1
        assert not one.influences.any()


@pytest.mark.parametrize("labels", [np.zeros(4, int), np.ones(4, int)])
def test_a_class_without_images_is_an_error(labels):
    with pytest.raises(ValueError, match=r"needs images of both classes; given were [04] real and [04] generated"):
        ranking_influences(np.zeros((1, 4)), labels)
    with pytest.raises(ValueError, match="needs images of both classes"):
        mean_influences(np.zeros((1, 4)), labels, balanced=True)
    assert mean_influences(np.full((1, 4), 0.25), labels).values == [0.25]


def test_sums_by_source_are_those_of_the_obvious_version():
    random = np.random.default_rng(4)
    influences = random.normal(size=(6, 40))
    for sources in (random.integers(0, 9, 40), random.permutation(50)[:40]):
        expected = np.zeros((6, 50))
        for image, source in enumerate(sources):
            expected[:, source] += influences[:, image]
        assert sum_by_source(influences, sources, 50) == pytest.approx(expected)


def test_losses_are_what_one_source_takes_from_a_perfect_order():
    labels = np.repeat([0, 1], [12, 8])
    sources = np.array([0, 0, 0, *range(1, 10), 10, 10, *range(11, 17)])
    layout = source_layout(labels, sources, 17)
    assert layout.images == 20
    perfect = labels + np.arange(20) / 100
    for source in (0, 10):
        scores = np.where(sources == source, 2.0 - 3.0 * labels, perfect)[None]
        area, precision = ranking_influences(scores, labels)
        assert layout.roc_auc[source] == pytest.approx(1 - area.values[0])
        assert layout.average_precision[source] >= 1 - precision.values[0] - 1e-12
        wrong = sources == source
        assert layout.accuracy[source] == pytest.approx(mean_influences(wrong[None], labels).values[0])
        assert layout.balanced_accuracy[source] == pytest.approx(
            mean_influences(wrong[None], labels, balanced=True).values[0]
        )
    assert layout.shares[0] == 3 / 12
    assert layout.shares[10] == 2 / 8


def test_a_board_of_cells_takes_seconds_and_little_memory():
    random = np.random.default_rng(5)
    labels, scores = np.arange(200) % 2, random.normal(size=(2560, 200))
    taken = []
    for _ in range(3):  # of which the quickest is the least disturbed
        began = time.process_time()
        ranking_influences(scores, labels)
        mean_influences((scores > 0) == labels, labels, balanced=True)
        taken.append(time.process_time() - began)
    assert min(taken) < 25 / 50  # the fiftieth part of 128,000 cells of 200 images
    tracemalloc.start()
    ranking_influences(scores, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 2 * scores.nbytes  # the two results, and blocks that do not grow with the rows
