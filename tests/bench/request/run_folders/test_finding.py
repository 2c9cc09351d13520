"""A run is meant by its folder, by its name, or by its path below the usual place; or the message says why not."""

from pathlib import Path

import pytest

from bench.platform.errors import InputError
from bench.records import store
from bench.request.run_folders.finding import MANIFEST, SCORES, find_run, run_folders, runs_called
from bench.request.run_folders.labels import LABELS, RunLabels, write_labels


@pytest.fixture
def root(tmp_path):
    for name in ("one", "many/first", "many/second"):
        (tmp_path / "runs" / name / SCORES).mkdir(parents=True)
        (tmp_path / "runs" / name / MANIFEST).write_text("{}")
    return tmp_path / "runs"


def test_names_of_files_are_those_of_the_store():
    assert (MANIFEST, SCORES) == (store.MANIFEST, store.SCORES)


def test_runs_are_found_at_any_depth_but_not_within_runs_or_behind_links(root, tmp_path):
    (root / "one" / "scores" / "odd" / "scores").mkdir(parents=True)
    (root / "one" / "scores" / "odd" / MANIFEST).write_text("{}")
    (root / "loop").symlink_to(root)
    (root / "other").mkdir()
    (root / "other" / MANIFEST).write_text("{}")  # of something else
    found = [folder.relative_to(root).as_posix() for folder in run_folders(root)]
    assert found == ["many/first", "many/second", "one"]
    assert list(run_folders(tmp_path / "nowhere")) == []


def test_a_folder_a_name_and_a_path_mean_a_run(root):
    write_labels(root / "many/first", RunLabels("the best"))
    for text, meant in (("the best", "many/first"), ("many/second", "many/second"), ("one", "one")):
        assert find_run(text, root) == root / meant
    assert find_run(str(root / "one"), root) == root / "one"
    assert [runs_called(text, root) for text in ("the best", "nothing")] == [[root / "many/first"], []]


def test_a_path_that_is_nowhere_is_left_to_the_command(root, tmp_path):
    assert find_run("results/nowhere", root) == Path("results/nowhere")
    file = tmp_path / "a.csv"
    file.touch()
    assert find_run(str(file), root) == file


def test_unknown_and_ambiguous_names_are_one_line(root):
    with pytest.raises(
        InputError, match=r"best is no folder, and no run below .*runs is called so; `lineup runs list`"
    ):
        find_run("best", root)
    write_labels(root / "many/first", RunLabels("one"))
    with pytest.raises(InputError, match=r"2 runs are called 'one'; give a folder: .*many/first, .*runs/one"):
        find_run("one", root)


def test_damaged_labels_of_one_run_hide_no_other(root):
    (root / "many/first" / LABELS).write_text("{")
    write_labels(root / "one", RunLabels("best"))
    assert find_run("best", root) == root / "one"
