"""`lineup cache`, and what other commands do with a cache and a result folder that are not theirs alone."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

from bench.engine.cache import Cache
from bench.engine.caching import working_cache as working
from bench.engine.caching.use_records import RunUse, recorded_use
from bench.request.result_folder import held_for_one_run
from tests.support.command_line import call, one_line
from tests.support.miniature import write_folder

DETECTORS = ("--detectors", "checkerboard", "--setting", "small", "--device", "cpu")


@pytest.fixture
def cache(tmp_path):
    cache = Cache(tmp_path / "cache")
    cache.write_fit("old", {"cut": np.zeros(1000)})
    cache.write_fit("new", {"cut": np.zeros(1000)})
    path = cache.root / cache.places("old", "")[0]
    os.utime(path, (time.time() - 40 * 86_400,) * 2)
    (cache.root / "my\x1b[31mnotes").write_text("mine")
    return cache


def scores(out):
    table = pd.concat(map(pd.read_parquet, (out / "scores").glob("*.parquet")))
    return table.sort_values(["key", "name"]).reset_index(drop=True)


def lineup(cache, *arguments):
    return call({"LINEUP_CACHE": str(cache.root)}, "cache", *arguments)


def test_what_the_cache_holds_is_shown(cache):
    use = RunUse("/nowhere/one", "cross_generator", "cats", {"hog_svm": [cache.places("new", "")[0]]}, {}, [])
    with recorded_use(cache.root, use):
        done = lineup(cache)
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["fits", "hog_svm", "1", "1", "8.1", "kB", "now", "yes"] in rows
    assert ["fits", "not", "recorded", "1", "1", "8.1", "kB", "40", "d", "ago"] in rows
    assert ["/nowhere/one", "cross_generator", "cats", "8.1", "kB", "now", "goes", "on"] in rows
    assert "left alone: my\\x1b[31mnotes" in done.stdout
    shown = json.loads(lineup(cache, "--json").stdout)
    assert shown["foreign"] == {"my\x1b[31mnotes": 4}
    assert [one["state"] for one in shown["runs"]] == ["ended, folder gone"]
    assert {(one["for"], one["files"], one["in_use"]) for one in shown["entries"] if one["what"] == "fits"} == {
        ("hog_svm", 1, False),
        ("not recorded", 1, False),
    }


def test_pruning_says_what_goes_and_a_dry_run_lets_it_stay(cache):
    planned = lineup(cache, "prune", "--older-than", "30d", "--dry-run")
    assert "Would prune 8.1 kB in 1 files" in planned.stdout
    assert "1 fits" in planned.stdout
    assert cache.has_fit("old")
    done = lineup(cache, "prune", "--older-than", "30d")
    assert "Pruned 8.1 kB in 1 files" in done.stdout
    assert "my\\x1b[31mnotes" in done.stdout
    assert [cache.has_fit(name) for name in ("old", "new")] == [False, True]
    gone = json.loads(lineup(cache, "prune", "--keep", "0.001MB", "--json").stdout)
    assert [one["what"] for one in gone["gone"]] == ["fits"]
    assert not cache.has_fit("new")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give --older-than 30d, --keep 20GB"),
        (("--older-than", "30"), "--older-than '30' is not understood"),
        (("--older-than", "-1d"), "--older-than '-1d' is not understood"),
        (("--older-than", "1e9d"), "is not understood"),
        (("--keep", "lots"), "--keep 'lots' is not understood"),
        (("--keep", "9" * 5000 + "GB"), "has a number of 5,000 digits; give a smaller one"),
    ],
)
def test_a_limit_that_is_none_is_one_line(cache, arguments, said):
    assert said in one_line(lineup(cache, "prune", *arguments))
    assert cache.has_fit("old")


def test_a_cache_that_is_not_there_holds_nothing_and_is_not_made(tmp_path):
    cache = Cache(tmp_path / "none")
    assert lineup(cache).returncode == lineup(cache, "prune", "--keep", "1GB").returncode == 0
    assert not cache.root.exists()


def test_a_run_holds_its_folder_and_is_remembered_and_a_closed_cache_is_read(tmp_path, monkeypatch):
    data, out, cache = write_folder(tmp_path / "data", 4, 2), tmp_path / "out", Cache(tmp_path / "cache")
    environment, run = {"LINEUP_CACHE": str(cache.root)}, ("run", "--data", data, *DETECTORS, "--out")
    with held_for_one_run(out):
        assert "is being written by another run" in one_line(call(environment, *run, out))
    assert not out.exists()
    assert call(environment, *run, out).returncode == 0
    assert not (out / ".lock").exists()
    shown = json.loads(lineup(cache, "--json").stdout)
    assert [(one["out"], one["data"], one["state"]) for one in shown["runs"]] == [(str(out), "data", "ended")]
    assert {one["for"] for one in shown["entries"] if one["what"] in {"fits", "answers"}} == {"checkerboard"}
    assert {one["for"] for one in shown["entries"] if one["what"] == "inspections"} == {str(data)}
    assert shown["foreign"] == {}

    before = {path: path.stat().st_mtime_ns for path in cache.root.rglob("*")}
    with monkeypatch.context() as closed:
        closed.setattr(working, "_why_unwritable", lambda _: "Read-only file system")
        again = call(environment, *run, tmp_path / "again")
    assert again.returncode == 0
    assert again.stderr.count(f"The cache {cache.root} cannot be written (Read-only file system)") == 1
    assert "9 cells reused" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in cache.root.rglob("*")} == before
    assert scores(out).equals(scores(tmp_path / "again"))

    assert lineup(cache, "prune", "--keep", "0MB").returncode == 0
    assert [path.name for path in cache.root.rglob("*") if path.is_file()] == [".lock"]


def test_a_dry_run_makes_neither_cache_nor_folder(tmp_path):
    data = write_folder(tmp_path / "data", 4, 2)
    done = call(
        {"LINEUP_CACHE": str(tmp_path / "cache")},
        "run",
        "--data",
        data,
        *DETECTORS,
        "--dry-run",
        "--out",
        tmp_path / "out",
    )
    assert done.returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


@pytest.mark.slow
def test_of_two_processes_with_one_folder_one_writes_it_and_the_other_says_why_not(tmp_path):
    data, out = write_folder(tmp_path / "data", 4, 2), tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "bench",
        "run",
        "--data",
        data,
        "--setting",
        "small",
        "--no-baselines",
        "--out",
        out,
    ]
    environment = {**os.environ, "LINEUP_CACHE": str(tmp_path / "cache")}
    started = [
        subprocess.Popen([*command, "--detectors", name], env=environment, stderr=subprocess.PIPE, text=True)
        for name in ("checkerboard", "hog_svm")
    ]
    said = [process.communicate()[1] for process in started]
    codes = [process.returncode for process in started]
    assert sorted(codes) == [0, 2], said
    assert f"OUT {out} is being written by another run" in said[codes.index(2)]
    written = json.loads((out / "manifest.json").read_text())["detectors"]
    assert list(written) == [("checkerboard", "hog_svm")[codes.index(0)]]
