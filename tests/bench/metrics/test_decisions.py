import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as reference

from bench.metrics.bootstrap import bootstrap_interval
from bench.metrics.catalogue import find_metrics
from bench.metrics.decisions import precision_at_prevalence
from bench.metrics.metric import CellImages
from tests.support.arrays import scored_images

PRECISION, RECALL, F1 = find_metrics(["precision", "recall", "f1"])


@given(scored_images())
def test_they_are_scikit_learns(images):
    labels, scores = images
    called = scores > 0.5
    assert RECALL(labels, called) == pytest.approx(reference.recall_score(labels, called), abs=1e-12)
    assert F1(labels, called) == pytest.approx(reference.f1_score(labels, called), abs=1e-12)
    expected = reference.precision_score(labels, called, zero_division=math.nan)
    assert PRECISION(labels, called) == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(scored_images(), st.sampled_from([0.001, 0.01, 0.3, 0.9]))
def test_precision_at_a_prevalence_is_that_of_images_weighted_to_have_it(images, prevalence):
    labels, scores = images
    called = scores > 0.5
    weights = np.where(labels == 1, prevalence / np.mean(labels == 1), (1 - prevalence) / np.mean(labels == 0))
    expected = reference.precision_score(labels, called, sample_weight=weights, zero_division=math.nan)
    assert precision_at_prevalence(prevalence)(labels, called) == pytest.approx(expected, abs=1e-12, nan_ok=True)


def test_nothing_called_generated_is_no_precision_of_zero():
    labels, called = np.array([0, 1]), np.array([False, False])
    for metric in (PRECISION, precision_at_prevalence(0.01)):
        value = metric(labels, called)
        assert math.isnan(value)
        assert metric.reason(labels, value) == "no image is called generated"


@given(arrays(bool, 20))
def test_one_false_alarm_in_ten_makes_rare_images_rarely_what_is_called(called):
    labels = np.repeat([0, 1], 10)
    called[:10] = [True, *[False] * 9]
    assert not precision_at_prevalence(0.01)(labels, called) > 1 / 10.9 + 1e-12


def test_an_end_of_a_rate_at_0_leaves_an_interval_of_precision_without_a_gap():
    """Half of the draws of two images have no hit and no false alarm."""
    labels = np.repeat([0, 1], 2)
    images = CellImages(labels, np.array([0.6, 0.4, 0.6, 0.4]))
    low, high = bootstrap_interval(PRECISION, images, np.array(list("abcd")), 2)
    assert 0 <= low <= 0.5 <= high <= 1
