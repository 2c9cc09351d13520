import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from bench.metrics.bootstrap import bootstrap_interval
from bench.metrics.catalogue import find_metrics, known_metrics
from bench.metrics.metric import CellImages
from bench.metrics.ranking import hit_rate_at, tpr_at_fpr
from tests.support.arrays import scored_images

EER, ORACLE, BALANCED_ORACLE = find_metrics(["eer", "oracle_accuracy", "oracle_balanced_accuracy"])


def curve(labels, scores):
    alarms, hits, _ = reference.roc_curve(labels, scores, drop_intermediate=False)
    return alarms, hits


@given(scored_images(), st.sampled_from([0.05, 0.1, 0.2, 1 / 3, 0.5, 1.0]))
def test_hits_at_few_false_alarms_are_those_of_the_curve(images, rate):
    labels, scores = images
    alarms, hits = curve(labels, scores)
    assert hit_rate_at(rate, labels, scores) == pytest.approx(hits[alarms <= rate + 1e-9].max(), abs=1e-12)


@given(scored_images())
def test_the_equal_error_rate_is_where_the_curve_meets_the_diagonal(images):
    labels, scores = images
    alarms, hits = curve(labels, scores)
    rate = EER(labels, scores)
    # the curve is upright in places: over the way along it, which is one of its points to each of these
    way = alarms + hits
    points = np.linspace(0, 2, 4001)
    misses = np.abs(np.interp(points, way, alarms) - (1 - np.interp(points, way, hits)))
    assert misses.min() < 1e-9  # alarms = 1 - hits is a way of 1, which is among them
    assert rate == pytest.approx(float(np.interp(1.0, way, alarms)), abs=1e-12)
    assert EER(labels, -scores) == pytest.approx(1 - rate, abs=1e-12)


@settings(max_examples=30)
@given(scored_images())
def test_the_oracle_is_the_best_of_all_thresholds(images):
    labels, scores = images
    decisions = [scores > threshold for threshold in (-1, *scores)]
    assert ORACLE(labels, scores) == pytest.approx(max(np.mean(one == labels) for one in decisions), abs=1e-12)
    balanced = max(reference.balanced_accuracy_score(labels, one) for one in decisions)
    assert BALANCED_ORACLE(labels, scores) == pytest.approx(balanced, abs=1e-12)


def test_no_threshold_parts_equal_scores():
    labels, scores = np.array([0, 0, 0, 1, 1, 1]), np.full(6, 0.7)
    assert ORACLE(labels, scores) == BALANCED_ORACLE(labels, scores) == EER(labels, scores) == 0.5
    assert hit_rate_at(0.5, labels, scores) == 0
    assert ORACLE(np.zeros(3, int), np.full(3, 0.9)) == 1


@given(scored_images())
def test_what_reads_the_order_is_of_the_order_alone(images):
    labels, scores = images
    ranks = np.unique(scores, return_inverse=True)[1].astype(float)
    for metric in (metric for metric in known_metrics() if metric.ranks):
        assert metric(labels, scores) == pytest.approx(metric(labels, np.exp(ranks)), abs=1e-12, nan_ok=True)


@pytest.mark.parametrize(("rate", "fewest"), [(0.001, 1000), (0.01, 100), (0.05, 20), (0.03, 34)])
def test_few_real_images_cannot_show_few_false_alarms(rate, fewest):
    metric = tpr_at_fpr(rate)
    assert metric.least_real == fewest
    labels = np.append(np.zeros(fewest, int), 1)
    scores = np.linspace(0, 1, fewest + 1)
    assert metric(labels, scores) == 1
    assert math.isnan(metric(labels[1:], scores[1:]))


def test_which_threshold_has_few_false_alarms_is_not_known_from_few_real_images():
    """Every generated image is above all but one of 100 real ones, whose rank may as well be that of 3 in 100."""
    scores = np.concatenate([np.linspace(0, 0.5, 99), [0.9], np.linspace(0.55, 0.8, 50), np.linspace(0.91, 1, 50)])
    images = CellImages(np.repeat([0, 1], 100), scores)
    strict = tpr_at_fpr(0.01)
    assert images.measure(strict) == 1
    low, high = bootstrap_interval(strict, images, np.arange(200).astype(str), 100)
    assert low < 0.5 < high == 1  # without a false alarm half of them are found
    assert all(map(math.isnan, bootstrap_interval(tpr_at_fpr(0.001), images, np.arange(200).astype(str), 10)))
