import math

import numpy as np
import pytest
from hypothesis import given
from scipy.special import expit
from sklearn import metrics as reference

from bench.metrics.bootstrap import bootstrap_interval
from bench.metrics.catalogue import find_metrics, measure
from bench.metrics.metric import CellImages
from bench.metrics.probabilities import expected_calibration_error, reliability_table
from tests.support.arrays import scored_images

NAMES = ("ece", "brier", "nll")
METRICS = find_metrics(NAMES)


@given(scored_images())
def test_they_are_scikit_learns_in_float64(images):
    labels, scores = images
    found = measure(labels, scores, METRICS)
    wide = scores.astype(np.float64)
    assert found["brier"] == pytest.approx(reference.brier_score_loss(labels, wide), abs=1e-12)
    assert found["nll"] == pytest.approx(reference.log_loss(labels, wide), rel=1e-12, abs=1e-12)


def test_a_confident_mistake_costs_the_same_whatever_the_type_of_the_score():
    costs = [measure(np.array([0]), np.array([1], kind), METRICS)["nll"] for kind in (np.float16, np.float32, float)]
    assert costs == pytest.approx([36.0437] * 3, abs=1e-4)


def test_log_odds_are_not_clipped():
    labels, odds = np.array([0, 1]), np.array([60.0, 3.0])
    found = measure(labels, expit(odds).astype(np.float32), METRICS, odds)
    assert found["nll"] == pytest.approx((60 + math.log1p(math.exp(-3))) / 2, abs=1e-12)
    assert math.isfinite(measure(labels, np.ones(2), METRICS, np.array([800.0, 1e5]))["nll"])


@given(scored_images())
def test_the_calibration_error_is_that_of_a_loop_over_bins(images):
    labels, scores = images
    total = 0.0
    for number in range(15):
        inside = (scores >= number / 15) & ((scores < (number + 1) / 15) | (number == 14))
        if inside.any():
            total += inside.mean() * abs(scores[inside].mean(dtype=float) - labels[inside].mean())
    assert expected_calibration_error(labels, scores.astype(float)) == pytest.approx(total, abs=1e-12)


def test_bins_are_closed_on_the_left_and_the_last_on_both_sides():
    scores = np.array([0, 1 / 15, np.nextafter(2 / 15, 0), 14 / 15, 1])
    table = reliability_table(np.array([0, 1, 0, 1, 1]), scores)
    assert table.counts.tolist() == [1, 2, *[0] * 11, 0, 2]
    assert table.generated[[0, 1, 14]].tolist() == [0, 0.5, 1]
    assert np.isnan(table.scores[2:14]).all()


def test_it_is_of_the_positive_class():
    """Half of the images with a score of .2 are generated: .3 too low, whichever class is called."""
    labels, scores = np.array([0, 1, 1, 1]), np.array([0.2, 0.2, 0.9, 0.9])
    assert expected_calibration_error(labels, scores) == pytest.approx((0.3 + 0.1) / 2)
    certain = np.array([0.0, 0.0, 1.0, 1.0])
    assert expected_calibration_error(np.array([0, 0, 1, 1]), certain) == 0
    assert expected_calibration_error(np.array([1, 1, 0, 0]), certain) == 1


def test_an_error_that_chance_would_show_has_an_interval_from_zero():
    """The scores are right, and 60 images in bins show an error all the same."""
    random = np.random.default_rng(3)
    scores = random.random(60)
    images = CellImages((random.random(60) < scores).astype(int), scores)
    (ece,) = find_metrics(["ece"])
    sources = np.arange(60).astype(str)
    low, high = bootstrap_interval(ece, images, sources, 100)
    assert images.measure(ece) > 0.05
    assert low < 0.01
    low, high = bootstrap_interval(ece, CellImages(np.repeat([0, 1], 30), np.repeat([0.9, 0.1], 30)), sources, 100)
    assert 0.75 < low < 0.9 < high
