from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from bench.evaluation.asked.rescoring import AS_STORED, Rescoring, positive_class, rescored
from bench.evaluation.cells import evaluate
from bench.evaluation.validation_measures import validation_measures
from bench.metrics.decisions import balanced_accuracy
from bench.metrics.metric import CellImages
from bench.metrics.ranking import average_precision
from bench.metrics.seen_images import seen_images
from bench.platform.errors import InputError
from bench.records import columns
from bench.records.run import ValidationScores
from tests.support.synthetic_runs import make_run, with_scores


@pytest.fixture(scope="module")
def run():
    """Scores that lie too high, with log odds, and validation scores that lie as high."""
    plain = make_run(n=40)
    odds = np.float32(2) + 3 * logit(plain.scores["score"].clip(0.02, 0.98)).astype(np.float32)
    labels = np.repeat([0, 1], 30)
    held_out = 2 + 3 * (2 * labels - 1) * np.random.default_rng(0).uniform(-0.2, 1, 60)
    names = [f"held{place}" for place in range(60)]
    scores = pd.DataFrame({"key": "v", "name": names, "source": names, "label": labels})
    scores = scores.assign(score=expit(held_out).astype(np.float32), log_odds=held_out.astype(np.float32))
    cells = plain.cells[["key", "status", "reason"]].assign(**{columns.VALIDATION_KEY: "v"})
    high = plain.scores.assign(score=expit(odds), log_odds=odds)
    return replace(with_scores(plain, high), validation=ValidationScores(cells, scores))


def by_hand(run, measure):
    """A measure of labels and rows of the scores of each cell, in planned order."""
    cells = dict(iter(run.scores.groupby("key")))
    return np.array([measure(cells[key]["label"].to_numpy(), cells[key]) for key in run.cells["key"]])


def test_as_stored_the_run_is_the_same_object(run):
    assert rescored(run, AS_STORED) is run
    assert rescored(run, Rescoring(positive=0)) is run
    assert evaluate(run).table.equals(evaluate(run, (), AS_STORED).table)


def test_a_stated_threshold_is_that_of_decisions_and_of_nothing_else(run):
    found, before = evaluate(run, ["precision"], Rescoring(0.8)).table, evaluate(run).table
    called = by_hand(run, lambda labels, rows: balanced_accuracy(labels, rows["score"].to_numpy() > np.float32(0.8)))
    assert found["balanced_accuracy"].to_numpy() == pytest.approx(called)
    assert (found["ranked_accuracy"] != before["ranked_accuracy"]).any()
    assert found[["roc_auc", "ap", "n"]].equals(before[["roc_auc", "ap", "n"]])


def test_a_score_of_exactly_the_threshold_is_real():
    plain = make_run(n=10)
    third = with_scores(plain, plain.scores.assign(score=np.float32(0.3)))
    assert (evaluate(third, (), Rescoring(0.3)).table["generated_accuracy"] == 0).all()
    assert (evaluate(third, (), Rescoring(0.2999)).table["generated_accuracy"] == 1).all()


def test_the_threshold_of_validation_and_the_oracle_are_those_of_the_section(run):
    section = validation_measures(run).set_index("key").loc[run.cells["key"]]
    chosen, oracle = (evaluate(run, (), Rescoring(how)).table for how in ("validation", "oracle"))
    assert chosen["balanced_accuracy"].to_numpy() == pytest.approx(section["validation_balanced_accuracy"].to_numpy())
    assert oracle["balanced_accuracy"].to_numpy() == pytest.approx(section["oracle_balanced_accuracy"].to_numpy())
    assert chosen["balanced_accuracy"].mean() > evaluate(run).table["balanced_accuracy"].mean()


def test_temperature_keeps_decisions_and_platt_those_at_the_threshold_of_validation(run):
    table = evaluate(run).table
    warm = evaluate(run, ["ece"], Rescoring(calibration="temperature"), draws=2).table
    assert warm[["accuracy", "roc_auc", "ap"]].to_numpy() == pytest.approx(table[["accuracy", "roc_auc", "ap"]])
    section = validation_measures(run).set_index("key").loc[run.cells["key"]]
    assert warm["ece"].to_numpy() == pytest.approx(section["temperature_ece"].to_numpy(), abs=1e-5)
    platt = evaluate(run, (), Rescoring("validation", calibration="platt")).table
    chosen = evaluate(run, (), Rescoring("validation")).table
    assert platt["accuracy"].to_numpy() == pytest.approx(chosen["accuracy"].to_numpy())


def test_a_probability_is_that_after_calibration(run):
    """Platt's offset takes off what lies too high, so that one half is where it should be."""
    moved = evaluate(run, (), Rescoring(0.5, calibration="platt")).table["balanced_accuracy"].mean()
    assert moved > evaluate(run, (), Rescoring(0.5)).table["balanced_accuracy"].mean() + 0.02


def seen_of(run, key, count, seed):
    """The images of a cell, and which of them are seen."""
    table = run.scores[run.scores["key"].eq(key)]
    labels, names, sources = (table[name].to_numpy() for name in ("label", "name", "source"))
    odds = None if table["log_odds"].isna().any() else table["log_odds"].to_numpy()
    images = CellImages(labels.astype(np.int64), table["score"].to_numpy(), odds)
    return names, images, seen_images(images.labels, names, sources, count, seed)


def test_seen_images_are_left_out_of_every_measure(run):
    found = evaluate(run, (), Rescoring(seen=10, seed=3)).table.set_index("key")
    assert (found["n"] == 70).all()
    for key in run.cells["key"]:
        _, images, seen = seen_of(run, key, 10, 3)
        rest = ~seen.left_out
        labels, order = images.labels[rest], images.order[rest]
        expected = balanced_accuracy(labels, order > seen.threshold(images))
        assert found.loc[key, "balanced_accuracy"] == pytest.approx(expected)
        assert found.loc[key, "ap"] == pytest.approx(average_precision(labels, order))


def test_a_threshold_that_fails_is_repaired_by_a_few_images():
    plain = make_run(lambda *_: 0.95)
    moved = with_scores(plain, plain.scores.assign(score=np.float32(0.55) + np.float32(0.4) * plain.scores["score"]))
    assert set(evaluate(moved).table["balanced_accuracy"]) == {0.5}
    repaired = evaluate(moved, (), Rescoring(seen=20)).table["balanced_accuracy"]
    assert repaired.mean() == pytest.approx(0.93, abs=0.05)


def test_all_detectors_and_degradations_of_a_test_set_see_the_same_images():
    """Right scores on what is seen, wrong ones elsewhere: no cell has a right image left."""
    plain = make_run(degraded=True)
    names, _, seen = seen_of(plain, plain.cells["key"].iloc[0], 10, 0)
    right = plain.scores["name"].isin(set(names[seen.left_out]))
    labels = plain.scores["label"].astype(np.float32)
    turned = with_scores(plain, plain.scores.assign(score=labels.where(right, 1 - labels)))
    assert set(evaluate(turned, (), Rescoring(seen=10)).table["accuracy"]) == {0.0}


def test_the_real_class_is_looked_for_without_a_changed_decision(run):
    real, usual = (evaluate(run, ["precision", "recall"], Rescoring(positive=one), draws=2).table for one in (0, 1))
    same = [
        "accuracy",
        "real_accuracy",
        "generated_accuracy",
        "balanced_accuracy",
        "n_generated",
        "ranked_accuracy_low",
    ]
    assert real[same].equals(usual[same])
    assert real["recall"].to_numpy() == pytest.approx(usual["real_accuracy"].to_numpy())
    assert real["roc_auc"].to_numpy() == pytest.approx(usual["roc_auc"].to_numpy())
    swapped = run.scores.assign(label=1 - run.scores["label"], score=1.0 - run.scores["score"])
    swapped = with_scores(run, swapped.assign(log_odds=-run.scores["log_odds"]))
    assert real["ap"].to_numpy() == pytest.approx(evaluate(swapped).table["ap"].to_numpy())
    assert real["ap_low"].to_numpy() == pytest.approx(evaluate(swapped).table["ap_low"].to_numpy())


def test_cells_without_validation_scores_are_not_measured_and_say_why(run):
    without = run.validation.cells[~run.validation.cells["key"].str.startswith("beta")]
    partly = replace(run, validation=ValidationScores(without, run.validation.scores))
    cells = evaluate(partly, (), Rescoring("validation")).table.set_index("detector")
    assert set(cells.loc["alpha", "status"]) == {"scored"}
    assert set(cells.loc["beta", "status"]) == {"skipped"}
    assert cells.loc["beta", "reason"].str.contains("no validation scores").all()


def test_stored_scores_stay(run):
    before = run.scores.copy()
    for one in (Rescoring("oracle"), Rescoring(calibration="platt"), Rescoring(seen=4)):
        evaluate(run, (), one)
    assert run.scores.equals(before)


@pytest.mark.parametrize("asked", [Rescoring("validation"), Rescoring(calibration="platt")])
def test_a_run_without_validation_is_refused_with_what_to_do(asked):
    with pytest.raises(InputError, match="lineup run --validation"):
        rescored(make_run(n=10), asked)


def test_cells_that_name_generators_are_refused():
    plain = make_run(n=10)
    naming = replace(plain, cells=plain.cells.assign(task="generator"))
    with pytest.raises(InputError, match="no threshold"):
        rescored(naming, Rescoring(0.4))


def test_too_many_seen_images_are_refused_with_the_test_set():
    with pytest.raises(InputError, match="fog: 200 labelled images"):
        rescored(make_run(n=10), Rescoring(seen=200))


def test_what_was_applied_is_said_and_marked():
    said = " ".join(Rescoring("oracle", positive=0, calibration="platt").sentences())
    for words in ("Platt scaling", "no user has them", "Positive class real"):
        assert words in said
    assert Rescoring("oracle").mark == "oracle"
    assert Rescoring(seen=2).mark == "seen"
    assert "seed 5" in next(Rescoring(seen=2, seed=5).sentences())
    assert list(AS_STORED.sentences()) == []
    with pytest.raises(InputError, match="choose real or generated"):
        positive_class("fake")
