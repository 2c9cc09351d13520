"""What was run where: question, data, date, size and state of every run, whole or not."""

import json
import os
from dataclasses import replace

import pytest

from bench.platform.locks import held
from bench.records.store import LOCK, MANIFEST, Store
from bench.request.run_folders.labels import LABELS, RunLabels, write_labels
from bench.request.run_folders.listing import list_runs
from tests.support.live_runs import begun_run, record_cells
from tests.support.result_folders import store_run
from tests.support.synthetic_runs import make_run, with_data, with_manifest, without

RUN = make_run(detectors=["alpha"], n=3)


def only(root, **chosen):
    (found,) = list_runs([root], **chosen)
    return found


def dated(folder, finished):
    """Write another date, or none, into the manifest of a run."""
    whole = json.loads((folder / MANIFEST).read_text())
    whole.pop("finished")
    Store(folder).write(MANIFEST, json.dumps(whole | ({"finished": finished} if finished else {})).encode())
    return folder


def test_a_finished_run_says_what_it_asked(tmp_path):
    run = with_data(with_manifest(RUN, validation=0.2), limit=20)
    protocol = replace(run.manifest.protocol, name="leave_out", options={"leave": "generator", "train_size": 0})
    folder = store_run(with_manifest(run, protocol=protocol), tmp_path / "runs/deep/one")
    found = only(tmp_path / "runs")
    assert (found.folder, found.name, found.state) == (folder, "deep/one", "finished")
    assert (found.protocol, found.data, found.setting) == ("leave_out", "rendered scenes, tiny generators", "small")
    assert found.question.startswith("leave_out, limit=20, validation=0.2")
    assert (found.detectors, found.seeds) == (("alpha",), (0,))
    assert (found.cells, found.failed, found.missing) == (len(RUN.cells), 0, 0)
    assert found.bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_options_that_are_as_usual_are_not_named(tmp_path):
    protocol = replace(RUN.manifest.protocol, name="degradation", options={"test_all": False, "train_on": ["fog"]})
    store_run(with_manifest(RUN, protocol=protocol), tmp_path / "run")
    assert only(tmp_path).question == "degradation, train_on=fog"


def test_runs_are_in_the_order_of_their_dates_and_one_without_a_date_has_that_of_its_file(tmp_path):
    for name, date in (("b", "2025-02-01T00:00:00+00:00"), ("a", "2026-03-01T00:00:00+00:00"), ("old", None)):
        dated(store_run(RUN, tmp_path / name), date)
    os.utime(tmp_path / "old" / MANIFEST, (1_750_000_000,) * 2)
    assert [(run.name, run.date) for run in list_runs([tmp_path])] == [
        ("b", 1738368000.0),
        ("old", 1_750_000_000.0),
        ("a", 1772323200.0),
    ]
    assert only(tmp_path / "old").state == "finished"


def test_failed_cells_are_counted(tmp_path):
    store_run(without(RUN, RUN.cells["train"].eq("fog"), "failed", "ValueError"), tmp_path / "run")
    found = only(tmp_path)
    assert (found.state, found.failed, found.cells) == ("failed", 4, 16)


def test_a_run_goes_on_while_it_is_locked_and_is_interrupted_afterwards(tmp_path):
    store = begun_run(RUN, tmp_path / "run")
    record_cells(RUN, store, set(RUN.cells["key"][:5]))
    with held(store.root / LOCK):
        found = only(tmp_path)
    assert (found.state, found.missing, found.cells) == ("going on", 11, 16)
    found = only(tmp_path)
    assert (found.state, found.missing, found.protocol) == ("interrupted", 11, "made_up")


def test_what_cannot_be_read_is_damaged_and_hides_no_other(tmp_path):
    for name in ("cut", "gone", "labels", "whole"):
        store_run(RUN, tmp_path / name)
        write_labels(tmp_path / name, RunLabels())
    (tmp_path / "cut" / MANIFEST).write_bytes(b"{")
    (tmp_path / "gone" / LABELS).unlink()
    (tmp_path / "labels" / LABELS).write_text("{")
    found = {run.name: run for run in list_runs([tmp_path])}
    assert {name: run.state for name, run in found.items()} == {
        **dict.fromkeys(("cut", "gone", "labels"), "damaged"),
        "whole": "finished",
    }
    assert "manifest.json is damaged (its checksum is another)" in found["cut"].fault
    assert found["gone"].fault.startswith("1 of its files are gone")
    assert found["gone"].protocol == "made_up"


def test_runs_are_chosen_by_tags_and_protocol(tmp_path):
    write_labels(store_run(RUN, tmp_path / "a"), RunLabels("best", ("x", "y")))
    write_labels(store_run(RUN, tmp_path / "b"), RunLabels("", ("x",)))
    assert {run.name for run in list_runs([tmp_path], tags=["x"])} == {"best", "b"}
    assert only(tmp_path, tags=["x", "y"], protocol="made_up").tags == ("x", "y")
    assert list_runs([tmp_path], protocol="cross_generator") == []


def test_a_run_below_two_folders_is_listed_once(tmp_path):
    store_run(RUN, tmp_path / "a" / "b")
    assert len(list_runs([tmp_path, tmp_path / "a", tmp_path / "nowhere"])) == 1


@pytest.mark.parametrize("name", ["of no package", "files/own.toml"])
def test_the_options_of_an_unknown_protocol_are_all_named(tmp_path, name):
    protocol = replace(RUN.manifest.protocol, name=name, options={"size": 3, "none": ""})
    store_run(with_manifest(RUN, protocol=protocol), tmp_path / "run")
    assert only(tmp_path).question == f"{name}, size=3"
