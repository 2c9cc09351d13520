import math

import numpy as np
import pytest
from scipy.stats import binomtest

from bench.metrics.bootstrap import bootstrap_interval, share_interval
from bench.metrics.catalogue import find_metrics, known_metrics
from bench.metrics.metric import CellImages

RECALL, EER, NLL, FEW = find_metrics(["recall", "eer", "nll", "tpr_at_fpr_1pct"])
LABELS = np.repeat([0, 1], 40)
SOURCES = np.array([f"source{place}" for place in range(80)])


def scored(seed=0, gap=1.0):
    odds = np.random.default_rng(seed).normal(0, 1, 80) + gap * (2 * LABELS - 1)
    return CellImages(LABELS, 1 / (1 + np.exp(-odds)), odds)


def test_all_right_is_not_without_width():
    """40 of 40: the exact interval."""
    low, high = bootstrap_interval(RECALL, scored(gap=9), SOURCES, 50)
    assert low == pytest.approx(binomtest(40, 40).proportion_ci().low, abs=1e-9) == pytest.approx(0.912, abs=1e-3)
    assert high == 1
    low, high = bootstrap_interval(RECALL, scored(gap=-9), SOURCES, 50)
    assert low == 0
    assert high == pytest.approx(0.088, abs=1e-3)


@pytest.mark.parametrize("metric", known_metrics(), ids=lambda metric: metric.name)
@pytest.mark.parametrize("gap", [-9.0, 0.7, 9.0])
def test_every_metric_has_an_interval_around_it(metric, gap):
    images = scored(gap=gap)
    low, high = bootstrap_interval(metric, images, SOURCES, 50)
    value = images.measure(metric)
    if math.isnan(value):
        assert math.isnan(low)
        assert math.isnan(high)
    else:
        assert metric.bounds[0] <= low <= value <= high <= metric.bounds[1]
        assert high > low


def test_images_of_one_source_count_once():
    images = scored()
    low, high = bootstrap_interval(RECALL, images, SOURCES, 400)
    four = CellImages(np.tile(LABELS, 4), np.tile(images.scores, 4), np.tile(images.log_odds, 4))
    assert bootstrap_interval(RECALL, four, np.tile(SOURCES, 4), 400) == pytest.approx((low, high), abs=1e-9)
    apart = bootstrap_interval(RECALL, four, np.arange(320).astype(str), 400)
    assert apart[1] - apart[0] < 0.65 * (high - low)


def test_the_order_of_the_images_does_not_matter():
    images, turned = scored(), np.random.default_rng(5).permutation(80)
    again = CellImages(LABELS[turned], images.scores[turned], images.log_odds[turned])
    for metric in (RECALL, EER, NLL):
        found = bootstrap_interval(metric, images, SOURCES, 30)
        assert bootstrap_interval(metric, again, SOURCES[turned], 30) == pytest.approx(found, abs=1e-9)


def test_what_is_not_measurable_has_no_interval():
    assert all(map(math.isnan, bootstrap_interval(FEW, scored(), SOURCES, 10)))


def test_one_source_says_nothing():
    assert bootstrap_interval(RECALL, scored(), np.full(80, "one video"), 20) == (0, 1)


@pytest.mark.parametrize(("hits", "count"), [(0, 20), (13, 20), (20, 20), (396, 400)])
def test_independent_images_have_the_exact_interval(hits, count):
    share = hits / count
    expected = binomtest(hits, count).proportion_ci(method="exact")
    assert share_interval(share, share * (1 - share) / count, count) == pytest.approx(tuple(expected), abs=1e-9)


def test_no_false_alarm_in_forty_is_no_precision_of_rare_images():
    (rare,) = find_metrics(["precision_at_prevalence_1pct"])
    low, high = bootstrap_interval(rare, scored(gap=9), SOURCES, 50)
    false_alarms = 1 - binomtest(40, 40).proportion_ci().low
    assert low == pytest.approx(0.01 * (1 - false_alarms) / (0.01 * (1 - false_alarms) + 0.99 * false_alarms))
    assert low < 0.1
    assert high == 1
