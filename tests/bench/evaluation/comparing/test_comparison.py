"""Averages of two detectors: differences, verdicts and what would settle them."""

from dataclasses import replace

import numpy as np
import pytest

from bench.evaluation.cells import average_masks, evaluate
from bench.evaluation.comparing.comparison import compare_detectors
from bench.evaluation.comparing.paired_runs import pair_runs
from bench.evaluation.comparing.sides import choose_sides
from bench.evaluation.pairwise.pool_comparison import compare_pool
from bench.golden.golden_record import read_golden
from bench.platform.shipped_results import shipped_results
from bench.statistics.comparisons import delong_test
from tests.support.synthetic_runs import make_run, with_detector, with_scores


def compared(*runs, detectors=()):
    return compare_detectors([pair_runs(*pair) for pair in choose_sides(runs, detectors)])


def skilled(levels):
    return lambda detector, train, test, *_: levels[detector] + 0.1 * (train == test)


@pytest.fixture(scope="module")
def golden():
    return read_golden(shipped_results() / "golden" / "cross_generator")


def test_a_detector_is_the_same_as_its_copy_everywhere():
    run = make_run(skilled({"alpha": 0.8, "beta": 0.7}), seeds=(0, 1), n=20)
    for found in compared(run, run):
        assert {(one.on_these.verdict, one.on_these.p) for one in found.averages} == {("same", 1)}
        assert {(one.difference, one.on_these.low, one.on_these.high) for one in found.averages} == {(0, 0, 0)}
        assert set(found.cells["verdict"]) == {"same"}
        assert (found.decisions.won, found.decisions.lost, found.decisions.p) == (0, 0, 1)
        assert (found.tests, found.tested) == ((0, 0), 0)


def test_a_monotone_copy_has_the_same_area_and_other_decisions(golden):
    keys = golden.cells.loc[golden.cells["detector"].eq("residual") & golden.cells["seed"].eq(0), "key"]
    scores = golden.scores[golden.scores["key"].isin(keys)]
    cells = golden.cells[golden.cells["key"].isin(keys)].reset_index(drop=True)
    run = replace(with_scores(golden, scores), cells=cells)
    moved = with_scores(run, scores.assign(score=scores["score"].astype(float).pow(1.5).astype(np.float32)))
    (found,) = compared(run, moved, detectors=("residual",))
    *accuracies, area = found.averages
    assert (area.measure, area.on_these.verdict, area.on_these.p) == ("roc_auc", "same", 1)
    assert (area.across.verdict, area.across.p) == ("same", 1)
    assert found.decisions.won + found.decisions.lost > 0
    assert all(one.on_these.verdict != "same" for one in accuracies)


def test_the_areas_of_one_cell_differ_as_delong_says():
    run = make_run(skilled({"alpha": 0.75, "beta": 0.65}), n=150)
    cells = run.cells.query("train == 'fog' and test == 'kiln'").reset_index(drop=True)
    (found,) = compared(replace(run, cells=cells))
    alpha, beta = (run.scores[run.scores["key"].eq(key)].sort_values("name") for key in cells["key"])
    delong = delong_test(
        *(alpha[name].to_numpy() for name in ("label", "score")), beta["score"].to_numpy(), alpha["source"]
    )
    area = found.averages[-1]
    assert area.measure == "roc_auc"
    assert area.difference == pytest.approx(delong.difference)
    family = found.tests[0]
    assert area.on_these.p / family <= delong.p * 1.5
    assert area.on_these.p >= delong.p / 1.5
    half = (area.on_these.high - area.on_these.low) / 2
    assert half == pytest.approx(1.96 * delong.standard_error, rel=0.15)


def test_what_is_said_of_an_average_is_what_the_board_tests(golden):
    (found,) = compared(golden, detectors=("residual", "cnnspot"))
    measured = evaluate(golden)
    masks = average_masks(golden.cells, golden.manifest.protocol)
    for one in found.averages[:-1]:
        board = compare_pool(measured, masks[one.average], one.average, ["residual", "cnnspot"]).pair(0, 1)
        assert one.difference == pytest.approx(board.difference)
        assert (one.on_these.low, one.on_these.high) == pytest.approx((board.images.low, board.images.high))
        assert board.images.p <= one.on_these.p <= found.tests[0] * board.images.p * (1 + 1e-9)
        assert board.generators.p <= one.across.p
        assert one.scope == compare_pool(measured, masks[one.average], one.average, ["residual", "cnnspot"]).scope
    assert [one.average for one in found.averages][-1] == "all cells"
    assert found.ranking.average == "off-diagonal"


def test_better_is_said_of_the_first():
    run = make_run(skilled({"alpha": 0.85, "beta": 0.6}), n=60)
    (found,) = compared(run)
    (turned,) = compared(run, detectors=("beta", "alpha"))
    assert {one.on_these.verdict for one in found.averages if one.measure != "roc_auc"} == {"better"}
    assert {one.on_these.verdict for one in turned.averages if one.measure != "roc_auc"} == {"worse"}
    assert found.ranking.difference == -turned.ranking.difference
    assert found.ranking.on_these.low == -turned.ranking.on_these.high
    assert (found.decisions.won, found.decisions.lost) == (turned.decisions.lost, turned.decisions.won)


def test_four_generators_leave_it_open_across_generators():
    (found,) = compared(make_run(skilled({"alpha": 0.85, "beta": 0.6}), n=60))
    assert all(one.across is None for one in found.averages)
    assert found.ranking.scope.startswith("unresolved (4 generators as trained and 4 as tested")
    assert found.tests[1] == 0


def test_what_is_unresolved_has_a_number_of_images_and_what_is_settled_has_none():
    levels = skilled({"alpha": 0.72, "beta": 0.70})
    (found,) = compared(make_run(levels, n=20))
    needed = found.ranking.needed
    assert found.ranking.on_these.verdict == "unresolved"
    assert needed.images > 5 * found.ranking.images
    assert needed.images / needed.sources == pytest.approx(found.ranking.images / found.ranking.sources, rel=1e-3)
    assert needed.generators is None
    steady = {True: 0.9, False: 0.5}
    (settled,) = compared(make_run(lambda detector, *_: steady[detector == "alpha"], n=60))
    assert settled.ranking.on_these.verdict == "better"
    assert settled.ranking.needed.images is None


def test_trainings_of_one_method_are_paired_by_seed():
    """Both versions move alike with the seed: what is left is the steady difference."""
    level = {0: 0.5, 1: 0.9, 2: 0.6}
    run = make_run(lambda *where: level[where[-1]], detectors=("alpha",), seeds=(0, 1, 2), n=80)
    scores = run.scores.copy()
    wrong = scores["name"].isin([f"val/nature/{place:04d}.jpg" for place in range(12)])
    scores["score"] = scores["score"].where(~wrong, np.float32(0.9))
    later = with_scores(with_detector(run, "alpha", key="alpha.2.small", version=2), scores)
    (versions,) = compared(run, later)
    assert versions.ranking.on_these.verdict == "better"
    unlike = with_detector(later, "alpha", key="omega.1.small")
    (methods,) = compared(run, unlike)
    assert methods.ranking.on_these.verdict == "unresolved"
    assert methods.ranking.needed.images is None  # more images do not change what trainings do
    assert methods.ranking.on_these.low < versions.ranking.on_these.low


@pytest.mark.slow
def test_equal_detectors_are_rarely_called_different():
    """Of 10 pairs of one skill, 5% are 0.5; more than 3 come with a probability of 0.1%."""
    called = 0
    for noise in range(10):
        (found,) = compared(make_run(skilled({"alpha": 0.8, "beta": 0.8}), n=15, noise=noise))
        called += any(one.on_these.verdict != "unresolved" for one in found.averages)
    assert called <= 3


def test_averages_that_differ_in_their_last_bits_need_no_images():
    """Three errors in three cells are as many as three in one, and another sum."""
    run = make_run(detectors=["alpha", "beta"], n=7)
    scores = run.scores
    cells = scores["key"].str.partition("/")[2]
    number = scores["name"].str[-8:-4].astype(int)
    alpha, own = scores["key"].str.startswith("alpha/"), scores["label"].eq(0)
    wrong = own & alpha & cells.eq(cells.iloc[0]) & number.lt(3)
    several = sorted(cells.unique())[1:4]
    wrong |= own & ~alpha & cells.isin(several) & number.eq(0)
    right = scores["label"] * 0.8 + 0.1
    (found,) = compared(with_scores(run, scores.assign(score=right.where(~wrong, 1 - right).astype(np.float32))))
    whole = next(one for one in found.averages if one.average == "all cells" and one.measure == "ranked_accuracy")
    assert whole.first == whole.second
    assert (whole.difference, whole.on_these.p) == (0, 1)
    assert whole.needed.sources is None
