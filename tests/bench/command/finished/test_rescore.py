import json

import numpy as np
import pandas as pd
import pytest

from tests.support.command_line import call
from tests.support.result_folders import store_run
from tests.support.synthetic_runs import make_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return store_run(make_run(n=20), tmp_path_factory.mktemp("rescore") / "run")


def rescore(*arguments):
    return call({}, "rescore", *arguments)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_board_says_what_was_applied_and_the_run_stays(folder, tmp_path):
    before = contents(folder)
    done = rescore(folder, "--threshold", "0.3", "--metrics", "eer,nll", "--prevalence", "0.01", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Threshold 0.3 instead of 0.5." in " ".join(done.stdout.split())
    assert "precision at 1%" in done.stdout
    assert contents(folder) == before
    cells = pd.read_parquet(tmp_path / "cells.parquet")
    assert set(cells["applied"]) == {"Threshold 0.3 instead of 0.5."}
    board = pd.read_csv(tmp_path / "leaderboard.csv")
    assert {"eer", "eer low", "eer high", "nll low", "precision_at_prevalence_1pct high", "applied"} <= set(board)
    assert (board["eer low"] < board["eer"]).all()
    assert "Threshold 0.3" in (tmp_path / "leaderboard.md").read_text()
    assert json.loads((tmp_path / "leaderboard.json").read_text())[0]["applied"] == ["Threshold 0.3 instead of 0.5."]


def test_seen_columns_are_marked(folder):
    shown = rescore(folder, "--calibrate-on", "6", "--seed", "2").stdout
    for header in ("off-diagonal (seen)", "AP (seen)", "ROC AUC (seen)"):
        assert header in shown
    assert "a cell has 17 real and 17 generated" in " ".join(shown.split())


def test_a_threshold_of_an_oracle_marks_decisions_alone(folder):
    shown = rescore(folder, "--threshold", "oracle").stdout
    assert "balanced (oracle)" in shown
    assert "AP (oracle)" not in shown


def test_nothing_asked_is_the_board_of_the_run(folder):
    assert rescore(folder).stdout == call({}, "leaderboard", folder).stdout


def test_a_leaderboard_takes_metrics_and_what_ranks(folder, tmp_path):
    done = call({}, "leaderboard", folder, "--metrics", "worst_generator,tpr_at_fpr_1pct", "--rank-by", "eer",
                "--out", tmp_path)  # fmt: skip
    shown = " ".join(done.stdout.split())
    assert "Ranked by off-diagonal, EER (less is better; in order of its value" in shown
    assert "not measurable on 20 real images, from 100 on" in shown
    assert "differences of EER are not tested" in shown
    board = pd.read_csv(tmp_path / "leaderboard.csv")
    assert board["off-diagonal value"].is_monotonic_increasing
    assert (board["worst_generator low"] < board["worst_generator value"]).all()
    cells = pd.read_parquet(tmp_path / "cells.parquet")
    assert np.isnan(cells["tpr_at_fpr_1pct"]).all()
    assert cells["eer"].between(0, 1).all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--threshold", "1.5"], "--threshold '1.5' is neither a probability"),
        (["--threshold", "nan"], "--threshold 'nan' is neither a probability"),
        (["--threshold", "validation"], "lineup run --validation 0.2"),
        (["--calibrate", "platt"], "lineup run --validation 0.2"),
        (["--calibrate", "isotonic"], "choose temperature, platt"),
        (["--calibrate-on", "3"], "even number"),
        (["--calibrate-on", "40"], "give a smaller number"),
        (["--calibrate-on", "4", "--threshold", "0.4"], "give one"),
        (["--prevalence", "2"], "no share of generated images"),
        (["--positive", "fake"], "choose real or generated"),
        (["--metrics", "err"], "Did you mean eer?"),
        (["--rank-by", "worst_condition"], "choose worst_generator"),
    ],
)
def test_what_cannot_be_applied_is_one_line(folder, arguments, words):
    done = rescore(folder, *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_folder_of_a_run_is_never_written(folder, tmp_path):
    other = store_run(make_run(n=4), tmp_path / "other")
    for out in (folder, other):
        done = rescore(folder, "--out", out)
        assert done.returncode == 2
        assert "whose own tables stay as they are" in done.stderr
