"""`lineup runs`, and runs that are given by their names wherever a command takes one."""

import json
import shutil
from importlib import import_module
from typing import get_type_hints

import pytest

from bench.command.menu.entries import MENU
from bench.command.runs.places import run_folder
from bench.platform.locks import held
from bench.records.store import LOCK, Store
from tests.bench.records.test_store import stored
from tests.support.command_line import one_line
from tests.support.synthetic_runs import make_run, with_data, with_manifest

RUN = with_data(make_run(detectors=["alpha"], n=3), kind="folder")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Two runs in the usual place of a working folder."""
    root = tmp_path_factory.mktemp("place")
    (root / "results/runs/many").mkdir(parents=True)
    for name, run in (("one", RUN), ("many/two", with_manifest(RUN, seeds=(0, 1)))):
        shutil.move(stored(root / "made", run).root, root / "results/runs" / name)
    return root


@pytest.fixture
def place(written, tmp_path, monkeypatch):
    shutil.copytree(written, tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")
    return tmp_path / "place"


def test_what_was_run_is_listed_here_and_elsewhere(lineup, place):
    done = lineup("runs")
    assert done.returncode == 0
    assert done.stdout == lineup("runs", "list").stdout
    rows = [line.split() for line in done.stdout.splitlines()]
    listed = {row[0]: row for row in rows if {"made_up", "finished"} <= set(row)}
    assert set(listed) == {"one", "many/two"}
    (found,) = json.loads(lineup("runs", "list", "results/runs/many", "--json").stdout)
    assert (found["name"], found["seeds"], found["state"]) == ("two", [0, 1], "finished")
    assert found["date"].endswith("+00:00")
    assert lineup("runs", "list", "--protocol", "degradation").stdout == ("No run in results/runs that is asked for.\n")
    assert "nowhere is no folder" in one_line(lineup("runs", "list", "nowhere"))


def test_a_name_stands_for_the_folder_wherever_a_command_takes_a_run(lineup, place):
    assert lineup("runs", "name", "many/two", "the best").returncode == 0
    for command in ("check", "show"):
        by_name, by_folder = lineup(command, "the best"), lineup(command, "results/runs/many/two")
        assert (by_name.returncode, by_name.stdout) == (0, by_folder.stdout)
    takers = ("export", "leaderboard", "matrix", "check", "compare", "rescore", "figure", "profile", "report", "serve")
    for name in takers:  # which have the same argument
        (target,) = [one.target for one in MENU if one.name == name]
        module, _, function = target.partition(":")
        hints = get_type_hints(getattr(import_module(module), function), include_extras=True)
        assert next(iter(hints.values())).__metadata__[0].parser is run_folder
    assert "no run below results/runs is called so" in one_line(lineup("leaderboard", "worst"))
    assert "Did you mean" in one_line(lineup("show", "cnnspott"))


def test_a_name_is_of_one_run_and_can_be_taken_away(lineup, place):
    assert lineup("runs", "name", "one", "best").stdout == "results/runs/one is named best\n"
    assert "results/runs/one is named 'best' already" in one_line(lineup("runs", "name", "many/two", "best"))
    assert lineup("runs", "name", "best", "best").returncode == 0
    assert lineup("runs", "name", "best", "").stdout == "results/runs/one has no name now\n"
    assert "cannot be named 'a/b'" in one_line(lineup("runs", "name", "one", "a/b"))
    (place / "empty").mkdir()
    assert "empty holds no run" in one_line(lineup("runs", "name", "empty", "a"))


def test_tags_choose_what_is_listed(lineup, place):
    lineup("runs", "tag", "one", "paper", "v1")
    assert lineup("runs", "tag", "many/two", "paper").stdout == "results/runs/many/two has the tags paper\n"
    assert len(json.loads(lineup("runs", "list", "--tag", "paper", "--json").stdout)) == 2
    (found,) = json.loads(lineup("runs", "list", "--tag", "paper", "--tag", "v1", "--json").stdout)
    assert found["tags"] == ["paper", "v1"]
    assert lineup("runs", "untag", "one", "v1").returncode == 0
    assert json.loads(lineup("runs", "list", "--tag", "v1", "--json").stdout) == []
    assert "there is no tag v1" in one_line(lineup("runs", "untag", "one", "v1"))


def test_a_run_is_removed_when_it_is_said_and_what_is_foreign_stays(lineup, place, monkeypatch):
    folder = place / "results/runs/one"
    (folder / "notes.txt").write_text("mine")
    assert "asks before it deletes, and nobody is there to answer; add --yes" in one_line(
        lineup("runs", "remove", "one")
    )
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    refused = lineup("runs", "remove", "one")
    assert (refused.returncode, refused.stdout.splitlines()[-1]) == (1, "Nothing was removed")
    assert Store(folder).read()
    with held(folder / LOCK):
        assert "a run goes on in results/runs/one" in one_line(lineup("runs", "remove", "one", "--yes"))
    done = lineup("runs", "remove", "one", "--yes")
    assert done.returncode == 0
    assert "Not Lineup's, and left alone: results/runs/one/notes.txt" in done.stdout
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    assert "holds no run" in one_line(lineup("runs", "remove", "results/runs/one", "--yes"))
    assert lineup("runs", "remove", "many/two", "--yes").returncode == 0
    assert not (place / "results/runs/many/two").exists()
