"""The notebook of the documentation, run as a reader runs it: its scores are those of the command line, bit for bit."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from bench.records.store import Store
from tests.support.command_line import start
from tests.support.miniature import write_folder
from tests.support.networks import save_tiny_ladeda

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebooks" / "first_run.ipynb"
COMMANDS = {
    "cross_generator": ("--detectors", "hog_svm,residual"),
    "degradation": ("--detectors", "hog_svm,residual", "--degradations", "jpeg:65,blur:1"),
    "released": ("--detectors", "CHECKPOINT"),
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    place = tmp_path_factory.mktemp("notebook")
    write_folder(place / "data")
    save_tiny_ladeda(place / "weights" / "tiny.pth", 1)
    return place


@pytest.fixture(scope="module")
def executed(place):
    """The notebook with its outputs."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert [cell for cell in notebook.cells if cell.get("outputs")] == []
    given = {
        "LINEUP_CACHE": str(place / "cache of the notebook"),
        "FIRST_RUN_DATA": str(place / "data"),
        "FIRST_RUN_LIMIT": "6",
        "FIRST_RUN_CHECKPOINT": f"tiny_ladeda@{place / 'weights' / 'tiny.pth'}",
        "FIRST_RUN_OUT": str(place / "of the notebook"),
        "IPYTHONDIR": str(place / "ipython"),
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(name, value)
        NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(place)}}).execute(
            env=dict(os.environ)
        )
    return notebook


def outputs(notebook, beginning):
    """What the cell that begins so has shown."""
    (cell,) = (one for one in notebook.cells if one.cell_type == "code" and one.source.startswith(beginning))
    return cell.outputs


@pytest.mark.parametrize("protocol", COMMANDS)
def test_its_scores_are_those_of_the_command_line(executed, place, protocol):
    arguments = [
        one.replace("CHECKPOINT", f"tiny_ladeda@{place / 'weights' / 'tiny.pth'}") for one in COMMANDS[protocol]
    ]
    usual = ("run", "--protocol", protocol, "--data", place / "data", "--limit", 6)
    out = place / "of the command" / protocol
    done = start({"LINEUP_CACHE": str(place / "cache of the command")}, *usual, *arguments, "--out", out)
    assert done.returncode == 0, done.stderr
    here, there = (Store(folder).read() for folder in (place / "of the notebook" / protocol, out))
    assert here.cells["key"].tolist() == there.cells["key"].tolist()
    assert len(here.scores) > 10
    order = ["key", "name"]
    mine, theirs = (run.scores.sort_values(order, ignore_index=True).astype({"key": str}) for run in (here, there))
    for column in ("key", "name", "source", "label"):
        assert mine[column].astype(str).tolist() == theirs[column].astype(str).tolist()
    for column in ("score", "log_odds"):
        assert mine[column].to_numpy().tobytes() == theirs[column].to_numpy().tobytes()


def test_it_shows_boards_figures_and_progress(executed):
    (board,) = (one for one in outputs(executed, "finished = ") if one.output_type == "execute_result")
    assert "hog_svm" in board.data["text/html"]
    (figure,) = (one for one in outputs(executed, 'finished.figure("matrix")') if one.output_type == "execute_result")
    assert "data:image/svg+xml;base64," in figure.data["text/html"]
    lines = "".join(one.text for one in outputs(executed, "finished = ") if one.output_type == "stream")
    assert "fit or load detectors: 6 done" in lines
    assert "\x1b" not in lines


def test_a_class_of_the_notebook_is_fitted_and_fails_in_no_cell(executed, place):
    run = Store(place / "of the notebook" / "own").read()
    assert run.cells["status"].eq("scored").all()
    scores = {name: run.scores[run.scores["key"].isin(keys["key"])] for name, keys in run.cells.groupby("detector")}
    assert sorted(scores["my_residual"]["score"]) == sorted(scores["residual"]["score"])


SLOW_ONCE = """
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import lineup_bench as lineup
from lineup_checkerboard import Checkerboard


@lineup.register_detector
@dataclass(frozen=True)
class Slow(Checkerboard):
    card: ClassVar = replace(Checkerboard.card, name="slow")

    def fit(self, train, seed, runtime):
        if not Path("fitting").exists():
            Path("fitting").touch()
            time.sleep(600)
        return super().fit(train, seed, runtime)

QUESTION = {"data": "data", "detectors": ["checkerboard", "slow"], "baselines": False, "out": "interrupted"}
lineup.open_data("data").census()
"""


def test_the_stop_button_ends_a_run_and_the_same_cell_goes_on(place, monkeypatch):
    monkeypatch.setenv("LINEUP_CACHE", str(place / "cache of the interrupted"))
    run = new_code_cell("finished = lineup.run(**QUESTION)\nprint(len(finished.failed), 'failed')")
    notebook = new_notebook(cells=[new_code_cell(SLOW_ONCE), run, new_code_cell(run.source)])
    options = {"timeout": 25, "interrupt_on_timeout": True, "allow_errors": True}  # the client presses it after seconds
    NotebookClient(notebook, resources={"metadata": {"path": str(place)}}, **options).execute(env=dict(os.environ))
    assert [one for one in notebook.cells[0].outputs if one.output_type == "error"] == []
    assert (place / "fitting").is_file()
    (error,) = (one for one in notebook.cells[1].outputs if one.output_type == "error")
    assert error.ename == "KeyboardInterrupt"
    assert error.evalue == "interrupted; what was finished is kept, and the same call goes on from there"
    shown = "".join(one.text for one in notebook.cells[2].outputs if one.output_type == "stream")
    assert "3 fits reused" in shown or "fits made" in shown
    assert "0 failed" in shown
