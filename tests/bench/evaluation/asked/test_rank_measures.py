import numpy as np
import pytest

from bench.evaluation.asked.rank_measures import NOTHING_ASKED, USUAL, AskedMeasures, asked_measures
from bench.evaluation.asked.rescoring import Rescoring
from bench.evaluation.leaderboard import ranking, rankings
from bench.platform.errors import InputError
from bench.report.formats import as_json
from bench.statistics.ranks import NOT_TESTED, SAME
from tests.support.synthetic_runs import make_run, with_scores


@pytest.fixture(scope="module")
def run():
    """Alpha is right more often, and where it is wrong it is sure; beta orders images better."""
    plain = make_run(lambda detector, *_: 0.85 if detector == "alpha" else 0.75, n=100)
    scores = plain.scores
    first, generated = scores["key"].str.startswith("alpha").to_numpy(), scores["label"].eq(1).to_numpy()
    right = (scores["score"].gt(0.5) == generated).to_numpy()
    up = np.where(first, np.where(right, 0.52, 0.99), np.where(right, 0.9, 0.51))
    score = np.where(right == generated, up, 1 - up).astype(np.float32)
    return with_scores(plain, scores.assign(score=score))


@pytest.mark.parametrize("name", ["ap", "roc_auc", "balanced_accuracy"])
def test_the_measure_ranks_and_its_averages_are_shown(run, name):
    found = rankings([run], asked_measures([], name))[0]
    first = found.rows[0]
    assert first.detector == ("alpha" if name == "balanced_accuracy" else "beta")
    assert first.means["all cells"].value == pytest.approx(first.metrics[name])
    assert first.means["all cells"].low < first.metrics[name] < first.means["all cells"].high
    assert found.pairs[0].images.verdict == "better"


@pytest.mark.parametrize("name", ["", "accuracy"])
def test_accuracy_is_the_usual_board(run, name):
    assert asked_measures([], name) == NOTHING_ASKED
    assert as_json(rankings([run], asked_measures([], name))) == as_json(rankings([run]))


def test_less_of_an_error_rate_is_better_and_pairs_are_not_tested_on_these_generators(run):
    found = rankings([run], asked_measures([], "eer"))[0]
    values = [row.means["off-diagonal"].value for row in found.rows]
    assert [row.detector for row in found.rows] == ["alpha", "beta"]
    assert values == sorted(values)
    assert found.pairs[0].images.verdict == NOT_TESTED
    assert [(row.rank, row.last_rank) for row in found.rows] == [(1, 2), (1, 2)]
    assert not found.tested
    assert not found.rank_by_rises


def test_a_copy_is_the_same_by_any_metric():
    plain = make_run(n=20)
    scores = plain.scores.sort_values(["key", "name"], ignore_index=True)
    first = scores["key"].str.startswith("alpha")
    scores.loc[~first, "score"] = scores.loc[first, "score"].to_numpy()
    for name in ("eer", "ece", "nll", "worst_generator"):
        (pair,) = rankings([with_scores(plain, scores)], asked_measures([], name))[0].pairs
        assert pair.images.verdict == SAME, name
        assert pair.difference == 0


def test_the_worst_generator_ranks(run):
    found = rankings([run], asked_measures([], "worst_generator"))[0]
    usual = ranking(run)
    for row in found.rows:
        mean = next(one for one in usual.rows if one.detector == row.detector).means["off-diagonal"]
        assert row.means["off-diagonal"].value < mean.value
    assert "single one" in found.across
    assert all(pair.generators is None for pair in found.pairs)


def test_names_are_sorted_into_metrics_and_worst_values():
    found = asked_measures(["eer", "worst_condition"], "nll", Rescoring(0.3))
    assert found == AskedMeasures(("eer", "nll"), ("worst_condition",), found.rank_by, Rescoring(0.3))
    assert (found.rank_by.kind, found.rank_by.is_share) == ("metric", False)
    assert asked_measures([]).rank_by is USUAL


@pytest.mark.parametrize(
    ("metrics", "rank_by", "words"),
    [
        (["err"], "", "no metric is named 'err'. Did you mean eer"),
        ([], "bogus", "no measure is named 'bogus'"),
        ([], "worst_condition", "choose worst_generator"),
        (["tpr_at_fpr_500pct"], "", "above 0 and below 100"),
    ],
)
def test_other_names_are_refused(metrics, rank_by, words):
    with pytest.raises(InputError, match=words):
        asked_measures(metrics, rank_by)
