from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.evaluation.cells import average_masks, evaluate
from bench.evaluation.leaderboard import ranking
from bench.evaluation.pairwise.pool_comparison import compare_pool
from bench.golden.golden_record import read_golden
from bench.platform.shipped_results import shipped_results
from bench.records.score_table import ScoreTable
from bench.report.conclusions import conclusions
from tests.support.synthetic_runs import falling, make_run, with_scores


def skilled(levels, home=0.95):
    """Detectors that are right on other generators as often as given."""
    return lambda detector, train, test, *_: home if train == test else levels[detector]


def board(levels, **further):
    return make_run(skilled(levels), detectors=list(levels), **further)


def with_copy(run, name, copy, change=lambda scores: scores):
    """The same run with the scores of one detector given to another, perhaps changed."""
    theirs = run.scores[run.scores["key"].str.startswith(f"{name}/")]
    kept = run.scores[~run.scores["key"].str.startswith(f"{copy}/")]
    copied = theirs.assign(key=copy + theirs["key"].str[len(name) :], score=change(theirs["score"]))
    return with_scores(run, pd.concat([kept, copied]))


def compared(run, names, average="off-diagonal"):
    measured = evaluate(run)
    return compare_pool(measured, average_masks(run.cells, run.manifest.protocol)[average], average, names)


def test_a_detector_and_its_copy_are_one():
    run = with_copy(board({"alpha": 0.7, "beta": 0.7, "gamma": 0.6}), "alpha", "beta")
    found = ranking(run)
    rows = {row.detector: row for row in found.rows}
    assert (rows["alpha"].rank, rows["alpha"].last_rank) == (rows["beta"].rank, rows["beta"].last_rank)
    (pair,) = [pair for pair in found.pairs if {pair.first, pair.second} == {"alpha", "beta"}]
    assert (pair.difference, pair.images.low, pair.images.high, pair.images.p) == (0, 0, 0, 1)
    assert pair.images.verdict == "same"
    assert "alpha and beta decide alike on every image of the average that ranks." in conclusions(found)


def test_copies_are_named_together():
    run = with_copy(board({"alpha": 0.7, "beta": 0.7, "gamma": 0.6}), "alpha", "beta")
    found = conclusions(ranking(with_copy(run, "alpha", "gamma")))
    assert [one for one in found if "alike" in one] == [
        "alpha, beta and gamma decide alike on every image of the average that ranks."
    ]


def with_errors(run, of_alpha, of_beta, source):
    """Two detectors that are wrong about real images of one number each, and the source of the images of a number."""
    scores = run.scores
    number = scores["name"].str[-8:-4].astype(int)
    wrong = number.eq(of_beta).where(scores["key"].str.startswith("beta/"), number.eq(of_alpha))
    right = scores["label"] * 0.8 + 0.1
    scores["score"] = right.where(~wrong, 1 - right).astype(np.float32)
    return with_scores(run, scores.assign(source=[source(one) for one in number]))


@pytest.mark.parametrize("images", [2, 4])
def test_other_errors_of_one_source_are_no_equal_answers(images):
    run = with_errors(make_run(detectors=["alpha", "beta"], n=4), 0, 1, lambda number: f"scene{number // images}")
    (pair,) = ranking(run).pairs
    assert (pair.difference, pair.images.p, pair.images.verdict) == (0, 1, "unresolved")
    assert pair.images.low < 0 < pair.images.high


@pytest.mark.parametrize("n", [7, 13, 23])
def test_one_training_and_five_that_are_equal_to_it_are_one(n):
    run = make_run(detectors=["alpha", "beta"], seeds=range(5), n=n)
    first = {key.rpartition("/")[0]: cell for key, cell in run.score_table.items() if key.endswith("/0")}
    same = {key: first[key.rpartition("/")[0].replace("beta/", "alpha/")] for key, _ in run.score_table.items()}
    once = run.cells["detector"].eq("alpha") | run.cells["seed"].eq(0)
    (pair,) = ranking(replace(run, cells=run.cells[once], score_table=ScoreTable(same))).pairs
    assert (pair.difference, pair.images.p, pair.images.verdict) == (0, 1, "same")


def test_images_that_one_detector_lacks_change_nothing_between_two_others():
    levels = {"alpha": 0.9, "beta": 0.65, "gamma": 0.6}
    run = board(levels, n=40)
    scores = run.scores
    few = scores["key"].str.startswith("alpha/") & (scores["name"].str[-8:-4].astype(int) >= 2)
    part = with_scores(run, scores[~few])
    own = compared(run, ["beta", "gamma"]).images
    found = compared(part, list(levels)).images
    assert (found.low[1, 2], found.high[1, 2]) == pytest.approx((own.low[0, 1], own.high[0, 1]))


def test_averages_over_other_images_are_compared_as_independent_ones():
    run = board({"alpha": 0.7, "beta": 0.7}, n=40)
    scores = run.scores
    half = scores["name"].str[-8:-4].astype(int) < 20
    run = with_scores(run, scores[scores["key"].str.startswith("alpha/") == half])
    measured = evaluate(run)
    variances = [
        measured.averages[one]["off-diagonal"]["ranked_accuracy"].spread.variances[0] for one in measured.averages
    ]
    found = compared(run, ["alpha", "beta"]).images
    expected = 2 * 1.96 * np.sqrt(sum(variances))
    assert expected <= found.high[0, 1] - found.low[0, 1] <= 1.3 * expected


def test_few_images_without_an_error_are_not_better_than_many():
    run = board({"alpha": 0.7, "beta": 0.7}, n=40)
    scores = run.scores
    alpha = scores["key"].str.startswith("alpha/")
    sure = scores.assign(score=scores["score"].where(~alpha, scores["label"]).astype(np.float32))
    kept = ~alpha | (scores["name"].str[-8:-4].astype(int) < 2)
    found = compared(with_scores(run, sure[kept]), ["alpha", "beta"])
    assert found.averages[0] == 1
    assert not found.better.any()


def test_a_copy_changes_no_verdict_on_others():
    levels = {"alpha": 0.75, "beta": 0.75, "gamma": 0.70}
    alone = compared(board(levels), ["alpha", "gamma"])
    among = compared(with_copy(board(levels), "alpha", "beta"), ["alpha", "beta", "gamma"])
    assert among.images.p[0, 2] == pytest.approx(alone.images.p[0, 1])
    assert among.images.pairs == alone.images.pairs == 1


def test_what_differs_widely_is_told_apart_and_what_does_not_is_not():
    found = compared(board({"alpha": 0.8, "beta": 0.6, "gamma": 0.6}, n=100), ["alpha", "beta", "gamma"])
    assert found.better.tolist()[0] == [False, True, True]
    assert not found.better[1:].any()
    assert found.rank_bounds() == [(1, 1), (2, 3), (2, 3)]
    assert set(found.groups()) == {("beta", "gamma")} or set(found.groups()) == {("gamma", "beta")}
    low, high = found.images.low[0, 1], found.images.high[0, 1]
    assert 0 < low < found.averages[0] - found.averages[1] < high
    assert (found.images.low[1, 0], found.images.high[1, 0]) == (-high, -low)


def test_equal_averages_have_one_rank():
    levels = {"alpha": 0.9, "beta": 0.9, "gamma": 0.9}
    run = board(levels, n=10)
    perfect = with_scores(run, run.scores.assign(score=run.scores["label"].astype(np.float32)))
    assert {(row.rank, row.last_rank) for row in ranking(perfect).rows} == {(1, 3)}


def test_two_detectors_without_an_error_are_not_known_to_be_equal():
    run = board({"alpha": 0.9, "beta": 0.9}, n=10)
    sure = with_scores(run, run.scores.assign(score=run.scores["label"] * np.float32(0.5) + np.float32(0.25)))
    surer = with_copy(sure, "alpha", "beta", lambda scores: scores.where(scores < 0.5, np.float32(0.9)))
    found = compared(surer, ["alpha", "beta"])
    assert found.images.p[0, 1] == 1


def test_four_generators_say_nothing_of_others():
    found = ranking(board({"alpha": 0.8, "beta": 0.6}))
    assert found.across.startswith("unresolved (4 generators as trained and 4 as tested; fewer than 6")
    assert not found.generalises
    assert all(np.isnan(row.across).all() for row in found.rows)
    assert any("Ranks hold for these generators alone" in sentence for sentence in conclusions(found))


def test_several_seeds_make_a_difference_less_certain():
    """Two detectors that differ by their training alone, and steadily: images tell them apart, seeds do not."""

    def jumpy(detector, train, test, _, seed):
        return 0.95 if train == test else 0.62 + 0.12 * seed * (detector == "beta")

    run = make_run(jumpy, detectors=["alpha", "beta"], seeds=(0, 1), n=100)
    one_seed = replace(run, cells=run.cells[run.cells["seed"].eq(1)].reset_index(drop=True))
    assert compared(one_seed, ["alpha", "beta"]).images.p[0, 1] < 0.01
    assert compared(run, ["alpha", "beta"]).images.p[0, 1] > 0.05


def test_scores_of_other_tools_were_trained_on_nothing_that_is_named():
    run = board({"alpha": 0.8, "beta": 0.6})
    cells = run.cells[run.cells["train"].eq("fog")].assign(train="")
    found = ranking(replace(run, cells=cells.reset_index(drop=True)))
    assert found.across.startswith("unresolved (3 generators as tested; fewer than 6")


def test_one_detector_is_ranked_alone():
    found = ranking(make_run(falling(), detectors=["alpha"]))
    (row,) = found.rows
    assert (row.rank, row.last_rank, row.rank_interval) == (1, 1, (1, 1))
    assert found.pairs == ()
    assert conclusions(found) == []


def test_eight_generators_are_a_sample_of_others():
    found = ranking(read_golden(shipped_results() / "golden" / "cross_generator"))
    assert found.across == "8 generators as trained and 8 as tested"
    for row in found.rows:
        mean = row.means["off-diagonal"]
        assert row.across[0] < mean.low < mean.value < mean.high < row.across[1]
        assert row.rank <= row.last_rank
    for pair in found.pairs:
        assert pair.generators.low < pair.difference < pair.generators.high
        assert pair.generators.p >= pair.images.p
    best = conclusions(found)[0]
    assert best.startswith("Across generators (8 generators as trained and 8 as tested; 15 pairs): ")
    alone = found.rows[0].last_rank == 1
    assert (f"{found.rows[0].detector} is best" in best) == alone
