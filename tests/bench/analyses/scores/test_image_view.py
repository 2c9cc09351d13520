"""What a run says of one image, against its rows of scores."""

import numpy as np
import pandas as pd
import pytest

from bench.analyses.scores.image_view import image_view
from bench.evaluation.cells import evaluate
from bench.platform.errors import InputError
from protocols.degradation import DegradationMatrix
from tests.support.synthetic_runs import GENERATORS, make_run, run_of, with_scores, without

ALL = DegradationMatrix(train_on=GENERATORS[:2], degradations=("jpeg:65", "blur:1"), test_all=True)
NAME, REAL = "val/kiln/0003.jpg", "val/nature/0004.jpg"


@pytest.fixture(scope="module")
def run():
    whole = run_of(ALL, lambda *_: 0.7, seeds=(0, 1), n=12)
    scores = whole.scores
    odds = np.where(scores["key"].str.startswith("alpha"), (scores["score"] - 0.5) * 10, np.nan)
    return with_scores(whole, scores.assign(log_odds=odds.astype(np.float32)))


@pytest.mark.parametrize("name", [NAME, REAL])
def test_answers_are_the_rows_of_the_image(run, name):
    found = image_view(evaluate(run), name)
    rows = run.cells.merge(run.scores, on="key")
    rows = rows[rows["name"] == name]
    assert len(found.answers) == len(rows) == 2 * 2 * 3 * 2 * (1 if name == NAME else 4)
    names = ["detector", "train", "test", "degradation", "seed"]
    pd.testing.assert_frame_equal(found.answers[names], rows[names].reset_index(drop=True), check_dtype=False)
    assert found.answers["score"].tolist() == pytest.approx(rows["score"].tolist())
    assert found.answers["log_odds"].to_numpy() == pytest.approx(rows["log_odds"].to_numpy(), nan_ok=True)
    assert found.answers["called_generated"].tolist() == (rows["score"] > 0.5).tolist()
    assert found.answers["correct"].tolist() == ((rows["score"] > 0.5) == (name == NAME)).tolist()


def test_what_it_is_is_told(run):
    generated, real = (image_view(evaluate(run), name) for name in (NAME, REAL))
    assert (generated.label, generated.generator, generated.data) == (1, "kiln", "")
    assert generated.source == run.scores.set_index("name").loc[NAME, "source"].iloc[0]
    assert (real.label, real.generator, real.source) == (0, "", "scene0004")


def test_flips_are_against_the_clean_copy_of_each_training(run):
    found = image_view(evaluate(run), NAME)
    rows = run.cells.merge(run.scores[run.scores["name"] == NAME], on="key")
    called = rows.assign(called=rows["score"] > 0.5).pivot_table(
        index=["detector", "train", "seed"], columns="degradation", values="called", aggfunc="first"
    )
    assert len(found.flips) == 2 * 2 * 2
    for flip in found.flips.itertuples():
        own = called.loc[(flip.detector, flip.train)]
        assert flip.flipped == (own[flip.degradation] != own["none"]).mean()
        assert flip.seeds == 2
    assert 0 < found.flips["flipped"].mean() < 1


def test_a_cell_without_scores_is_a_row_with_its_reason_and_leaves_no_flip(run):
    gone = run.cells["key"].eq("beta/fog/kiln/none/1") | run.cells["key"].eq("beta/fog/haze/none/1")
    found = image_view(evaluate(without(run, gone)), NAME)
    missing = found.answers[found.answers["status"].ne("scored")]
    assert missing[["detector", "test", "seed", "reason"]].to_numpy().tolist() == [
        ["beta", "kiln", 1, "its weights are not here"]
    ]
    assert missing[["score", "called_generated", "correct"]].isna().all(axis=None)
    flips = found.flips.set_index(["detector", "train", "degradation"])["flipped"]
    assert flips[flips.isna()].index.tolist() == [("beta", "fog", "jpeg:65"), ("beta", "fog", "blur:1")]


def test_without_degradations_nothing_flips():
    assert image_view(evaluate(make_run(n=12)), NAME).flips.empty


def test_an_unknown_name_is_refused_with_near_ones(run):
    with pytest.raises(InputError, match=r"is called 'kiln/0003.jpg'; near are val/kiln/0003.jpg"):
        image_view(evaluate(run), "kiln/0003.jpg")
    with pytest.raises(InputError, match=r"near are val/kiln/0003.jpg"):
        image_view(evaluate(run), "val/kiln/003.jpg")
    with pytest.raises(InputError, match=r"it scored 60 images, none with a name like it"):
        image_view(evaluate(run), "##")
    with pytest.raises(InputError, match=r"no image of elsewhere in this run"):
        image_view(evaluate(run), NAME, "elsewhere")


def test_a_name_of_two_data_sets_has_to_be_told_apart(run):
    cells = run.cells.copy()
    cells.loc[cells["train"].eq("haze"), "test_data"] = "other"
    measured = evaluate(with_scores(run, run.scores, cells=cells))
    with pytest.raises(InputError, match=r"is in several data sets \(the first, other\); say in which"):
        image_view(measured, NAME)
    found = image_view(measured, NAME, "other")
    assert set(found.answers["train"]) == {"haze"}
    assert (found.data, found.generator) == ("other", "")
