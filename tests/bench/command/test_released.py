"""Released checkpoints: from what is typed to the board, resumed, replaced, missing and side by side."""

import json
import shutil
import signal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.images import image_set
from bench.records.store import Store
from detectors.training.network_detector import NetworkDetector
from detectors.weight_file import hashed_file
from detectors.weights import released
from detectors.weights.released import Checkpoint
from protocols.degradations import Degradation
from tests.support.command_line import one_line
from tests.support.networks import save_tiny_ladeda as save

STEPS = "jpeg:90,jpeg:70,blur:0.5,blur:1,lr:32,lr:24"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Timing takes many of the seconds of so small a run."""
    monkeypatch.setattr("bench.request.execution.time_detectors", lambda *_: pd.DataFrame())


@pytest.fixture
def checkpoint(tmp_path):
    return save(tmp_path / "weights" / "a.pth", 1)


@pytest.fixture
def released_run(lineup, data, tmp_path):
    """Run the protocol; gives the board and the cells by row and generator."""

    def run(rows, *arguments, out="out", code=0):
        usual = ("run", "--protocol", "released", "--data", data, "--detectors", ",".join(map(str, rows)))
        done = lineup(*usual, "--out", tmp_path / out, *arguments)
        assert done.returncode == code, done.stderr
        return done, tmp_path / out

    return run


def board(out):
    return pd.read_csv(out / "leaderboard.csv").set_index("detector")


def test_a_checkpoint_stands_on_every_generator_with_its_measures(released_run, checkpoint):
    done, out = released_run([f"tiny_ladeda@{checkpoint}"])
    row = board(out).loc["tiny_ladeda@a.pth"]
    assert (row["checkpoint"], row["sha256"]) == ("a.pth", hashed_file(checkpoint).sha256)
    assert row["trained_on"] == "unknown"
    assert "no digest of this checkpoint is known to the registry" in " ".join(done.stdout.split())
    cells = pd.read_csv(out / "generators.csv")
    assert set(cells["test"]) == {"even", "faint", "odd"}
    assert set(cells["seen_in_training"]) == {"unknown"}
    assert row["all cells value"] == pytest.approx(cells["accuracy"].mean())
    assert row["generator worst"] == pytest.approx(cells["accuracy"].min())
    assert row["generator where"] == cells.loc[cells["accuracy"].idxmin(), "test"]


def test_scores_are_those_of_lineup_score(released_run, lineup, checkpoint, data, tmp_path):
    _, out = released_run([f"tiny_ladeda@{checkpoint}"])
    table = tmp_path / "scores.csv"
    done = lineup("score", data, "--detectors", f"tiny_ladeda@{checkpoint}", "--out", table)
    assert done.returncode == 0, done.stderr
    alone = pd.read_csv(table).set_index("name")
    run = pd.concat(map(pd.read_parquet, (out / "scores").glob("*.parquet"))).drop_duplicates("name").set_index("name")
    assert len(run) > 10
    assert run["score"].to_numpy() == pytest.approx(alone.loc[run.index, "score"].to_numpy(), abs=1e-6)
    assert run["log_odds"].to_numpy() == pytest.approx(alone.loc[run.index, "log_odds"].to_numpy(), abs=1e-4)


def test_what_a_checkpoint_saw_in_training_is_marked(released_run, checkpoint, monkeypatch):
    entry = Checkpoint(
        detector="tiny_ladeda",
        name="known",
        file="a.pth",
        page="https://example.org",
        licence="MIT",
        layout="",
        training="even",
        trained_on=("Even",),
        sha256=hashed_file(checkpoint).sha256,
        bytes=checkpoint.stat().st_size,
    )
    monkeypatch.setattr(released, "released_checkpoints", lambda: (entry,))
    done, out = released_run(["tiny_ladeda@known"], "--weights-dir", checkpoint.parent)
    assert board(out).loc["tiny_ladeda@known", "trained_on"] == "Even"
    cells = pd.read_csv(out / "generators.csv").set_index("test")
    assert cells["seen_in_training"].to_dict() == {"even": "yes", "odd": "no", "faint": "no"}
    header, _, first = (out / "generators.md").read_text().splitlines()[2:5]
    columns = [cell.strip() for cell in header.split("|")]
    marked = [column for column, cell in zip(columns, first.split("|"), strict=True) if cell.strip().endswith("*")]
    assert marked == ["even"]
    assert "no digest" not in done.stdout


def test_checkpoints_of_one_detector_stand_side_by_side(released_run, checkpoint):
    other = save(checkpoint.with_name("b.pth"), 2)
    _, out = released_run([f"tiny_ladeda@{checkpoint}", f"tiny_ladeda@{other}", f"tiny_ladeda:input=crop@{checkpoint}"])
    assert set(board(out).index) == {"tiny_ladeda@a.pth", "tiny_ladeda@b.pth", "tiny_ladeda:input=crop@a.pth"}
    assert sorted(path.name for path in out.glob("matrix-*.csv")) == [
        "matrix-tiny_ladeda@a.pth.csv",
        "matrix-tiny_ladeda@b.pth.csv",
        "matrix-tiny_ladeda_input=crop@a.pth.csv",
    ]


def test_of_a_replaced_file_nothing_old_is_served(released_run, checkpoint):
    _, out = released_run([f"tiny_ladeda@{checkpoint}"])
    before = pd.read_csv(out / "generators.csv")
    save(checkpoint, 3)
    done, out = released_run([f"tiny_ladeda@{checkpoint}"], "--replace")
    after = pd.read_csv(out / "generators.csv")
    assert "cells reused" not in done.stderr
    assert not np.allclose(before["roc_auc"], after["roc_auc"])
    assert board(out).loc["tiny_ladeda@a.pth", "sha256"] == hashed_file(checkpoint).sha256
    again, _ = released_run([f"tiny_ladeda@{checkpoint}"])
    assert "3 cells reused" in again.stderr


def test_one_that_is_missing_has_its_reason_and_the_others_their_scores(released_run, checkpoint, tmp_path):
    _, out = released_run(["tiny_ladeda@wildrf", f"tiny_ladeda@{checkpoint}"], "--weights-dir", tmp_path / "nowhere")
    rows = board(out)
    assert "run `lineup weights get tiny_ladeda@wildrf`" in rows.loc["tiny_ladeda@wildrf", "reasons"]
    assert str(tmp_path / "nowhere") in rows.loc["tiny_ladeda@wildrf", "reasons"]
    assert rows.loc["tiny_ladeda@a.pth", "all cells cells"] == 3


def test_several_data_sets_stand_on_one_board(lineup, data, checkpoint, tmp_path):
    usual = ("run", "--protocol", "released", "--detectors", f"tiny_ladeda@{checkpoint}", "--out", tmp_path / "out")
    assert lineup(*usual, "--data", data).returncode == 0
    odds = pd.read_parquet(next((tmp_path / "out" / "scores").glob("*.parquet")))["log_odds"]
    save(checkpoint, 1, bias=-1 - odds.median())  # so that it calls some images real and some generated
    fewer = tmp_path / "fewer"
    shutil.copytree(data, fewer, ignore=shutil.ignore_patterns("even"))
    done = lineup(*usual, "--replace", "--data", f"{data},{fewer}")
    assert done.returncode == 0, done.stderr
    row = board(tmp_path / "out").iloc[0]
    cells = pd.read_csv(tmp_path / "out" / "generators.csv", keep_default_na=False)
    assert len(cells) == 5
    means = cells.groupby("test_data")["accuracy"].mean()
    assert set(means.index) == {"", str(fewer)}
    assert means.nunique() == 2
    assert row["test_data mean"] == pytest.approx(means.mean())
    assert row["test_data worst"] == pytest.approx(means.min())
    assert row["test_data where"] == (means.idxmin() or "the first")
    refused = lineup("run", "--data", f"{data},{data}", "--detectors", "hog_svm", "--out", tmp_path / "other")
    assert "does not exist" in one_line(refused) or "no such" in one_line(refused).lower()


@pytest.mark.slow
def test_every_image_is_decoded_once_and_degraded_once_for_all(released_run, checkpoint, monkeypatch):
    rows = [f"tiny_ladeda@{save(checkpoint.with_name(f'{seed}.pth'), seed)}" for seed in range(1, 4)]
    decoded, degraded = [], []
    decode, degrade = image_set.decode, Degradation.__call__
    monkeypatch.setattr(
        image_set, "decode", lambda data, where, *more: decoded.append(where) or decode(data, where, *more)
    )
    monkeypatch.setattr(Degradation, "__call__", lambda one, sample: degraded.append(one.name) or degrade(one, sample))
    # another backend than torch is compared with it on a few images, which are decoded for that
    _, out = released_run(rows, "--degradations", STEPS, "--limit", "2", "--backend", "torch")
    cells = json.loads((out / "manifest.json").read_text())["cells"]
    assert len(cells) == 3 * 3 * 7
    images = len(set(decoded))
    assert len(decoded) == images
    assert {step: degraded.count(step) for step in STEPS.split(",")} == dict.fromkeys(STEPS.split(","), images)


def test_released_rows_stand_apart_on_a_board_of_trained_ones(lineup, data, checkpoint, tmp_path):
    done = lineup("run", "--data", data, "--detectors", f"hog_svm,tiny_ladeda@{checkpoint}", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    rows = board(tmp_path / "out")
    assert rows.loc["hog_svm", "rank"] == rows.loc["tiny_ladeda@a.pth", "rank"] == 1
    assert rows.loc["hog_svm", "all cells planned"] == 9
    assert rows.loc["tiny_ladeda@a.pth", "all cells planned"] == 3
    assert "(released checkpoints)" in done.stdout


def test_each_that_is_missing_has_a_reason_of_its_own(released_run, tmp_path):
    _, out = released_run(["rine"], "--weights-dir", tmp_path / "nowhere")
    rows = board(out)
    assert len(rows) == 4
    for name, reasons in rows["reasons"].items():
        assert f"{name} is not on this machine: run `lineup weights get {name}`" in reasons


def test_one_that_is_named_without_a_checkpoint_is_not_left_out(lineup, data, checkpoint, tmp_path):
    usual = ("run", "--protocol", "released", "--data", data, "--out", tmp_path, "--detectors")
    refused = one_line(lineup(*usual, f"hog_svm,tiny_ladeda@{checkpoint}"))
    assert "no released checkpoint of hog_svm is known" in refused


def test_what_cannot_be_a_row_is_one_line(lineup, data, tmp_path):
    usual = ("run", "--protocol", "released", "--data", data, "--out", tmp_path, "--detectors")
    assert "no released checkpoint of hog_svm is known" in one_line(lineup(*usual, "hog_svm"))
    assert "names no checkpoint behind the @" in one_line(lineup(*usual, "cnnspot@"))
    assert "no detector is named 'cnspot'" in one_line(lineup(*usual, "cnspot@x.pth"))
    assert "option input cannot be 'crops'" in one_line(lineup(*usual, "cnnspot:input=crops@x.pth"))
    assert "--setting small is for what is trained" in one_line(lineup(*usual, "npr@NPR", "--setting", "small"))
    assert "no published table is about 'GenImagee'" in one_line(lineup(*usual, "npr", "--data-name", "GenImagee"))


def killed_at(moment, patch):
    """Let a signal stop the run as it decodes, scores or writes for that time; gives the times so far."""
    times = []

    def dying(function):
        def call(*arguments, **named):
            times.append(function)
            if len(times) == moment:
                signal.raise_signal(signal.SIGINT)
            return function(*arguments, **named)

        return call

    for owner, name in ((image_set, "decode"), (NetworkDetector, "answer"), (Store, "record"), (Store, "write")):
        patch.setattr(owner, name, dying(getattr(owner, name)))
    return times


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_a_run_goes_on_where_another_stopped(released_run, checkpoint, environment, monkeypatch, kills):
    rows, arguments = [f"tiny_ladeda@{checkpoint}"], ("--degradations", "jpeg:70", "--limit", "2", "--batch-size", "2")
    with monkeypatch.context() as patch:
        times = killed_at(0, patch)
        _, whole = released_run(rows, *arguments, out="whole")
    expected = pd.read_csv(whole / "generators.csv")["roc_auc"].tolist()
    for moment in 1 + np.random.default_rng(0).choice(len(times), kills, replace=False):
        shutil.rmtree(Path(environment["LINEUP_CACHE"]) / "answers")
        with monkeypatch.context() as patch:
            killed_at(moment, patch)
            released_run(rows, *arguments, out=f"killed{moment}", code=130)
        _, out = released_run(rows, *arguments, out=f"killed{moment}")
        assert pd.read_csv(out / "generators.csv")["roc_auc"].tolist() == expected


@pytest.mark.slow
def test_a_published_figure_stands_beside_what_was_measured(released_run, checkpoint, monkeypatch):
    entry = Checkpoint(
        detector="tiny_ladeda", name="known", file="a.pth", page="https://example.org", licence="MIT", layout="",
        training="ProGAN", trained_on=("ProGAN",), sha256=hashed_file(checkpoint).sha256,
        bytes=checkpoint.stat().st_size, published_as={"Somewhere": "Ours"},
    )  # fmt: skip
    monkeypatch.setattr(released, "released_checkpoints", lambda: (entry,))
    figures = pd.DataFrame(
        [
            ("Somewhere (3)", "Ours", "ProGAN", "even", "accuracy_%", 80.0),
            ("Somewhere (3)", "Ours", "ProGAN", "odd", "AP_%", 70.0),
            ("Somewhere (3)", "Ours", "ProGAN 4-class", "odd", "AP_%", 71.0),  # on a part of it
            ("Somewhere (3)", "Ours", "ADM", "even", "accuracy_%", 99.0),  # trained on something else
            ("Elsewhere", "Ours", "ProGAN", "even", "accuracy_%", 98.0),
            ("Somewhere (3)", "Theirs", "ProGAN", "even", "accuracy_%", 97.0),
        ],
        columns=["benchmark", "detector", "train_on", "test_on", "metric", "value"],
    ).assign(protocol="one training", degradation="none", source="a paper", source_table="Table 1")
    monkeypatch.setattr("bench.report.sections.reported._published", lambda: figures)
    arguments = ("--weights-dir", checkpoint.parent, "--data-name", "somewhere")
    done, out = released_run(["tiny_ladeda@known"], *arguments)
    rows = pd.read_csv(out / "reported.csv")
    found = rows[["generator", "metric", "reported"]].itertuples(index=False, name=None)
    assert sorted(found) == [("even", "accuracy", 0.8), ("odd", "ap", 0.7)]
    assert ((rows["low"] <= rows["measured"]) & (rows["measured"] <= rows["high"])).all()
    assert rows["difference"].to_numpy() == pytest.approx((rows["measured"] - rows["reported"]).to_numpy())
    inside = (rows["low"] - 0.0005 <= rows["reported"]) & (rows["reported"] <= rows["high"] + 0.0005)
    assert (rows["holds"] == inside).all()
    assert "torch" in rows["versions"].iloc[0]
    assert "Reported and measured, Somewhere" in done.stdout
    assert "Table 1: one training" in " ".join(done.stdout.split())
    re_encoded = ("--base-degradation", "canonical:jpeg96")
    for other in (("tiny_ladeda:input=crop@known", ()), ("tiny_ladeda@known", re_encoded)):
        _, unlike = released_run([other[0]], *arguments, *other[1], "--replace", out="unlike")
        assert not (unlike / "reported.csv").exists()
    _, plain = released_run(["tiny_ladeda@known"], "--weights-dir", checkpoint.parent, out="plain")
    assert not (plain / "reported.csv").exists()
