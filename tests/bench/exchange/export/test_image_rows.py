"""The long table of scores: what scikit-learn computes from it is what the board has."""

import io

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, average_precision_score, roc_auc_score

from bench.evaluation.cells import evaluate
from bench.exchange.export.image_rows import ImageFacts, image_rows
from bench.report.export.forms import exact_csv
from tests.support.synthetic_runs import make_run, rng, with_manifest, with_scores, without


def with_log_odds(run):
    """The same run with log odds, some so high that their probabilities are all exactly 1."""
    scores = run.scores
    odds = np.log(scores["score"].astype(float) / (1 - scores["score"].astype(float)))
    high = scores["score"].gt(0.8).to_numpy()
    odds = np.where(high, 20 + 10 * rng("odds").random(len(odds)), odds).astype(np.float32)
    score = np.where(high, np.float32(1), scores["score"])
    return with_scores(run, scores.assign(score=score.astype(np.float32), log_odds=odds))


@pytest.fixture(scope="module")
def run():
    return with_log_odds(make_run(n=12))


def as_read(rows):
    """The rows as a reader of the file has them."""
    return pd.read_csv(io.BytesIO(exact_csv(rows, "scores.csv")), keep_default_na=False, na_values=[""])


@pytest.mark.parametrize("degraded", [False, True])
def test_scikit_learn_computes_the_numbers_of_the_board(run, degraded):
    if degraded:
        run = with_log_odds(make_run(degraded=True, n=12))
    table, place = evaluate(run).table, ["detector", "train", "test", "degradation", "seed"]
    found = dict(iter(as_read(image_rows(run)).groupby(place)))
    assert len(found) == len(table)
    for cell in table.to_dict(orient="records"):
        own = found[tuple(cell[name] for name in place)]
        assert accuracy_score(own["label"], own["decision"]) == pytest.approx(cell["accuracy"], abs=1e-12)
        assert roc_auc_score(own["label"], own["log_odds"]) == pytest.approx(cell["roc_auc"], abs=1e-12)
        assert average_precision_score(own["label"], own["log_odds"]) == pytest.approx(cell["ap"], abs=1e-12)


def test_every_number_comes_back_as_it_was(run):
    rows, back = image_rows(run), as_read(image_rows(run))
    for name in ("score", "log_odds"):
        assert np.array_equal(back[name].to_numpy(np.float32), rows[name].to_numpy())
    assert set(back["label"]) == set(back["decision"]) == {0, 1}
    assert set(zip(back["label"], back["class"], strict=True)) == {(0, "real"), (1, "generated")}


def test_what_is_not_known_is_missing_and_no_text():
    run = make_run(n=4)
    rows = as_read(image_rows(run))
    assert rows["log_odds"].isna().all()
    assert rows["path"].isna().all()
    assert rows["content_hash"].isna().all()
    assert rows.loc[rows["label"].eq(0), "generator"].isna().all()
    made = rows[rows["label"].eq(1)]
    assert (made["generator"] == made["test"]).all()


def test_facts_are_of_the_runs_own_data_alone():
    run = make_run(n=4)
    first = run.scores["name"].iloc[0]
    other = run.cells["test"].eq("fog")
    cells = run.cells.assign(test_data=np.where(other, "theirs", ""))
    known = {"path": "/a.jpg", "content_hash": "ab", "split": "test", "generator": "named"}
    facts = ImageFacts(pd.DataFrame([known], index=[first], dtype=object))
    rows = image_rows(with_scores(run, run.scores, cells=cells), facts)
    own = rows[rows["image"].eq(first)]
    assert set(own.loc[own["test_data"].eq(""), "path"]) <= {"/a.jpg"}
    assert own.loc[own["test_data"].eq("theirs"), ["path", "content_hash"]].isna().all(axis=None)


def test_cells_without_scores_have_no_rows_and_those_that_share_a_key_have_their_own():
    run = make_run(n=4)
    run = without(run, run.cells["detector"].eq("alpha"))
    rows = image_rows(run)
    assert set(rows["detector"]) == {"beta"}
    twice = run.cells[run.cells["detector"].eq("beta")].head(1).assign(test="haze")
    shared = with_manifest(run)
    shared = with_scores(shared, run.scores, cells=pd.concat([run.cells, twice], ignore_index=True))
    assert len(image_rows(shared)) == len(rows) + 8
