import math

import numpy as np
import pytest

from bench.metrics.metric import CLIP, CellImages, Metric, called_generated, log_odds_of_probabilities
from bench.metrics.ranking import tpr_at_fpr

LABELS = np.array([0, 0, 1, 1])


def test_what_reads_the_order_sees_what_float32_probabilities_hide():
    """A float32 sigmoid is exactly 1 from 16.6 on."""
    odds = np.array([17.0, 18.0, 19.0, 20.0], np.float32)
    scores = CellImages(LABELS, np.ones(4, np.float32), odds)
    assert scores.read("order").tolist() == odds.tolist()
    assert CellImages(LABELS, np.ones(4, np.float32)).read("order").tolist() == [1.0] * 4


def test_one_image_without_log_odds_leaves_probabilities_to_all():
    scores = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    images = CellImages(LABELS, scores, np.array([9.0, 8.0, 7.0, math.nan]))
    assert images.read("order").tolist() == scores.astype(float).tolist()
    assert images.read("log odds") == pytest.approx(np.log(scores.astype(float) / (1 - scores.astype(float))))


def test_a_threshold_of_the_users_is_the_one_of_decisions():
    scores = np.array([0.2, 0.3, 0.6, 0.7], np.float32)
    assert CellImages(LABELS, scores, threshold=0.25).read("decisions").tolist() == [False, True, True, True]
    assert called_generated(np.float32(0.5) + np.zeros(1, np.float32)).tolist() == [False]


def test_certain_probabilities_have_finite_log_odds():
    low, high = log_odds_of_probabilities(np.array([0, 1], np.float32))
    assert high == -low == pytest.approx(-math.log(CLIP))


def test_why_a_measure_is_missing_is_said():
    strict = tpr_at_fpr(0.01)
    assert strict.reason(np.array([0] * 99 + [1]), math.nan) == "not measurable on 99 real images, from 100 on"
    assert strict.reason(np.array([0] * 100 + [1]), 0.5) == ""
    assert strict.gap(np.zeros(200, int)) == "no generated image"
    picky = Metric("picky", lambda _labels, _scores: math.nan, otherwise="it is picky")
    assert picky.reason(LABELS, picky(LABELS, LABELS / 2)) == "it is picky"
