"""`lineup profile` as it is typed."""

import json

import pytest

from bench.records.store import THROUGHPUT, Store
from bench.records.timings import TIMINGS, RunTimings, StageTiming
from bench.report.time_tables import NO_TIMINGS
from tests.support.command_line import call, one_line
from tests.support.result_folders import store_run
from tests.support.synthetic_runs import make_run


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    run = make_run(n=5)
    root = store_run(run, tmp_path_factory.mktemp("runs") / "timed")
    Store(root).write(THROUGHPUT, run.throughput.to_csv(index=False).encode())
    timings = RunTimings(10.0, 2, len(run.cells), (StageTiming("score", 40, 5.0),))
    Store(root).write(TIMINGS, timings.to_json())
    return root


def profile(*arguments):
    return call({"COLUMNS": "100"}, "profile", *arguments)


def test_tables_are_printed_with_how_to_read_them(folder):
    done = profile(folder, "--machines", "1,3")
    assert done.returncode == 0
    words = ["Scoring took 5.0 s", "all else", "Milliseconds an image, by stage", "On more machines", "Computed from"]
    places = [done.stdout.index(word) for word in words]
    assert places == sorted(places)


def test_what_an_earlier_version_timed_is_read(tmp_path):
    run = make_run(n=5)
    root = store_run(run, tmp_path / "older")
    older = run.throughput.drop(columns=["read_ms", "copy_ms", "load_before", "cpu_share", "other_cores", "disturbed"])
    Store(root).write(THROUGHPUT, older.to_csv(index=False).encode())
    rows = json.loads(profile(root, "--json").stdout)["detectors"]
    assert [(row["read_ms"], row["total_ms"], row["disturbed"]) for row in rows] == [(None, 5.0, False)] * 2
    assert NO_TIMINGS in profile(root).stdout


def test_json_is_one_document(folder):
    done = profile(folder, "--machines", "5", "--json")
    assert done.returncode == 0
    assert [row["machines"] for row in json.loads(done.stdout)["machines"]] == [5]


@pytest.mark.parametrize("text", ["0", "two", "", "1,-2", "1.5"])
def test_machines_are_numbers(folder, text):
    assert f"--machines {text!r}: give numbers from 1 to 10000" in one_line(profile(folder, "--machines", text))


def test_a_folder_without_a_run_is_one_line(tmp_path):
    assert "holds no run" in one_line(profile(tmp_path))


@pytest.mark.parametrize("arguments", [(), ("a/folder", "--data", "embedded")])
def test_a_run_or_data_are_given(arguments):
    assert one_line(profile(*arguments)).startswith("lineup: give a result folder, or --data DATA")


def test_a_small_run_is_tried_from_nothing_and_not_kept(lineup, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = lineup("profile", "--data", data, "--detectors", "checkerboard,hog_svm", "--limit", "4", "--json")
    assert done.returncode == 0, done.stderr
    whole = json.loads(done.stdout)
    assert {row["detector"] for row in whole["detectors"]} == {"checkerboard", "hog_svm"}
    assert len(whole["timings"]["fits"]) == 6  # of each of three generators
    assert whole["scoring"]["reached"] > 0
    assert list(tmp_path.iterdir()) == []
