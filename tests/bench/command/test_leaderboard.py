"""A board of a run with failed cells says so before anything else, and exits as the run did."""

import json

import pytest

from tests.support.command_line import call, one_line
from tests.support.result_folders import store_run
from tests.support.synthetic_runs import make_run, without

LINE = "This board is not whole: 4 of its 32 cells failed, 4 of beta."


@pytest.fixture
def folder(tmp_path):
    """A run of which one detector failed on one generator."""
    run = make_run()
    where = run.cells["detector"].eq("beta") & run.cells["test"].eq("fog")
    return store_run(without(run, where, "failed", "KeyError: x"), tmp_path / "run")


@pytest.mark.parametrize("command", ["leaderboard", "rescore"])
def test_failed_cells_are_said_first_and_exit_with_one(folder, command):
    done = call({"COLUMNS": "200"}, command, folder)
    assert done.returncode == 1, done.stderr
    assert LINE in done.stdout
    assert done.stdout.index(LINE) < done.stdout.index("alpha")


def test_the_files_say_it_first_too(folder, tmp_path):
    assert call({}, "leaderboard", folder, "--out", tmp_path / "out").returncode == 1
    text = (tmp_path / "out" / "leaderboard.md").read_text()
    assert 0 < text.index(LINE) < text.index("alpha")


def test_a_whole_board_exits_with_none(tmp_path):
    done = call({}, "leaderboard", store_run(make_run(), tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    assert "not whole" not in done.stdout


def test_a_board_and_a_matrix_are_printed_as_json(tmp_path):
    folder = store_run(make_run(), tmp_path / "run")
    done = call({}, "leaderboard", folder, "--json", "--out", tmp_path / "out")
    assert json.loads(done.stdout) == json.loads((tmp_path / "out" / "leaderboard.json").read_text())
    found = json.loads(call({}, "matrix", folder, "beta", "--json").stdout)
    assert (found["detector"], found["rows"], found["columns"]) == ("beta", "train", "test")
    assert len(found["accuracies"]) == len(found["row_values"])
    assert len(found["accuracies"][0]) == len(found["column_values"])


def test_a_missing_cell_of_a_matrix_is_null(folder):
    found = json.loads(call({}, "matrix", folder, "beta", "--json").stdout)
    place = found["column_values"].index("fog")
    assert {row[place] for row in found["accuracies"]} == {None}


def test_a_run_is_shown_as_json(folder):
    found = json.loads(call({}, "show", folder, "--json").stdout)
    assert set(found) == {"leaderboard", "sections", "matrices"}
    assert [one["detector"] for one in found["matrices"]] == ["alpha", "beta"]
    assert one_line(call({}, "show", folder, "x.png", "--json")).endswith("leave the image out, or --json")
    assert "'cnnspot', which is no result folder" in one_line(call({}, "show", "cnnspot", "--json"))
