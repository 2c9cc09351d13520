import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

from bench.metrics.calibration import FLATTEST, STEEPEST, Calibration, chosen_threshold, fit_calibration
from bench.metrics.metric import CellImages, UnusableScores
from bench.metrics.probabilities import negative_log_likelihood
from tests.support.arrays import scored_images


@pytest.fixture(scope="module")
def overconfident():
    """Log odds three times too large, and 1.5 too high."""
    random = np.random.default_rng(7)
    true = random.normal(0, 2, 4000)
    labels = (random.random(4000) < expit(true)).astype(np.int64)
    return labels, 3 * true + 1.5


def test_temperature_finds_by_how_much_log_odds_are_too_large(overconfident):
    labels, log_odds = overconfident
    found = fit_calibration("temperature", labels, log_odds - 1.5)
    assert found.slope == pytest.approx(1 / 3, rel=0.05)
    assert found.offset == 0
    losses = [
        negative_log_likelihood(labels, slope * (log_odds - 1.5))
        for slope in found.slope * (1 + np.arange(-2, 3) / 500)
    ]
    assert int(np.argmin(losses)) == 2


def test_platt_is_logistic_regression_on_smoothed_targets(overconfident):
    labels, log_odds = overconfident
    found = fit_calibration("platt", labels, log_odds)
    assert found.slope == pytest.approx(1 / 3, rel=0.05)
    assert found.offset == pytest.approx(-0.5, abs=0.08)
    generated = labels.sum()
    high, low = (generated + 1) / (generated + 2), 1 / (labels.size - generated + 2)
    targets = np.where(labels == 1, high, low)
    doubled = np.tile(log_odds, 2)[:, None]  # a soft target is two weighted labels
    weights = np.concatenate([targets, 1 - targets])
    ones = np.repeat([1, 0], labels.size)
    reference = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1000).fit(doubled, ones, sample_weight=weights)
    assert found.slope == pytest.approx(reference.coef_[0, 0], rel=1e-5)
    assert found.offset == pytest.approx(reference.intercept_[0], abs=1e-5)


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_scores_that_part_the_classes_stay_finite(method):
    labels, log_odds = np.repeat([0, 1], 10), np.repeat([-2.0, 2.0], 10)
    found = fit_calibration(method, labels, log_odds)
    assert found.slope <= STEEPEST
    if method == "platt":
        assert expit(found(log_odds))[-1] == pytest.approx(11 / 12, abs=1e-6)


@pytest.mark.parametrize("method", ["temperature", "platt"])
def test_inverted_scores_are_flattened_and_not_turned_round(method):
    labels, log_odds = np.repeat([0, 1], 20), np.repeat([2.0, -2.0], 20)
    assert fit_calibration(method, labels, log_odds).slope == pytest.approx(FLATTEST)


@given(scored_images(), st.sampled_from(["temperature", "platt"]))
def test_calibration_keeps_the_order_and_what_was_stored(images, method):
    labels, scores = images
    stored = CellImages(labels, scores)
    found = fit_calibration(method, labels, stored.finite_log_odds)
    calibrated = found.calibrate(stored)
    places = np.argsort(stored.finite_log_odds, kind="stable")
    assert (np.diff(calibrated.order[places]) >= 0).all()
    assert stored.scores is scores
    assert ((calibrated.scores >= 0) & (calibrated.scores <= 1)).all()
    if method == "temperature":
        assert (calibrated.decisions == stored.decisions).all()


def test_calibration_is_of_log_odds_where_there_are_any():
    images = CellImages(np.array([0, 1]), np.ones(2, np.float32), np.array([20.0, 40.0]))
    assert Calibration(0.1, -3.0).calibrate(images).order.tolist() == [-1.0, 1.0]


@settings(max_examples=30)
@given(scored_images())
def test_a_chosen_threshold_has_the_best_decisions(images):
    labels, scores = images
    best = max(balanced_accuracy_score(labels, scores > one) for one in (-1, *scores))
    found = chosen_threshold(labels, scores)
    assert balanced_accuracy_score(labels, scores.astype(float) > found) == pytest.approx(best, abs=1e-12)
    plain = chosen_threshold(labels, scores, by="accuracy")
    assert np.mean((scores.astype(float) > plain) == labels) == max(
        np.mean((scores > one) == labels) for one in (-1, *scores)
    )
    turned = np.random.default_rng(0).permutation(labels.size)
    assert chosen_threshold(labels[turned], scores[turned]) == found


def test_a_threshold_is_halfway_between_its_neighbours():
    assert chosen_threshold(np.array([0, 0, 1, 1]), np.array([0.1, 0.2, 0.6, 0.9])) == pytest.approx(0.4)
    near = np.array([0.3, np.nextafter(0.3, 1)])
    assert chosen_threshold(np.array([0, 1]), near) == near[0]


def test_of_equal_thresholds_the_one_that_errs_in_both_classes_is_chosen():
    """Two errors at each of three thresholds: two of one class, one of each, two of the other."""
    labels, scores = np.array([0, 0, 1, 1, 0, 0, 1, 1]), np.arange(8) / 10
    assert chosen_threshold(labels, scores) == pytest.approx(0.15)  # one of both classes is nowhere: the lowest
    labels = np.array([0, 0, 1, 0, 1, 0, 1, 1])
    assert chosen_threshold(labels, scores) == pytest.approx(0.35)


def test_scores_that_all_tie_part_nothing():
    scores = np.full(3, 0.8)
    assert chosen_threshold(np.array([0, 0, 1]), scores, "accuracy") == 0.8
    assert chosen_threshold(np.array([0, 1, 1]), scores, "accuracy") < 0.8
    assert chosen_threshold(np.array([0, 0, 1]), scores) == chosen_threshold(np.array([0, 1, 1]), scores)


@pytest.mark.parametrize("fitted", [chosen_threshold, lambda *given: fit_calibration("platt", *given)])
def test_what_nothing_can_be_chosen_from_is_one_line(fitted):
    with pytest.raises(UnusableScores, match="expected real and generated images, found 0 real and 2 generated"):
        fitted(np.array([1, 1]), np.array([0.1, 0.2]))
    with pytest.raises(UnusableScores, match="finite"):
        fitted(np.array([0, 1]), np.array([0.1, math.inf]))
