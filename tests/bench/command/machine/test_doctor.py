"""`lineup doctor`: what is broken is a line, whatever breaks."""

import json
import sys
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from bench.command.machine import doctor, hardware, libraries, plug_ins, storage
from bench.command.machine.findings import MachineFinding, examine
from bench.command.machine.trials import try_all
from bench.engine.versions import LIBRARIES
from bench.storage.connection import _connected
from bench.storage.working_copy import mark_as_copy
from tests.support.command_line import call
from tests.support.flaky_system import empty_flaky_system

FINE = {**dict.fromkeys(libraries.MODULES.values(), ""), "devices": {"cuda": [], "built for": "", "mps": False}}
FINE |= {"backend torch": 0.0, "backend onnxruntime": 1e-7, "backend openvino": 0.0}


@pytest.fixture
def tried(monkeypatch):
    """What the trials answer, without any process."""
    answers = dict(FINE)
    monkeypatch.setattr(doctor, "try_all", lambda trials: {**dict.fromkeys(trials, ""), **answers})
    return answers


def look(tmp_path, *options):
    environment = {"LINEUP_CACHE": str(tmp_path / "cache"), "LINEUP_WEIGHTS": str(tmp_path / "weights")}
    return call({**environment, "COLUMNS": "200"}, "doctor", *options)


def by_name(found):
    return {one.name: one for one in found}


def raising(error):
    def function():
        raise error

    return function


def divide_by(number):
    return 1 / number


def leave(code):
    sys.exit(code)


def test_every_kind_of_finding_is_there_and_json_says_the_same(tried, tmp_path):
    shown, document = look(tmp_path), json.loads(look(tmp_path, "--json").stdout)
    assert shown.returncode == 0, shown.stdout
    topics = [one["topic"] for one in document["findings"]]
    wanted = ["Libraries", "Devices", "Backends", "Storage", "Weights", "Plug-ins", "Extras"]
    assert list(dict.fromkeys(topics)) == wanted
    assert all(topic in shown.stdout for topic in wanted)
    assert document["problems"] == 0
    assert f"notes: {document['notes']}" in shown.stdout
    assert not (tmp_path / "cache").exists()


def test_a_library_that_cannot_be_imported_is_a_problem_with_its_reason(tried, tmp_path):
    tried["torch"] = tried["devices"] = tried["backend torch"] = ImportError("libcudart.so.13: cannot open")
    done = look(tmp_path)
    assert done.returncode == 1
    assert "Problems: 3" in done.stdout
    assert "cannot be imported (ImportError: libcudart.so.13: cannot open)" in done.stdout
    assert "pip install --force-reinstall torch==" in done.stdout


def test_an_examination_that_fails_is_a_line():
    (found,) = examine("Storage", raising(RuntimeError("two\nlines")))
    assert (found.topic, found.state) == ("Storage", "problem")
    assert "RuntimeError: two lines" in found.text


def test_a_trial_that_ends_its_process_costs_itself_alone():
    answers = try_all({"fine": (divide_by, (2,)), "raises": (divide_by, (0,)), "ends": (leave, (3,))})
    assert answers["fine"] == 0.5
    assert isinstance(answers["raises"], ZeroDivisionError)
    assert isinstance(answers["ends"], BaseException)


def test_known_combinations_are_found_by_their_versions(monkeypatch):
    versions = {"torch": "2.13.0+cpu", "opencv-python": "5.0.0", "opencv-python-headless": "5.0.0"}
    monkeypatch.setattr(libraries, "installed_version", lambda name: versions.get(name, "absent"))
    assert [one.name.partition(" ")[0] for one in libraries.examine_combinations()] == ["torch", "opencv-python"]
    versions["torch"] = "2.12.1"
    del versions["opencv-python"]
    assert list(libraries.examine_combinations()) == []


def test_every_library_that_changes_scores_is_looked_at():
    assert set(LIBRARIES) <= set(libraries.MODULES)


def test_every_extra_says_what_it_brings(monkeypatch):
    monkeypatch.setattr(libraries, "installed_version", lambda _: "absent")
    found = by_name(libraries.examine_extras())
    assert set(found) == set(libraries.known_problems()["extras"])
    assert all(one.state == "note" and one.advice for one in found.values())
    assert "not installed: reading of HEIC images" in found["heic"].text


def test_a_backend_that_computes_something_else_is_a_problem():
    found = by_name(hardware.examine_backends({"backend torch": 0.0, "backend onnxruntime": float("nan")}))
    assert [found[name].state for name in ("torch", "onnxruntime", "openvino")] == ["ok", "problem", "note"]


def test_a_card_that_torch_does_not_see_is_noted(monkeypatch, tmp_path):
    monkeypatch.setattr(hardware, "NVIDIA", tmp_path)
    found = by_name(hardware.examine_devices({"devices": {"cuda": [], "built for": "", "mps": False}}))
    assert found["cuda"].state == "note"
    assert "built without CUDA" in found["cuda"].text


def test_a_cache_that_is_a_file_is_a_problem(tmp_path):
    (tmp_path / "cache").write_text("")
    found = by_name(storage.examine_storage(tmp_path / "cache", tmp_path))
    assert found["cache"].state == "problem"
    assert "LINEUP_CACHE" in found["cache"].advice


def test_a_full_disk_is_a_problem(monkeypatch, tmp_path):
    usage = storage.shutil._ntuple_diskusage(10**12, 10**12, 10**8)
    monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: usage)
    found = by_name(storage.examine_storage(tmp_path, tmp_path))
    assert found["disk of the cache"].state == "problem"
    assert found["locks"] == MachineFinding("Storage", "locks", "ok", "work")


def test_a_store_behind_the_cache_is_asked(monkeypatch, tmp_path):
    monkeypatch.setattr("bench.storage.object_store.time.sleep", lambda _: None)
    _connected.cache_clear()
    system = empty_flaky_system()
    mark_as_copy(tmp_path, "flaky://bucket/cache")
    found = by_name(storage.examine_storage(tmp_path, tmp_path))
    assert found["store"] == MachineFinding("Storage", "store", "ok", "flaky://bucket/cache answers")
    assert "keeps 0 B of at most 20.0 GB" in found["remote images"].text
    system.faults["find"] = [OSError("silent")] * 2
    found = by_name(storage.examine_storage(tmp_path, tmp_path))
    assert found["store"].state == "problem"
    assert "failed 2 times (silent)" in found["store"].text
    assert "check the store" in found["store"].advice
    _connected.cache_clear()


def test_a_plug_in_that_cannot_be_imported_is_a_problem(monkeypatch):
    points = EntryPoints([EntryPoint("mine", "no_such_module:Mine", "lineup.detectors")])
    monkeypatch.setattr(plug_ins, "entry_points", lambda group: points.select(group=group))
    (found,) = plug_ins.examine_plug_ins({"detector mine": ModuleNotFoundError("No module named 'no_such_module'")})
    assert found.state == "problem"
    assert "No module named 'no_such_module'" in found.text
