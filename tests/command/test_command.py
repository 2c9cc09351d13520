"""What a user types and sees: results where they are promised, and one clear line for what cannot be used."""

import json

import pandas as pd
import pytest

from bench.cells import TABLE_COLUMNS
from bench.records import THROUGHPUT_COLUMNS
from tests.engine.miniature import SIZES


def one_line(done):
    """The only line that a refused command prints."""
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("lineup: ")]
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_run_leaves_what_it_promises(finished):
    root, _ = finished
    out = root / "cross_generator"
    names = {path.name for path in out.iterdir()}
    assert names >= {
        "manifest.json", "scores", "cells.parquet", "throughput.csv", "leaderboard.md", "leaderboard.csv",
        "leaderboard.json", "matrix-checkerboard.csv", "matrix-hog_svm.csv", "matrix.png",
    }  # fmt: skip
    cells = pd.read_parquet(out / "cells.parquet")
    assert tuple(cells.columns) == TABLE_COLUMNS
    assert len(cells) == 2 * 9
    assert set(cells["n"]) == {2 * SIZES["val"]}
    assert (cells["accuracy_low"] <= cells["accuracy"]).all()
    assert (cells["accuracy"] <= cells["accuracy_high"]).all()
    matrix = pd.read_csv(out / "matrix-checkerboard.csv", index_col=0)
    assert matrix.shape == (3, 3)
    assert matrix.loc["even", "odd"] == pytest.approx(
        cells.set_index(["detector", "train", "test"]).loc[("checkerboard", "even", "odd"), "accuracy"]
    )


def test_throughput_adds_up(finished):
    table = pd.read_csv(finished[0] / "cross_generator" / "throughput.csv")
    assert tuple(table.columns) == THROUGHPUT_COLUMNS
    assert set(table["detector"]) == {"checkerboard", "hog_svm"}
    assert (table["images_per_s_low"] <= table["images_per_s"]).all()
    assert (table["images_per_s"] <= table["images_per_s_high"]).all()
    stages = table[["decode_ms", "prepare_ms", "device_ms", "head_ms"]].sum(axis=1)
    assert (stages * table["images_per_s"] / 1000).between(0.5, 2).all()  # medians of parts and of the whole


def test_the_manifest_says_what_ran(finished):
    manifest = json.loads((finished[0] / "degradation" / "manifest.json").read_text())
    assert manifest["protocol"] == "degradation"
    assert manifest["setting"] == "embedded"
    assert manifest["data"]["kind"] == "folder"
    assert manifest["runtime"]["device"] == "cpu"
    assert manifest["detectors"]["hog_svm"]["card"]["paper"]
    assert {cell["degradation"] for cell in manifest["cells"]} >= {"none", "jpeg:65", "blur:3", "lr:64"}


def test_the_leaderboard_is_printed_with_its_data(finished):
    _, done = finished
    for protocol, title in (("cross_generator", "off-diagonal"), ("degradation", "degraded")):
        printed = done[protocol].stdout
        assert "Data: data. Setting: embedded." in printed
        assert title in printed
        assert "hog_svm" in printed


def test_repeating_a_command_decodes_nothing(finished, lineup, data):
    root, _ = finished
    again = lineup("run", "--data", data, "--detectors", "checkerboard,hog_svm", "--out", root / "cross_generator")
    assert "Done: 18 cells reused." in again.stderr
    assert again.stdout == finished[1]["cross_generator"].stdout


def test_leaderboard_and_matrix_come_from_result_folders(finished, lineup, tmp_path):
    root, done = finished
    shown = lineup("leaderboard", root / "cross_generator", root / "degradation", "--out", tmp_path / "tables")
    assert shown.returncode == 0
    for protocol in done:
        assert done[protocol].stdout in shown.stdout
    assert {path.name for path in (tmp_path / "tables").iterdir()} >= {"leaderboard.md", "leaderboard.csv"}
    matrix = lineup("matrix", root / "cross_generator", "checkerboard")
    assert matrix.returncode == 0
    assert "faint" in matrix.stdout


def test_a_dry_run_says_what_it_would_do_and_does_nothing(lineup, data, tmp_path):
    done = lineup("run", "--data", data, "--detectors", "checkerboard", "--out", tmp_path / "out", "--dry-run")
    assert done.returncode == 0
    images = 3 * 2 * (SIZES["train"] + SIZES["val"])
    assert f"To answer: 9 of 9 cells, 3 fits, {images} images to decode" in done.stderr
    assert not (tmp_path / "out").exists()


def test_seeds_and_limits_are_taken(lineup, data, tmp_path):
    options = (
        "--data",
        data,
        "--detectors",
        "checkerboard",
        "--seed",
        "0,1",
        "--limit",
        "3",
        "--out",
        tmp_path / "out",
    )
    assert lineup("run", "--detectors", "checkerboard", *options).returncode == 0
    cells = pd.read_parquet(tmp_path / "out" / "cells.parquet")
    assert set(cells["seed"]) == {0, 1}
    assert set(cells["n"]) == {6}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--detectors", "hog_svn"), "no detector is named 'hog_svn'. Did you mean hog_svm? Installed:"),
        (("--protocol", "cross"), "no protocol is named 'cross'."),
        (("--device", "tpu"), "device 'tpu' is not known; choose auto, cpu, cuda or cuda:N"),
        (("--device", "cuda:99"), "device 'cuda:99' was asked for, but torch sees"),
        (("--data", "/nowhere"), "data folder /nowhere does not exist"),
        (("--detectors", ","), "no detector was named; give some of"),
        (("--seed", "one"), "seed 'one' is not a whole number"),
        (("--setting", "big"), "setting 'big' is not known; choose auto, paper, embedded"),
        (("--precision", "int8"), "precision 'int8' is not known"),
        (("--train-on", "even,nobody"), "generator 'nobody' is not in the data, which has"),
        (("--out", "/proc/nothing"), "OUT /proc/nothing cannot be written"),
    ],
)
def test_what_cannot_be_used_is_one_clear_line(lineup, data, tmp_path, options, words):
    usual = {"--data": data, "--detectors": "checkerboard", "--out": tmp_path / "out"}
    usual.update(zip(options[::2], options[1::2], strict=True))
    assert words in one_line(lineup("run", *(part for pair in usual.items() for part in pair)))


def test_chosen_degradations_and_repeated_seeds(lineup, data, tmp_path):
    options = ("--protocol", "degradation", "--data", data, "--detectors", "checkerboard", "--out", tmp_path / "out")
    done = lineup("run", *options, "--degradations", "lr:20+jpeg:30", "--seed", "0,00")
    assert done.returncode == 0, done.stderr
    cells = pd.read_parquet(tmp_path / "out" / "cells.parquet")
    assert list(cells["degradation"]) == ["none", "lr:20+jpeg:30"]
    assert "is not known" in one_line(lineup("run", *options, "--degradations", "sharpen:2"))


def test_tables_follow_the_last_command(lineup, data, tmp_path):
    out = tmp_path / "out"
    for detector in ("checkerboard", "hog_svm"):
        assert lineup("run", "--data", data, "--detectors", detector, "--out", out).returncode == 0
    assert [path.name for path in out.glob("matrix-*.csv")] == ["matrix-hog_svm.csv"]
    assert set(pd.read_csv(out / "throughput.csv")["detector"]) == {"checkerboard", "hog_svm"}


def test_an_empty_class_and_an_unreadable_image_are_named(lineup, data, tmp_path):
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(data, broken)
    victim = broken / "odd" / "train" / "ai" / "odd_train_ai_0.png"
    victim.write_bytes(victim.read_bytes()[:50])
    options = ("--detectors", "checkerboard", "--out", tmp_path / "out", "--data", broken)
    assert "odd_train_ai_0.png cannot be decoded" in one_line(lineup("run", *options))
    for path in (broken / "odd" / "train" / "ai").iterdir():
        path.unlink()
    assert "odd/train/ai is missing or holds no image" in one_line(lineup("run", *options))


def test_a_folder_without_a_run_is_one_clear_line(lineup, tmp_path):
    assert "holds no run" in one_line(lineup("leaderboard", tmp_path))


def test_an_unknown_detector_of_a_run_is_one_clear_line(finished, lineup):
    asked = lineup("matrix", finished[0] / "cross_generator", "nobody")
    assert "the run has no detector 'nobody'; it has checkerboard, hog_svm" in one_line(asked)


def test_help_lists_every_command(lineup):
    shown = lineup("--help").stdout
    for command in ("run", "leaderboard", "matrix", "list", "regress", "corpus", "weights"):
        assert command in shown
