import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn import metrics as reference

from bench.metrics.catalogue import METRICS, all_metrics, find_metrics, known_metrics, measure
from bench.metrics.metric import UnusableScores, called_generated
from bench.platform.errors import InputError

# Few distinct scores, so that ties and scores on the threshold are common.
SCORE = st.sampled_from([0.0, 0.25, 0.5, float(np.nextafter(np.float32(0.5), 1)), 0.75, 1.0]) | st.floats(
    0, 1, width=32
)


@st.composite
def cells(draw):
    n = draw(st.integers(1, 40))
    labels = draw(arrays(np.int64, n, elements=st.integers(0, 1)))
    return labels, draw(arrays(np.float32, n, elements=SCORE))


@given(cells())
def test_measures_agree_with_scikit_learn(cell):
    labels, scores = cell
    called = (scores > 0.5).astype(int)
    found = measure(labels, scores)
    assert found["n"] == labels.size
    assert found["accuracy"] == pytest.approx(reference.accuracy_score(labels, called))
    if len(set(labels)) == 2:
        assert found["real_accuracy"] == pytest.approx(reference.recall_score(labels, called, pos_label=0))
        assert found["generated_accuracy"] == pytest.approx(reference.recall_score(labels, called, pos_label=1))
        assert found["balanced_accuracy"] == pytest.approx(reference.balanced_accuracy_score(labels, called))
        assert found["ap"] == pytest.approx(reference.average_precision_score(labels, scores), abs=1e-12)
        assert found["roc_auc"] == pytest.approx(reference.roc_auc_score(labels, scores), abs=1e-12)


@given(st.integers(1, 20), st.integers(0, 1), SCORE)
def test_one_class_leaves_undefined_what_needs_two(n, label, score):
    found = measure(np.full(n, label), np.full(n, score, np.float32))
    own, other = (found["generated_accuracy"], found["real_accuracy"])[:: 1 if label else -1]
    assert own == found["accuracy"]
    assert all(map(math.isnan, (other, found["balanced_accuracy"], found["ap"], found["roc_auc"])))


def test_constant_scores_say_nothing():
    found = measure(np.array([0, 0, 0, 1]), np.full(4, 0.9, np.float32))
    assert (found["accuracy"], found["balanced_accuracy"], found["ap"], found["roc_auc"]) == (0.25, 0.5, 0.25, 0.5)


def test_one_half_is_called_real():
    assert called_generated(np.array([0.5, np.nextafter(np.float32(0.5), 1)], np.float32)).tolist() == [False, True]


def test_small_integer_labels_do_not_overflow():
    labels = np.tile(np.array([0, 1], np.int8), 500)
    scores = np.linspace(0, 1, 1000, dtype=np.float32)
    assert measure(labels, scores) == measure(labels.astype(np.int64), scores)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, -0.001, 1.001])
def test_scores_that_are_no_probabilities_are_refused(bad):
    with pytest.raises(UnusableScores, match=r"in \[0, 1\].*position 1 \(1 of 3"):
        measure(np.array([0, 1, 1]), np.array([0.1, bad, 0.3], np.float32))


@pytest.mark.parametrize(
    ("labels", "scores", "message"),
    [([0, 2], [0.1, 0.2], "found 2"), ([0], [0.1, 0.2], "one label"), ([], [], "at least one image")],
)
def test_labels_that_fit_nothing_are_refused(labels, scores, message):
    with pytest.raises(UnusableScores, match=message):
        measure(np.array(labels), np.array(scores, np.float32))


def test_no_warning_hides_behind_an_undefined_measure():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        measure(np.array([1]), np.array([0.7], np.float32))


def test_boards_have_what_they_always_had():
    assert [metric.name for metric in METRICS if metric.header] == ["balanced_accuracy", "ap", "roc_auc"]
    assert all_metrics() == METRICS
    names = [metric.name for metric in all_metrics(["eer", "ap", "ece"])]
    assert names == [*(metric.name for metric in METRICS), "eer", "ece"]


def test_metrics_are_found_by_name_in_the_order_that_was_asked():
    assert [metric.name for metric in find_metrics(["ece", "ap", "ece"])] == ["ece", "ap"]
    assert find_metrics([]) == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tpr_at_fpr_1pct", "tpr_at_fpr_1pct"),
        ("tpr_at_fpr_0.10pct", "tpr_at_fpr_0.1pct"),
        ("tpr_at_fpr_2pct", "tpr_at_fpr_2pct"),
        ("precision_at_prevalence_.1pct", "precision_at_prevalence_0.1pct"),
        ("precision_at_prevalence_7pct", "precision_at_prevalence_7pct"),
    ],
)
def test_a_share_is_stated_in_the_name(text, name):
    (metric,) = find_metrics([text])
    assert metric.name == name
    assert name.rpartition("_")[2].removesuffix("pct") in metric.header


@pytest.mark.parametrize("share", ["0pct", "100pct", "1", "onepct", "-1pct", "1pctpct"])
def test_another_share_is_one_line(share):
    with pytest.raises(InputError, match="write a share above 0 and below 100 such as 1pct"):
        find_metrics([f"tpr_at_fpr_{share}"])


def test_an_unknown_metric_is_one_line():
    with pytest.raises(InputError, match=r"no metric is named 'eerr'\. Did you mean eer\? Installed: accuracy, .*nll"):
        find_metrics(["eerr"])


def test_every_entry_says_what_it_is():
    names = [metric.name for metric in known_metrics()]
    assert len(set(names)) == len(names)
    for metric in known_metrics():
        assert metric.about.endswith(".")
        assert "\n" not in metric.about
        assert metric.formula
        assert metric.source
    assert [metric.name for metric in known_metrics() if metric.uses_answers] == [
        "oracle_accuracy",
        "oracle_balanced_accuracy",
    ]


@given(cells())
def test_every_measure_lies_within_its_bounds(cell):
    labels, scores = cell
    found = measure(labels, scores, known_metrics())
    for metric in known_metrics():
        value = found[metric.name]
        assert math.isnan(value) == bool(metric.reason(labels, value))
        assert math.isnan(value) or metric.bounds[0] <= value <= metric.bounds[1] + 1e-12
