import numpy as np
import pytest

from bench.evaluation.cells import evaluate
from bench.evaluation.leaderboard import ranking
from bench.evaluation.threshold_failures import threshold_failures
from tests.support.synthetic_runs import make_run, with_scores


def said(run):
    return list(threshold_failures(evaluate(run), "off-diagonal", ["alpha", "beta"]))


def changed(run, detector, change):
    scores = run.scores
    own = scores["key"].str.startswith(detector)
    return with_scores(run, scores.assign(score=scores["score"].where(~own, change(scores)).astype(np.float32)))


def test_a_usual_board_says_nothing():
    for noise in range(5):
        assert said(make_run(noise=noise)) == []
        assert said(make_run(lambda *_: 0.5, noise=noise)) == []


def test_a_detector_whose_threshold_fails_is_named_with_what_to_do():
    run = changed(make_run(lambda *_: 0.93, n=100), "alpha", lambda scores: 0.4 * scores["score"])
    (sentence,) = said(run)
    assert "of alpha (ROC AUC" in sentence
    assert "balanced accuracy 50.0%" in sentence
    for words in ("--calibrate-on", "--validation", "--threshold validation"):
        assert words in sentence
    assert sentence in ranking(run).notices


def test_what_it_promises_an_oracle_reaches():
    run = changed(make_run(lambda *_: 0.93, n=100), "alpha", lambda scores: 0.4 * scores["score"])
    (sentence,) = said(run)
    promised = float(sentence.split("at least ")[1].split("%")[0]) / 100
    table = evaluate(run, ["oracle_balanced_accuracy"], draws=2).table
    own = table[table["detector"].eq("alpha") & table["train"].ne(table["test"])]
    assert own["oracle_balanced_accuracy"].mean() >= promised


@pytest.mark.parametrize(("n", "count"), [(200, 1), (4, 0)])
def test_detectors_that_are_ordered_otherwise_beyond_chance_are_named(n, count):
    """Alpha is right more often, and where it is wrong it is sure."""

    def sure_where_wrong(scores):
        generated = scores["label"].eq(1)
        right = scores["score"].gt(0.5) == generated
        up = np.where(right, 0.52, 0.99)
        return np.where(right == generated, up, 1 - up)

    run = make_run(lambda detector, *_: 0.8 if detector == "alpha" else 0.75, n=n)
    found = [one for one in said(changed(run, "alpha", sure_where_wrong)) if one.startswith("Order:")]
    assert len(found) == count
    assert all("alpha is right more often than beta" in one for one in found)
