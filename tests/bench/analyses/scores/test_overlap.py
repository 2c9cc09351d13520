"""Overlap of errors, against loops over images and scikit-learn's kappa."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score

from bench.analyses.scores.mistakes import confident_mistakes, shared_mistakes
from bench.analyses.scores.overlap import error_overlap, together_accuracy
from bench.analyses.scores.slices import slice_accuracies
from bench.evaluation.cells import evaluate
from bench.platform.errors import InputError
from bench.records.manifest import CheckpointRecord
from tests.support.open_protocols import Naming
from tests.support.synthetic_runs import make_run, run_of, with_detector, with_scores, without

DETECTORS = ("alpha", "beta", "gamma", "delta")


@pytest.fixture(scope="module")
def run():
    return make_run(detectors=DETECTORS, seeds=(0, 1), n=15)


def answers(run):
    """Whether each detector is right, one row per train set, test set, seed and image."""
    both = run.scores.merge(run.cells, on="key")
    both["right"] = (both["score"] > 0.5) == both["label"].eq(1)
    return both.pivot_table(
        index=["train", "test", "seed", "name", "label"], columns="detector", values="right", aggfunc="first"
    )


def check_pairs(found, right):
    assert len(found) == 6
    for row in found.itertuples():
        pair = right[[row.first, row.second]].dropna().astype(bool).to_numpy()
        counts = {(a, b): 0 for a in (True, False) for b in (True, False)}
        for first, second in pair:
            counts[bool(first), bool(second)] += 1
        assert row.answers == len(pair)
        assert (row.both_right, row.only_first) == (counts[True, True], counts[True, False])
        assert (row.only_second, row.both_wrong) == (counts[False, True], counts[False, False])
        assert row.kappa == pytest.approx(cohen_kappa_score(pair[:, 0], pair[:, 1]))
        same, crossed = row.both_right * row.both_wrong, row.only_first * row.only_second
        assert row.yules_q == pytest.approx((same - crossed) / (same + crossed))
        assert row.first_errors_right_in_second == pytest.approx(pair[~pair[:, 0], 1].mean())
        assert row.second_errors_right_in_first == pytest.approx(pair[~pair[:, 1], 0].mean())


def test_pairs_are_those_of_a_loop(run):
    found = error_overlap(evaluate(run))
    assert [*zip(found["first"], found["second"], strict=True)] == list(combinations(DETECTORS, 2))
    check_pairs(found, answers(run))


def test_pairs_are_compared_where_both_have_scores(run):
    gone = run.cells["key"].isin(["beta/fog/kiln/none/1", "gamma/haze/haze/none/0"])
    part = without(run, gone)
    found = error_overlap(evaluate(part))
    check_pairs(found, answers(part))
    assert found.set_index(["first", "second"])["answers"][("alpha", "delta")] == 32 * 30
    assert found.set_index(["first", "second"])["answers"][("beta", "gamma")] == 30 * 30


def test_equal_and_opposite_detectors_are_at_the_ends(run):
    scores = run.scores
    alpha = scores[scores["key"].str.startswith("alpha")]
    copies = [alpha]
    for name in DETECTORS[1:]:
        own = alpha.assign(key=alpha["key"].str.replace("alpha", name, n=1))
        copies.append(own.assign(score=1 - own["score"]) if name == "delta" else own)
    found = error_overlap(evaluate(with_scores(run, pd.concat(copies)))).set_index(["first", "second"])
    equal, opposite = found.loc[("alpha", "beta")], found.loc[("alpha", "delta")]
    assert (equal["kappa"], equal["yules_q"], equal["only_first"]) == (1, 1, 0)
    assert (opposite["yules_q"], opposite["first_errors_right_in_second"]) == (-1, 1)


def test_without_errors_there_is_nothing_to_share():
    found = error_overlap(evaluate(make_run(lambda *_: 1.0, n=5)))
    assert found[["first_errors_right_in_second", "kappa", "yules_q"]].isna().all(axis=None)
    assert found["both_right"].tolist() == [16 * 10]


def slow_together(right, detectors):
    """Mean over cells of the balanced accuracy of the union, the intersection, the majority and each detector."""
    found = []
    for _, cell in right[list(detectors)].dropna().groupby(["train", "test", "seed"]):
        labels, values = cell.index.get_level_values("label").to_numpy(), cell.to_numpy(bool)
        share = values.mean(axis=1)
        rules = [values.any(axis=1), values.all(axis=1), share > 0.5, share >= 0.5, *values.T]
        of_rules = [balanced_accuracy_score(labels, np.where(rule, labels, 1 - labels)) for rule in rules]
        found.append([*of_rules[:2], (of_rules[2] + of_rules[3]) / 2, *of_rules[4:]])
    return np.mean(found, axis=0), len(found)


@pytest.mark.parametrize("detectors", [DETECTORS, DETECTORS[:3], DETECTORS[:1]])
def test_unions_and_majorities_are_those_of_a_loop(run, detectors):
    found = together_accuracy(evaluate(run), detectors)
    expected, cells = slow_together(answers(run), detectors)
    assert (found.any_right, found.all_right, found.majority) == pytest.approx(tuple(expected[:3]))
    assert found.best == pytest.approx(expected[3:].max())
    assert found.best_detector == detectors[expected[3:].argmax()]
    assert (found.cells, cells) == (32, 32)
    assert found.missing == ()


def test_cells_that_one_lacks_are_named_and_in_no_number(run):
    part = without(run, run.cells["key"].eq("beta/fog/kiln/none/1"))
    found = together_accuracy(evaluate(part), DETECTORS[:2])
    expected, cells = slow_together(answers(part), DETECTORS[:2])
    assert (found.cells, cells) == (31, 31)
    assert found.any_right == pytest.approx(expected[0])
    assert len(found.missing) == 1
    assert "tested on kiln" in found.missing[0]


def released(run):
    """Gamma as a released checkpoint: one cell per test set, without a train set."""
    first = ~run.cells["detector"].eq("gamma") | (run.cells["train"].eq("fog") & run.cells["seed"].eq(0))
    cells = run.cells[first].copy()
    cells.loc[cells["detector"].eq("gamma"), "train"] = ""
    scores = run.scores[run.scores["key"].isin(cells["key"])]
    kept = with_scores(run, scores, cells=cells.reset_index(drop=True))
    return with_detector(kept, "gamma", checkpoint=CheckpointRecord("a.pth", "00"))


def test_a_released_detector_stands_beside_every_training(run):
    mixed = released(run)
    found = error_overlap(evaluate(mixed)).set_index(["first", "second"])
    right = answers(run)
    own = answers(mixed)["gamma"].dropna()
    beside = right.index.droplevel(["train", "seed"])
    again = own.droplevel(["train", "seed"]).loc[beside].to_numpy(bool)
    alpha = right["alpha"].to_numpy(bool)
    pair = found.loc[("alpha", "gamma")]
    assert pair["answers"] == 32 * 30
    assert pair["both_wrong"] == (~alpha & ~again).sum()
    assert pair["only_second"] == (~alpha & again).sum()


def test_released_detectors_alone_are_compared_once(run):
    mixed = released(run)
    cells = mixed.cells[mixed.cells["detector"].eq("gamma")]
    other = cells.assign(detector="beta", key=cells["key"].str.replace("gamma", "other"))
    scores = mixed.scores[mixed.scores["key"].isin(cells["key"])]
    theirs = scores.assign(key=scores["key"].str.replace("gamma", "other"), score=1 - scores["score"])
    both = with_scores(mixed, pd.concat([scores, theirs]), cells=pd.concat([cells, other], ignore_index=True))
    both = with_detector(both, "beta", checkpoint=CheckpointRecord("b.pth", "00"))
    (pair,) = error_overlap(evaluate(both)).itertuples()
    assert (pair.answers, pair.both_right, pair.both_wrong) == (4 * 30, 0, 0)
    assert together_accuracy(evaluate(both), ["beta", "gamma"]).any_right == 1


def test_cells_that_name_generators_are_not_compared():
    run = run_of(Naming())
    told = run.scores[["key", "name"]].assign(generator="fog", predicted="fog")
    measured = evaluate(replace(run, diagnostics=told))
    pair = error_overlap(measured).iloc[0]
    assert pair["answers"] == 0
    assert np.isnan(pair["kappa"])
    together = together_accuracy(measured, ["alpha", "beta"])
    assert (together.cells, together.best_detector) == (0, "")
    assert np.isnan(together.any_right)
    assert confident_mistakes(measured).empty
    assert shared_mistakes(measured).empty
    assert slice_accuracies(measured, pd.Series(dtype="str")).empty


def test_an_unknown_detector_is_refused(run):
    with pytest.raises(InputError, match="the detector 'alhpa' is not known; did you mean alpha"):
        together_accuracy(evaluate(run), ["alhpa"])


def test_pairs_of_some_detectors_are_those_among_all(run):
    measured = evaluate(run)
    whole, found = error_overlap(measured), error_overlap(measured, detectors=["delta", "alpha"])
    expected = whole[whole["first"].eq("alpha") & whole["second"].eq("delta")].reset_index(drop=True)
    pd.testing.assert_frame_equal(found, expected)
    assert error_overlap(measured, detectors=["alpha"]).empty
