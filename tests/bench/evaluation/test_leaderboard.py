import math
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.evaluation.cells import TABLE_COLUMNS, average_masks, cells_table, evaluate, matrix, readable_table
from bench.evaluation.joined_runs import join_runs
from bench.evaluation.leaderboard import ranking, rankings
from bench.metrics.catalogue import measure
from bench.metrics.metric import UnusableScores
from bench.platform.errors import InputError
from bench.records.manifest import RuntimeRecord
from bench.report.base_degradations import base_degradation_tables
from protocols.api import Cell, Scope, Subset
from protocols.cross_generator import CrossGenerator
from tests.support.synthetic_runs import (
    FAMILIES,
    GENERATORS,
    Images,
    cells_of,
    falling,
    make_run,
    with_data,
    with_detector,
    with_manifest,
    with_scores,
    without,
)


def test_cells_table_measures_each_cell():
    run = make_run()
    table = cells_table(run)
    assert tuple(readable_table(table, run.manifest.protocol).columns) == TABLE_COLUMNS
    assert len(table) == len(run.cells)
    scores = run.scores[run.scores["key"] == run.cells["key"].iloc[5]]
    expected = measure(scores["label"].to_numpy(), scores["score"].to_numpy())
    row = table.iloc[5]
    assert [row["n"], row["accuracy"], row["ap"], row["roc_auc"]] == pytest.approx(
        [expected["n"], expected["accuracy"], expected["ap"], expected["roc_auc"]]
    )
    assert (table["accuracy_low"] <= table["accuracy"]).all()
    assert (table["accuracy"] <= table["accuracy_high"]).all()


def test_cells_table_keeps_holes_with_their_reason():
    run = make_run()
    table = cells_table(without(run, run.cells["test"].eq("kiln"), "failed", "MemoryError: too big"))
    holes = table[table["test"] == "kiln"]
    assert (holes["n"] == 0).all()
    assert holes[["accuracy", "accuracy_low", "ap"]].isna().all(axis=None)
    assert set(holes["reason"]) == {"MemoryError: too big"}
    assert table.loc[table["test"] != "kiln", "accuracy"].notna().all()


def test_measures_do_not_depend_on_the_order_of_rows():
    run = make_run()
    shuffled = with_scores(run, run.scores.sample(frac=1, random_state=0))
    pd.testing.assert_frame_equal(cells_table(shuffled), cells_table(run))


def test_a_scored_cell_without_scores_is_an_error():
    run = make_run()
    gone = with_scores(run, run.scores[run.scores["key"] != run.cells["key"].iloc[3]])
    with pytest.raises(InputError, match="alpha trained on fog, tested on ember: called scored, without scores"):
        cells_table(gone)


def test_a_score_that_is_no_probability_is_an_error():
    run = make_run()
    unusable = run.scores["score"].where(run.scores.index != 7)
    with pytest.raises(UnusableScores):
        cells_table(with_scores(run, run.scores.assign(score=unusable)))


def test_matrix_averages_seeds_in_planned_order():
    run = make_run(seeds=(0, 1))
    table = cells_table(run)
    found = matrix(table, "beta", run.manifest.protocol)
    assert (tuple(found.index), tuple(found.columns)) == (GENERATORS, GENERATORS)
    mine = table[(table["detector"] == "beta") & (table["train"] == "kiln") & (table["test"] == "haze")]
    assert len(mine) == 2
    assert found.loc["kiln", "haze"] == pytest.approx(mine["accuracy"].mean())


def test_matrix_is_empty_where_a_seed_is_missing():
    run = make_run(seeds=(0, 1))
    hole = (run.cells["train"] == "kiln") & (run.cells["test"] == "haze") & (run.cells["seed"] == 1)
    found = matrix(cells_table(without(run, hole)), "beta", run.manifest.protocol)
    assert found.isna().sum().sum() == 1
    assert math.isnan(found.loc["kiln", "haze"])


def test_groups_of_a_matrix_split_by_training_and_family():
    run = make_run(detectors=["alpha"])
    found = {name: int(mask.sum()) for name, mask in average_masks(run.cells, run.manifest.protocol).items()}
    assert found == {"diagonal": 4, "off-diagonal": 12, "same family": 4, "cross family": 8, "all cells": 16}


def test_a_set_trained_on_counts_as_home_in_a_joined_subset():
    run = make_run(detectors=["alpha"])
    asked = [Cell("alpha", Subset(("fog", "kiln"), "train"), Subset((name,), "val")) for name in GENERATORS]
    cells = cells_of(CrossGenerator(), asked, Scope(Images(), ["alpha"]))
    found = average_masks(cells, run.manifest.protocol)  # tested on fog, haze, kiln, ember
    assert found["diagonal"].tolist() == [True, False, True, False]
    assert found["same family"].tolist() == [False, True, False, True]


def test_averages_run_over_their_cells():
    run = make_run(detectors=["alpha"], seeds=(0, 1))
    table, row = cells_table(run), ranking(run).rows[0]
    home = table["train"] == table["test"]
    kin = ~home & (table["train"].map(FAMILIES) == table["test"].map(FAMILIES))
    for name, mask in (("diagonal", home), ("off-diagonal", ~home), ("same family", kin), ("all cells", home | ~home)):
        mean = row.means[name]
        assert mean.value == pytest.approx(table.loc[mask, "accuracy"].mean())
        assert mean.low < mean.value < mean.high
        assert (mean.cells, mean.planned) == (mask.sum(), mask.sum())
        by_seed = table[mask].groupby("seed")["accuracy"].mean()
        assert mean.spread == pytest.approx(by_seed.std())
    assert row.drop == pytest.approx(row.means["diagonal"].value - row.means["off-diagonal"].value)
    assert row.metrics["ap"] == pytest.approx(table["ap"].mean())
    assert row.seeds == 2


def test_average_over_shared_images_is_wider_than_if_they_were_apart():
    shared = make_run(detectors=["alpha"], n=100)
    apart = with_scores(shared, shared.scores.assign(source=shared.scores["key"] + shared.scores["source"]))
    # The same errors wherever a real image stands: one detector that knows the image, not the cell.
    same_error = shared.scores["name"].map(lambda name: 0.9 if name[-5] in "369" else 0.1).astype(np.float32)
    alike = [
        with_scores(run, run.scores.assign(score=run.scores["score"].where(run.scores["label"] == 1, same_error)))
        for run in (shared, apart)
    ]
    wide, narrow = (ranking(run).rows[0].means["all cells"] for run in alike)
    assert wide.value == narrow.value
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_detectors_are_ranked_away_from_home():
    specialist, generalist = falling(home=0.99, away=0.5, kin=0.55), falling(home=0.8, away=0.75, kin=0.75)

    def skill(detector, *where):
        return (specialist if detector == "alpha" else generalist)(detector, *where)

    found = ranking(make_run(skill))
    assert [(row.rank, row.detector) for row in found.rows] == [(1, "beta"), (2, "alpha")]
    assert found.ranked_by == "off-diagonal"


def test_a_protocol_without_foreign_ground_ranks_at_home():
    run = make_run()
    keep = run.cells["train"] == run.cells["test"]
    found = ranking(replace(run, cells=run.cells[keep]))
    assert found.ranked_by == "diagonal"
    assert math.isnan(found.rows[0].drop)
    assert found.rows[0].rank == 1


def test_missing_cells_cost_the_rank_and_are_counted():
    run = make_run(detectors=["alpha", "beta", "gamma"])
    hole = (run.cells["detector"] == "alpha") & (run.cells["test"] == "kiln")
    gone = run.cells["detector"] == "beta"
    found = ranking(without(without(run, hole, "failed", "OSError: no"), gone, "skipped", "no weights"))
    rows = {row.detector: row for row in found.rows}
    assert [rows[name].rank for name in ("gamma", "alpha", "beta")] == [1, None, None]
    assert (rows["alpha"].means["off-diagonal"].cells, rows["alpha"].means["off-diagonal"].planned) == (9, 12)
    assert rows["alpha"].reasons == ("failed 4 of 16 cells: OSError: no",)
    assert math.isnan(rows["alpha"].drop)
    assert rows["beta"].reasons == ("skipped 16 of 16 cells: no weights",)
    assert math.isnan(rows["beta"].means["all cells"].value)


def test_a_seed_that_lacks_cells_is_left_out_of_the_spread():
    run = make_run(detectors=["alpha"], seeds=(0, 1, 2))
    hole = (run.cells["seed"] == 2) & (run.cells["test"] == "kiln")
    table, mean = cells_table(without(run, hole)), ranking(without(run, hole)).rows[0].means["all cells"]
    two = table[table["seed"] < 2].groupby("seed")["accuracy"].mean()
    assert mean.spread == pytest.approx(two.std())


def test_degradations_are_shown_one_by_one():
    found = ranking(make_run(degraded=True, n=200))
    means = found.rows[0].means
    assert list(means) == ["none", "degraded", "jpeg:65", "blur:1", "all cells"]
    assert means["degraded"].value == pytest.approx((means["jpeg:65"].value + means["blur:1"].value) / 2)
    assert found.rows[0].drop == pytest.approx(means["none"].value - means["degraded"].value)
    assert found.ranked_by == "degraded"


def test_an_undefined_measure_is_not_averaged_away():
    run = make_run(detectors=["alpha"])
    one_class = (run.scores["key"] == run.cells["key"].iloc[0]) & (run.scores["label"] == 0)
    row = ranking(with_scores(run, run.scores[~one_class])).rows[0]
    assert math.isnan(row.metrics["ap"])
    assert row.means["all cells"].complete


def test_speed_is_that_of_this_version_on_this_device():
    run = make_run(detectors=["alpha"])
    others = [run.throughput.assign(images_per_s=9999.0, recipe="alpha.0.small")]
    others += [run.throughput.assign(images_per_s=9999.0, device="cuda")]
    others += [run.throughput.assign(images_per_s=9999.0, recipe="alpha.1.small.tune='top'")]
    timed = replace(run, throughput=pd.concat([run.throughput, *others]))
    assert ranking(timed).rows[0].images_per_s == 100.0
    assert ranking(replace(run, throughput=others[-1])).rows[0].images_per_s == 9999.0  # of cells with options
    assert math.isnan(ranking(replace(run, throughput=run.throughput.iloc[:0])).rows[0].images_per_s)


def test_a_speed_that_other_work_disturbed_is_taken_where_there_is_no_other_and_marked():
    run = make_run(detectors=["alpha"])
    busy = run.throughput.assign(images_per_s=120.0, disturbed=True)
    both = replace(run, throughput=pd.concat([busy, run.throughput]))
    row, alone = ranking(both).rows[0], ranking(replace(run, throughput=busy)).rows[0]
    assert (row.images_per_s, row.disturbed) == (100.0, False)
    assert (alone.images_per_s, alone.disturbed) == (120.0, True)
    assert (row.images_per_s_low, row.images_per_s_high) == (90.0, 110.0)


def test_what_the_census_of_a_further_data_set_warns_of_is_said():
    run = make_run()
    further = replace(run.manifest.data, warnings=("3 files cannot be used",))
    assert (
        "photographs: 3 files cannot be used" in ranking(with_manifest(run, further={"photographs": further})).notices
    )


def test_runs_of_one_question_are_joined():
    runs = [make_run(seeds=(0,)), make_run(seeds=(1,)), make_run(detectors=["gamma"])]
    joined = join_runs(runs)
    assert len(joined) == 1
    assert sorted(joined[0].manifest.detectors) == ["alpha", "beta", "gamma"]
    found = {row.detector: row for row in rankings(runs)[0].rows}
    assert {name: row.seeds for name, row in found.items()} == {"alpha": 2, "beta": 2, "gamma": 1}
    assert found["alpha"].means["all cells"].planned == 32
    whole = {row.detector: row for row in ranking(make_run(seeds=(0, 1))).rows}
    assert found["alpha"].means["all cells"].value == pytest.approx(whole["alpha"].means["all cells"].value)


def test_the_same_run_twice_counts_once():
    run = make_run()
    assert join_runs([run, run])[0].cells.equals(run.cells)
    assert len(join_runs([run, run])[0].scores) == len(run.scores)


def test_a_cell_scored_in_one_run_fills_the_hole_of_another():
    run = make_run()
    holed = without(run, run.cells["detector"].eq("beta"))
    for order in ([holed, run], [run, holed]):
        assert all(row.means["all cells"].complete for row in rankings(order)[0].rows)


@pytest.mark.parametrize(
    "change",
    [
        {"setting": "paper"},
        {"protocol": replace(make_run().manifest.protocol, name="another")},
        {"data": replace(make_run().manifest.data, digest="d2")},
        {"data": replace(make_run().manifest.data, title="photographs")},
        {"data": replace(make_run().manifest.data, images=100)},
        {"further": {"photographs": make_run().manifest.data}},
        {"runtime": RuntimeRecord("cpu", "bfloat16", "p", 64, 2)},
        {"runtime": RuntimeRecord("cpu", "float32", "p", 64, 2, degrade_on="device")},
    ],
)
def test_unlike_runs_are_never_ranked_together(change):
    run = make_run()
    found = rankings([run, with_manifest(make_run(detectors=["gamma"]), **change)])
    assert [sorted(row.detector for row in one.rows) for one in found] == [["alpha", "beta"], ["gamma"]]


def test_other_cells_are_another_question():
    run = make_run(detectors=["gamma"])
    part = replace(run, cells=run.cells[run.cells["train"] == "fog"])
    assert len(rankings([make_run(), part])) == 2


def test_two_versions_of_a_detector_are_refused():
    newer = with_detector(make_run(seeds=(1,)), "alpha", key="alpha.2.small")
    with pytest.raises(InputError, match=r"alpha appears as alpha\.1\.small and as alpha\.2\.small"):
        join_runs([make_run(), newer])


def test_two_scorings_of_one_cell_are_refused():
    other = make_run()
    other = replace(other, cells=other.cells.assign(key=other.cells["key"] + "'"))
    with pytest.raises(InputError, match="scores in two versions"):
        join_runs([make_run(), other])


def test_a_full_benchmark_is_evaluated_in_seconds():
    run = make_run(detectors=[f"d{i}" for i in range(24)], n=100)  # 384 cells of 200 images
    start = time.perf_counter()
    evaluate(run)
    assert time.perf_counter() - start < 5


def with_shortcut(run, detector):
    return with_detector(run, detector, shortcut="the names of the files")


def test_a_baseline_that_beats_chance_is_told_above_the_table_with_its_figure():
    ranked = ranking(with_shortcut(make_run(falling(home=0.9)), "beta"))
    (notice,) = ranked.notices
    mean = next(row for row in ranked.rows if row.detector == "beta").means["diagonal"]
    assert f"beta, which sees nothing but the names of the files, reaches {100 * mean.value:.1f}%" in notice
    assert "balanced accuracy where it was trained (chance 50%)" in notice


def test_a_baseline_at_chance_and_a_detector_are_not():
    assert ranking(with_shortcut(make_run(lambda *_: 0.5), "beta")).notices == ()
    assert ranking(make_run(falling(home=0.9))).notices == ()


def test_a_baseline_that_calls_everything_the_larger_class_tells_nothing_and_the_imbalance_is_told():
    run = with_shortcut(make_run(lambda *_: 0.7), "beta")
    few = run.scores["label"].eq(0) | run.scores["name"].str[-8:-4].lt("0010")  # 50 real, 10 generated images
    unbalanced = with_scores(run, run.scores[few].assign(score=np.float32(0.1)))
    (notice,) = ranking(unbalanced).notices
    assert notice.startswith("Unbalanced: in 32 of 32 cells the larger class has more than 60% of the images")
    assert "(50 real, 10 generated), where calling all of them that is 83.3% accurate" in notice


def test_a_baseline_that_knows_both_classes_of_unbalanced_cells_is_told():
    run = with_shortcut(make_run(lambda *_: 0.8), "beta")
    few = run.scores["label"].eq(0) | run.scores["name"].str[-8:-4].lt("0010")
    shortcut, unbalanced = ranking(with_scores(run, run.scores[few])).notices
    assert shortcut.startswith("Shortcut: beta")
    assert unbalanced.startswith("Unbalanced")


def chance_by_detector(run):
    return {row.detector: row.at_chance for row in ranking(run).rows}


def test_a_detector_whose_diagonal_interval_holds_a_half_is_at_chance():
    run = make_run(lambda detector, *_: 0.5 if detector == "alpha" else 0.8)
    assert chance_by_detector(run) == {"alpha": True, "beta": False}
    own = make_run(lambda detector, train, test, *_: 0.9 if detector == "alpha" or train != test else 0.1)
    assert chance_by_detector(own) == {"alpha": False, "beta": False}  # worse than chance is not chance


def test_a_detector_that_calls_all_images_of_unbalanced_cells_real_is_at_chance():
    run = make_run(lambda *_: 0.8)
    few = run.scores["label"].eq(0) | run.scores["name"].str[-8:-4].lt("0010")
    unbalanced = with_scores(run, run.scores[few])
    assert chance_by_detector(unbalanced) == {"alpha": False, "beta": False}
    real = unbalanced.scores.assign(score=np.float32(0.1))
    constant = with_scores(unbalanced, real)
    assert ranking(constant).rows[0].means["diagonal"].value == 0.5
    assert cells_table(constant)["accuracy"].min() > 0.8
    assert chance_by_detector(constant) == {"alpha": True, "beta": True}


def test_what_has_no_diagonal_is_not_called_at_chance():
    run = make_run(lambda *_: 0.5)
    home = run.cells["train"].eq(run.cells["test"])
    assert not any(chance_by_detector(without(run, home)).values())


def test_warnings_of_the_census_are_told_above_the_table():
    warned = with_data(make_run(), warnings=("leakage: everywhere",))
    assert ranking(warned).notices == ("leakage: everywhere",)


def test_base_degradations_of_one_question_stand_side_by_side():
    plain, other = make_run(falling(away=0.7)), make_run(falling(away=0.5), noise=1)
    other = with_data(other, base_degradation="canonical:jpeg96", digest="d2", files="d1")
    ranked = rankings([plain, other])
    (comparison,) = base_degradation_tables(ranked)
    detector, none, canonical, change = comparison.columns
    assert (none.header, canonical.header, change.header) == (
        "none", "canonical:jpeg96", "canonical:jpeg96 - none"
    )  # fmt: skip
    for place, name in enumerate(detector.texts):
        before, after = (
            next(row for row in one.rows if row.detector == name).means["off-diagonal"].value for one in ranked
        )
        assert change.texts[place] == f"{100 * (after - before):+.1f}"
    assert base_degradation_tables(ranked[:1]) == []
    elsewhere = with_data(other, files="d3")
    assert base_degradation_tables(rankings([plain, elsewhere])) == []  # other files


def one_rare_generator(run, kept=1):
    """The same run with few generated images of kiln, all of them called real."""
    kiln = run.scores["key"].isin(run.cells.loc[run.cells["test"].eq("kiln"), "key"])
    generated = kiln & run.scores["label"].eq(1)
    few = ~generated | run.scores["name"].str[-8:-4].lt(f"{kept:04d}")
    return with_scores(run, run.scores.assign(score=run.scores["score"].mask(generated, np.float32(0.1)))[few])


def test_one_unbalanced_cell_makes_averages_ranks_and_matrices_balanced_and_is_named():
    run = one_rare_generator(make_run(n=150))
    found, table = ranking(run), cells_table(run)
    kiln = table["test"].eq("kiln")
    assert set(table.loc[kiln, "n_generated"]) == {1}
    assert set(table.loc[~kiln, "n_generated"]) == {150}
    assert table["ranked_accuracy"].equals(table["accuracy"].where(~kiln, table["balanced_accuracy"]))
    assert (table.loc[kiln, "ranked_accuracy"] < 0.51).all()
    assert (table["accuracy_low"] <= table["accuracy"]).all()  # the interval beside the accuracy is its own
    assert (table["accuracy"] <= table["accuracy_high"]).all()
    assert found.accuracy == "balanced accuracy"
    for row in found.rows:
        mean = row.means["all cells"]
        own = table[table["detector"] == row.detector]
        assert mean.value == pytest.approx(own["balanced_accuracy"].mean())
        assert mean.low < mean.value < mean.high
        assert (row.real_images, row.generated_images) == ((150, 150), (1, 150))
    assert matrix(table, "alpha", run.manifest.protocol)["kiln"].max() < 0.51
    (notice,) = found.notices
    assert notice.startswith("Unbalanced: in 8 of 32 cells the larger class has more than 60% of the images")
    assert "most of all in kiln (150 real, 1 generated), where calling all of them that is 99.3% accurate" in notice


def test_what_calls_all_images_real_is_not_ranked_up_by_rare_generators():
    def skill(detector, train, test, *_):
        return 0.9 if detector == "beta" and test == "kiln" else 0.75

    run = make_run(skill)
    alpha = run.cells["detector"].eq("alpha") & run.cells["test"].eq("kiln")
    real = run.scores["key"].isin(run.cells.loc[alpha, "key"])
    few = (
        run.scores["label"].eq(0) | run.scores["name"].str[-8:-4].lt("0002") | ~run.scores["name"].str.contains("kiln")
    )
    scores = run.scores.assign(score=run.scores["score"].mask(real, np.float32(0.1)))
    assert [row.detector for row in ranking(with_scores(run, scores[few])).rows] == ["beta", "alpha"]


def test_a_slight_imbalance_is_named_in_the_table_and_needs_no_warning():
    found = ranking(one_rare_generator(make_run(), kept=48))
    assert found.accuracy == "balanced accuracy"
    assert found.notices == ()


def test_cells_that_the_data_cannot_answer_are_in_no_average_and_cost_no_rank():
    run = make_run(detectors=["alpha", "beta"])
    lost = without(run, run.cells["test"].eq("kiln"), "unasked", "kiln has no real images in its val split")
    found = ranking(without(lost, lost.cells["key"].eq("beta/fog/fog/none/0"), "failed", "no room"))
    rows = {row.detector: row for row in found.rows}
    assert all(row.rank is not None for row in found.rows)
    assert rows["alpha"].reasons == ()
    assert rows["alpha"].means["all cells"].complete
    assert (rows["alpha"].means["off-diagonal"].planned, rows["alpha"].means["diagonal"].planned) == (9, 3)
    assert rows["beta"].reasons == ("failed 1 of 16 cells: no room",)
    whole, left_out = found.notices
    assert whole.startswith("This board is not whole: ")
    assert left_out == "Left out: 8 of 32 cells, of every average alike: kiln has no real images in its val split."
