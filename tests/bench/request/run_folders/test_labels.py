"""Names and tags of runs: what is written reads back, is checked as other files are, and changes no run."""

import json

import pytest

from bench.platform.errors import InputError
from bench.records.folder_check import check_folder
from bench.records.store import Store
from bench.request.run_folders.labels import (
    LABELS,
    RunLabels,
    read_labels,
    require_name,
    require_tag,
    with_tags,
    without_tags,
    write_labels,
)
from tests.support.result_folders import store_run
from tests.support.synthetic_runs import make_run


@pytest.fixture
def folder(tmp_path):
    return store_run(make_run(detectors=["alpha"], n=3), tmp_path / "run")


def test_labels_read_back_and_leave_the_run_as_it_is(folder):
    before = Store(folder).read()
    assert read_labels(folder) == RunLabels()
    write_labels(folder, RunLabels("größer 2", ("paper", "v1.0")))
    assert read_labels(folder) == RunLabels("größer 2", ("paper", "v1.0"))
    after = Store(folder).read()
    assert after.manifest == before.manifest
    assert after.cells.equals(before.cells)
    assert not check_folder(folder).faults
    assert not any(path.name == LABELS for path in check_folder(folder).foreign)


@pytest.mark.parametrize(
    "content",
    [
        *("{", "[]", "{}", '{"labels_schema": 1}', '{"labels_schema": 1, "name": 3, "tags": []}'),
        '{"labels_schema": 1, "name": "../a", "tags": []}',
        '{"labels_schema": 1, "name": "a", "tags": ["b c"]}',
    ],
)
def test_damaged_labels_are_one_line(tmp_path, content):
    (tmp_path / LABELS).write_text(content)
    with pytest.raises(InputError) as told:
        read_labels(tmp_path)
    assert "\n" not in str(told.value)


def test_a_changed_file_and_a_newer_one_are_told_apart(folder):
    write_labels(folder, RunLabels("a"))
    path = folder / LABELS
    path.write_text(path.read_text().replace('"a"', '"b"'))
    with pytest.raises(InputError, match=r"labels\.json is damaged \(its checksum is another\); delete it"):
        read_labels(folder)
    Store(folder).write(LABELS, json.dumps({"labels_schema": 2}).encode())
    with pytest.raises(InputError, match=r"by another version of Lineup \(schema 2\); update Lineup"):
        read_labels(folder)


@pytest.mark.parametrize("name", ["a/b", "..", ".a", "-a", " a", "a ", "a\nb", "x" * 81])
def test_a_name_is_no_path_and_no_option(name):
    with pytest.raises(InputError, match="cannot be named"):
        require_name(name)


def test_tags_are_added_once_and_taken_away_by_name():
    labels = with_tags(RunLabels("a", ("x",)), ["y", "x"])
    assert labels == RunLabels("a", ("x", "y"))
    assert without_tags(labels, ["x"]) == RunLabels("a", ("y",))
    with pytest.raises(InputError, match="there is no tag z; the run has x, y"):
        without_tags(labels, ["x", "z"])
    with pytest.raises(InputError, match="'a b' cannot be a tag"):
        require_tag("a b")
