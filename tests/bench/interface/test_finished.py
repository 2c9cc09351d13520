"""A finished run as frames, figures and detectors."""

import re

import pandas as pd
import pytest

from bench.interface.finished import open_run
from bench.platform.errors import InputError
from bench.records.store import Store
from bench.request.run_folders.labels import RunLabels, write_labels
from tests.support.result_folders import store_run
from tests.support.synthetic_runs import make_run, without


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return open_run(store_run(make_run(), tmp_path_factory.mktemp("whole") / "run"))


@pytest.fixture
def broken(tmp_path):
    """A run of which one detector failed on one generator."""
    run = make_run()
    where = run.cells["detector"].eq("beta") & run.cells["test"].eq("fog")
    return open_run(store_run(without(run, where, "failed", "KeyError: <x>"), tmp_path / "run"))


def test_scores_are_those_that_are_stored_with_their_cells(whole):
    stored = Store(whole.folder).read()
    scores = whole.scores()
    assert len(scores) == len(stored.scores)
    assert sorted(scores["score"]) == sorted(stored.scores["score"])
    first = stored.cells.iloc[5]
    cell = (scores[["detector", "train", "test", "seed"]] == first[["detector", "train", "test", "seed"]]).all(axis=1)
    assert sorted(scores.loc[cell, "score"]) == sorted(
        stored.scores.loc[stored.scores["key"].eq(first["key"]), "score"]
    )


def test_a_board_ranks_by_what_is_asked(whole):
    board = whole.leaderboard()
    assert board["rank"].is_monotonic_increasing
    assert "ece" in whole.leaderboard(metrics=["ece"])
    assert set(whole.leaderboard(rank_by="roc_auc")["ranked_by"]) == {"ROC AUC"}
    with pytest.raises(InputError, match="Did you mean brier"):
        whole.leaderboard(metrics=["briar"])


def test_cells_and_failures_have_reasons(broken, whole):
    assert whole.failed.empty
    assert set(broken.failed["detector"]) == {"beta"}
    assert set(broken.failed["reason"]) == {"KeyError: <x>"}
    assert len(broken.failed) == broken.cells()["status"].eq("failed").sum() == 4
    assert "cells: 28 scored, 4 failed" in repr(broken)
    assert "failed: beta: KeyError: <x>" in repr(broken)
    html = broken._repr_html_()
    assert "KeyError: &lt;x&gt;" in html
    assert "<x>" not in html


def test_two_detectors_are_compared(whole):
    found = whole.compare("alpha", "beta").set_index("average")
    swapped = whole.compare("beta", "alpha").set_index("average")
    assert found["difference"].tolist() == (-swapped["difference"]).tolist()
    assert ((found["low"] <= found["difference"]) & (found["difference"] <= found["high"])).all()
    assert whole.compare("alpha", "beta").attrs["differences"] == []
    with pytest.raises(InputError, match="the run has no detector 'gamma'"):
        whole.compare("alpha", "gamma")


def test_a_figure_is_shown_and_saved(whole, tmp_path):
    figure = whole.figure("matrix")
    assert "data:image/svg+xml;base64," in figure._repr_html_()
    paths = figure.save(tmp_path / "matrix.svg")
    assert [path.read_text()[:4] for path in paths] == ["<svg"] * len(paths)
    figure.save(str(tmp_path / "matrix.csv"))
    assert len(pd.read_csv(tmp_path / "matrix.csv")) == len(figure.rows)
    with pytest.raises(InputError, match=re.escape("a figure is written as .svg")):
        figure.save(tmp_path / "matrix.gif")
    with pytest.raises(InputError, match=r"Did you mean matrix\?"):
        whole.figure("matrx")


def test_a_kept_detector_scores_as_the_run_did(ask, miniature, tmp_path):
    kept = ask(keep_fitted=True, out=tmp_path / "out")
    detector = kept.detector("checkerboard", train="even", device="cpu")
    scored = detector.score(miniature / "odd" / "val")
    rows = kept.scores().query("train == 'even' and test == 'odd'").set_index("name")["score"]
    assert scored["score"].tolist() == [rows[f"odd/val/{name}"] for name in scored["name"]]
    for asked, told in (({}, "has 3 fits of"), ({"train": "oddly"}, "has 0 fits as"), ({"seed": 1}, "has 0 fits as")):
        with pytest.raises(InputError, match=f"{told} checkerboard with .*; it has train='even' seed=0, train='faint'"):
            kept.detector("checkerboard", **asked)
    with pytest.raises(InputError, match="has no detector 'chekerboard'; it has checkerboard"):
        kept.detector("chekerboard")


def test_what_was_not_kept_cannot_be_loaded(whole):
    with pytest.raises(InputError, match="it has none that were kept: run with keep_fitted"):
        whole.detector("alpha")


def test_a_run_is_opened_by_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = store_run(make_run(detectors=["alpha"], n=3), tmp_path / "results" / "runs" / "first")
    write_labels(folder, RunLabels("best"))
    assert [open_run(text).folder.name for text in ("best", "first")] == ["first", "first"]
    with pytest.raises(InputError, match="no run below results/runs is called so; `lineup runs list` names them"):
        open_run("worst")


def test_a_folder_without_a_run_is_one_line(tmp_path):
    with pytest.raises(InputError, match=re.escape("holds no run (manifest.json is missing)")):
        open_run(tmp_path)
