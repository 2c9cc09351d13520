"""A board of a run with failed cells says so before anything else, and exits as the run did."""

import pytest

from tests.support.command_line import call
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
