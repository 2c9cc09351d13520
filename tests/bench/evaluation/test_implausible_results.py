import numpy as np
import pytest

from bench.evaluation.cells import evaluate
from bench.evaluation.implausible_results import LEVEL, gains_from_degradation, inverted_orders
from bench.evaluation.leaderboard import ranking
from bench.metrics.ranking import roc_auc
from tests.support.synthetic_runs import make_run, with_scores


def inverted(run, detector):
    mine = run.scores["key"].str.startswith(detector)
    return with_scores(run, run.scores.assign(score=run.scores["score"].where(~mine, 1 - run.scores["score"])))


def orders(run):
    measured = evaluate(run)
    return list(inverted_orders(measured, "all cells", run.cells["detector"].unique(), "over all cells"))


def gains(run):
    measured = evaluate(run)
    return list(gains_from_degradation(measured, np.ones(len(measured.table), bool)))


def test_a_detector_with_inverted_scores_is_named_and_no_other():
    (said,) = orders(inverted(make_run(), "beta"))
    assert said.startswith("Inverted? beta has a mean ROC AUC of ")
    assert "over all cells, below the 50% of guessing" in said
    assert orders(make_run()) == []


def test_it_stands_above_the_table_of_its_home_average():
    notices = ranking(inverted(make_run(), "alpha")).notices
    assert [said for said in notices if "Inverted? alpha" in said and "where it was trained" in said]


@pytest.mark.slow
def test_guessing_is_called_inverted_as_rarely_as_the_level_says():
    told = sum(len(orders(make_run(lambda *_: 0.5, n=20, noise=noise))) for noise in range(25))
    assert told <= 2  # 50 detectors, at most 1% of runs expected


def test_two_images_of_each_class_in_the_wrong_order_are_chance():
    run = make_run(lambda *_: 0.0, detectors=["alpha"], n=2)
    cell = run.scores["key"].eq(run.cells["key"].iloc[0])
    one = with_scores(run, run.scores[cell], cells=run.cells.iloc[:1])
    assert roc_auc(one.scores["label"].to_numpy(), one.scores["score"].to_numpy()) == 0
    assert orders(one) == []


def test_a_detector_that_gains_from_a_degradation_is_named_with_it():
    def skill(detector, _train, _test, degradation, _seed):
        return 0.9 if detector == "beta" and degradation == "jpeg:65" else 0.7

    (said,) = gains(make_run(skill, degraded=True))
    assert said.startswith("Gain? beta is right ")
    assert "under jpeg:65 than without" in said
    assert any("Gain? beta" in notice for notice in ranking(make_run(skill, degraded=True)).notices)


@pytest.mark.slow
def test_no_change_is_called_a_gain_as_rarely_as_the_level_says():
    told = sum(len(gains(make_run(lambda *_: 0.8, degraded=True, n=20, noise=noise))) for noise in range(25))
    assert told <= 25 * LEVEL + 2


@pytest.mark.parametrize("degraded", [0.5, 0.8])
def test_what_falls_or_stays_is_no_gain(degraded):
    assert gains(make_run(lambda *_: 0.8, detectors=["alpha"])) == []
    assert gains(make_run(lambda *place: degraded if place[3] != "none" else 0.9, degraded=True)) == []
