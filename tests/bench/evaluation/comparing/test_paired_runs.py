"""Two detectors on the cells and images that both have scores of."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from bench.evaluation.cells import evaluate
from bench.evaluation.comparing.paired_runs import pair_runs
from bench.evaluation.comparing.sides import choose_sides
from bench.platform.errors import InputError
from bench.records import columns
from bench.records.manifest import ALL_CELLS
from tests.support.synthetic_runs import GENERATORS, make_run, with_scores, without


def paired(*runs, detectors=()):
    return pair_runs(*choose_sides(runs, detectors)[0])


def averages(found):
    measured = evaluate(found.run)
    return [measured.averages[title][ALL_CELLS]["ranked_accuracy"].value for title in found.titles]


def test_both_keep_their_cells_and_values():
    run = make_run(seeds=(0, 1))
    found, measured = paired(run), evaluate(run)
    assert averages(found) == [
        measured.averages[name][ALL_CELLS]["ranked_accuracy"].value for name in ("alpha", "beta")
    ]
    first, second = found.masks()
    question = ["train", "test", "degradation", "seed"]
    pairs = [found.run.cells.loc[mask, question].reset_index(drop=True) for mask in (first, second)]
    pd.testing.assert_frame_equal(*pairs)
    assert len(pairs[0]) == 2 * len(GENERATORS) ** 2
    assert found.left_out == ()


def test_a_run_against_itself_has_two_of_each_cell():
    run = make_run()
    found = paired(run, run)
    assert len(found.run.cells) == len(run.cells)
    assert found.run.cells["key"].is_unique
    one, other = averages(found)
    assert one == other


def test_cells_of_one_alone_are_left_out_and_counted():
    run = make_run()
    gone = run.cells["detector"].eq("beta") & run.cells["test"].eq("fog")
    found = paired(without(run, gone))
    assert len(found.run.cells) == 2 * 12
    assert found.left_out == ("4 of 16 cells of alpha alone have scores.",)


def test_images_are_paired_by_name_whatever_their_order():
    run = make_run(n=20)
    later = make_run(n=20, noise=1)
    kept = later.scores[~later.scores["name"].isin(["val/nature/0000.jpg", "val/nature/0007.jpg"])]
    found = paired(run, with_scores(later, kept.sample(frac=1, random_state=0)), detectors=("alpha",))
    assert found.left_out == ("2 images of alpha (first run) alone have scores in some of these cells.",)
    for (_, one), (_, other) in zip(*_cells(found), strict=True):
        assert one.images is other.images
        assert len(one.images) == 38
    theirs = kept[kept["key"].str.startswith("alpha/fog/haze/")].sort_values("name")
    place = found.run.cells.query("train == 'fog' and test == 'haze'").index[0]
    np.testing.assert_array_equal(_cells(found)[1][place][1].scores, theirs["score"])


def _cells(found):
    return [[(key, found.run.score_table[key]) for key in found.run.cells.loc[mask, "key"]] for mask in found.masks()]


def test_labels_at_odds_are_refused():
    run = make_run(n=5)
    wrong = run.scores.assign(label=run.scores["label"].where(run.scores["name"].ne("val/nature/0003.jpg"), 1))
    with pytest.raises(InputError, match=r"val/nature/0003.jpg is real for alpha .first run. and generated for alpha"):
        paired(run, with_scores(run, wrong))


def test_other_sources_are_told_and_the_first_ones_count():
    run = make_run(n=5)
    other = with_scores(run, run.scores.assign(source=run.scores["source"] + "x"))
    found = paired(run, other, detectors=("alpha",))
    assert found.left_out == ("25 images have other sources for the two; those of alpha (first run) count.",)
    assert set(found.run.scores["source"]) == set(run.scores["source"])


def test_nothing_in_common_is_refused_with_what_there_is():
    run = make_run(n=5)
    with pytest.raises(InputError, match=r"no cell has scores of both: alpha .first run. has seeds 0, test sets fog"):
        paired(run, make_run(seeds=(1,), n=5))
    renamed = with_scores(run, run.scores.assign(name="other/" + run.scores["name"]))
    with pytest.raises(InputError, match=r"no image is common to alpha .first run. and alpha .second run. by name"):
        paired(run, renamed)


def test_what_was_not_trained_is_paired_with_every_training():
    run = make_run(seeds=(0, 1))
    cells, beta = run.cells, run.cells["detector"].eq("beta")
    asked_once = beta & cells["train"].eq("fog") & cells["seed"].eq(0)
    cells = cells[~beta | asked_once].reset_index(drop=True)
    trains = [name for name in cells if name.startswith("train")]
    cells.loc[cells["detector"].eq("beta"), trains] = ""
    released = replace(run, cells=cells)
    for names in (("alpha", "beta"), ("beta", "alpha")):
        found = paired(released, detectors=names)
        first, second = found.masks()
        assert first.sum() == second.sum() == 2 * 16
        assert set(found.run.cells["train"]) == set(GENERATORS)
        alike = found.run.cells.loc[first, ["test", "seed"]].to_numpy() == found.run.cells.loc[second, ["test", "seed"]]
        assert alike.to_numpy().all()
        assert found.left_out == ()
        by_name = dict(zip(names, averages(found), strict=True))
        theirs = evaluate(released).averages
        assert by_name["beta"] == pytest.approx(theirs["beta"][ALL_CELLS]["ranked_accuracy"].value)


def test_generators_named_go_with_the_cells():
    run = make_run(n=5)
    cells = run.cells.assign(task="generator")
    rows = run.scores[["key", "name", "label"]]
    made = np.where(rows["label"].eq(1), rows["name"].str.split("/").str[1], "")
    named = np.where(rows["key"].str.startswith("alpha"), made, "nobody")
    diagnostics = rows[["key", "name"]].assign(**{columns.GENERATOR: made, columns.PREDICTED: named})
    found = paired(replace(run, cells=cells, diagnostics=diagnostics))
    assert averages(found) == [1.0, 0.0]
