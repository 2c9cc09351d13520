"""`lineup export`, from what is typed to the files that it leaves."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench.platform.checksums import CHECKSUMS
from tests.support.command_line import one_line
from tests.support.result_folders import store_run
from tests.support.synthetic_runs import make_run, with_data, without


@pytest.fixture(scope="module")
def run(finished):
    return finished[0] / "degradation"


@pytest.fixture(scope="module")
def named(tmp_path_factory):
    """A run that names its detectors like formulas, and whose images are nowhere."""
    run = with_data(make_run(detectors=("=alpha", "beta"), n=4), kind="folder")
    return store_run(run, tmp_path_factory.mktemp("named") / "run")


def test_scores_know_their_files_and_come_back_as_the_same_board(lineup, run, data, tmp_path):
    out = tmp_path / "scores"
    done = lineup("export", run, "--what", "scores,fiftyone", "--out", out)
    assert done.returncode == 0, done.stderr
    assert "degraded copies out, which are no files: --what scores has them" in done.stderr
    assert {path.name for path in out.iterdir()} == {
        *("scores.csv", "scores.parquet", "fiftyone.json", "datapackage.json", CHECKSUMS)
    }
    rows = pd.read_parquet(out / "scores.parquet")
    for path, known in rows[["path", "content_hash"]].drop_duplicates().itertuples(index=False):
        assert hashlib.sha256(Path(path).read_bytes()).hexdigest() == known
    samples = json.loads((out / "fiftyone.json").read_text(encoding="utf-8"))["samples"]
    assert {sample["filepath"] for sample in samples} == set(rows["path"])
    own = pd.read_parquet(run / "cells.parquet")
    for name in ("scores.csv", "scores.parquet"):
        back = tmp_path / f"from-{name}"
        done = lineup("import", out / name, "--like", run, "--detector", "their {}", "--out", back)
        assert done.returncode == 0, done.stderr
        theirs = pd.read_parquet(back / "cells.parquet")
        theirs["detector"] = theirs["detector"].str.removeprefix("their ")
        place = ["detector", "test", "degradation", "seed"]  # all are of one training
        both = own.merge(theirs, on=place, suffixes=("", " back"))
        assert len(both) == len(own) > 0
        for measure in own.select_dtypes("number").columns.drop("seed"):
            assert np.array_equal(both[measure], both[f"{measure} back"], equal_nan=True), measure


def test_a_folder_has_every_form_and_what_its_columns_mean(lineup, named, tmp_path):
    done = lineup("export", named, "--what", "leaderboard,cells", "--out", tmp_path / "new" / "folder")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "new" / "folder"
    forms = {f"{name}.{ending}" for name in ("leaderboard", "cells") for ending in ("csv", "parquet", "md", "tex")}
    assert {path.name for path in out.iterdir()} == forms | {"leaderboard.json", "datapackage.json", CHECKSUMS}
    assert lineup("check", out).returncode == 0
    package = json.loads((out / "datapackage.json").read_text(encoding="utf-8"))
    assert {one["path"] for one in package["resources"]} == {name for name in forms if name[-2:] in {"sv", "et"}}
    (board,) = (one for one in package["resources"] if one["path"] == "leaderboard.parquet")
    assert [field["name"] for field in board["schema"]["fields"]] == list(pd.read_parquet(out / "leaderboard.parquet"))


def test_texts_that_a_spreadsheet_would_run_are_named_and_guarded_where_asked(lineup, named, tmp_path):
    exact = lineup("export", named, "--out", tmp_path / "board.csv")
    assert "1 texts begin like formulas" in exact.stderr
    assert "--form spreadsheet" in exact.stderr
    assert "=alpha" in set(pd.read_csv(tmp_path / "board.csv")["detector"])
    guarded = lineup("export", named, "--form", "spreadsheet", "--out", tmp_path / "people.csv")
    assert guarded.stderr == ""
    assert "'=alpha" in set(pd.read_csv(tmp_path / "people.csv")["detector"])
    assert (tmp_path / "people.csv").read_bytes() == leaderboard_of(lineup, named, tmp_path / "board")


def leaderboard_of(lineup, run, out):
    """The CSV that `lineup leaderboard` writes of a run."""
    assert lineup("leaderboard", run, "--out", out).returncode == 0
    assert "datapackage.json" in {path.name for path in out.iterdir()}
    return (out / "leaderboard.csv").read_bytes()


def test_images_that_are_not_found_are_said_and_scores_are_there(lineup, named, tmp_path):
    done = lineup("export", named, "--what", "scores", "--out", tmp_path / "scores.csv")
    assert done.returncode == 0
    assert "Without paths and content hashes: " in done.stderr
    assert pd.read_csv(tmp_path / "scores.csv")["path"].isna().all()
    one_line(lineup("export", named, "--what", "scores", "--data", tmp_path, "--out", tmp_path / "a.csv"))
    done = lineup("export", named, named, "--what", "scores", "--data", tmp_path, "--out", tmp_path / "a.csv")
    assert "holds the images of none of the runs" in one_line(done)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--out", "board.pdf"], "has an ending of no form"),
        (["--out", "x", "--what", "boards"], "--what 'boards' is not known"),
        (["--out", "x", "--what", ","], "--what names nothing"),
        (["--out", "x", "--form", "excel"], "--form 'excel' is not known"),
        (["--out", "x", "--form", "csv,spreadsheet"], "would be one file"),
        (["--out", "x.csv", "--what", "matrix"], "matrix-=alpha, matrix-beta are several; name a folder"),
        (["--out", "x.csv", "--form", "csv,latex"], "csv, latex are several"),
        (["--out", "x.csv", "--form", "latex"], "does not end in .tex"),
        (["--out", "x.tex", "--what", "scores"], "scores is written as csv, spreadsheet, parquet, not as latex"),
        (["--out", "x", "--what", "scores,cells", "--form", "markdown"], "scores is written as"),
        (["--out", "x", "--what", "routes"], "the runs have no routes"),
        (["--out", "x", "--data", "y"], "is not about single images; leave it out"),
        (["--out", "x", "--metrics", "err"], "Did you mean eer?"),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_nothing_is_written(lineup, named, tmp_path, arguments, words):
    place = [tmp_path / one if at == 1 else one for at, one in enumerate(arguments)]
    assert words in one_line(lineup("export", named, *place))
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_run_stays_as_it_is(lineup, named):
    before = {path.name: path.read_bytes() for path in named.rglob("*") if path.is_file()}
    assert "whose own tables stay as they are" in one_line(lineup("export", named, "--out", named))
    assert {path.name: path.read_bytes() for path in named.rglob("*") if path.is_file()} == before


def test_failed_cells_are_exit_code_one(lineup, tmp_path):
    run = make_run(n=4)
    failed = without(run, run.cells["test"].eq("fog"), "failed", "it broke")
    done = lineup("export", store_run(failed, tmp_path / "run"), "--out", tmp_path / "board.md")
    assert done.returncode == 1
    assert "it broke" in (tmp_path / "board.md").read_text()
