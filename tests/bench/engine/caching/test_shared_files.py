"""A cache that works in front of a store: what one machine made another finds, whole; the store's faults are told."""

import json
import os
import pickle
from dataclasses import asdict

import numpy as np
import pyarrow as pa
import pytest

from bench.engine.cache import Cache
from bench.engine.caching.shared_files import WRITING, SharedFiles, _names
from bench.platform.processes.endings import ProcessMark, this_process
from bench.storage.connection import _connected
from bench.storage.object_store import ATTEMPTS, StoreFault
from bench.storage.working_copy import mark_as_copy
from detectors.api import Answer
from tests.support.flaky_system import empty_flaky_system

URL = "flaky://bucket/cache"
ANSWER = Answer(np.array([0.25, 0.75], np.float32))
TABLE = pa.table({"asked": [0, 1]})
STATE = {"weights": np.arange(6, dtype=np.float32).reshape(2, 3)}
HASHES = np.arange(64, dtype=np.uint8).reshape(2, 32)
EMBEDDINGS = np.arange(6, dtype=np.float32).reshape(2, 3)


@pytest.fixture
def machines(tmp_path, monkeypatch):
    """The caches of two machines in front of one store, which is empty, and its file system."""
    monkeypatch.setattr("bench.storage.object_store.time.sleep", lambda _: None)
    _connected.cache_clear()
    _names.cache_clear()
    system = empty_flaky_system()
    for name in ("a", "b"):
        mark_as_copy(tmp_path / name, URL)
    yield Cache.at(tmp_path / "a"), Cache.at(tmp_path / "b"), system
    _connected.cache_clear()
    _names.cache_clear()


def fill(cache):
    cache.write_answer("0" * 32, ANSWER)
    cache.write_fit("fit", STATE, [{"loss": 1.0}])
    cache.write_agreement("0" * 64, {"images": 3})
    cache.write_shard("0" * 64, TABLE)
    cache.embeddings("embedder", "none").add(HASHES, EMBEDDINGS)


def assert_full(cache):
    assert cache.has_answer("0" * 32)
    assert cache.has_fit("fit")
    assert np.array_equal(cache.read_answer("0" * 32).scores, ANSWER.scores)
    assert np.array_equal(cache.read_fit("fit")["weights"], STATE["weights"])
    assert cache.history("fit") == [{"loss": 1.0}]
    assert cache.read_agreement("0" * 64) == {"images": 3}
    assert cache.read_shard("0" * 64).equals(TABLE)
    files = cache.embeddings("embedder", "none")
    assert np.array_equal(files.read(files.rows_of(HASHES[::-1])), EMBEDDINGS[::-1])


def test_what_one_machine_makes_another_has(machines):
    one, other, _ = machines
    assert other.read_answer("0" * 32) is None
    assert other.read_fit("fit") is None
    fill(one)
    assert_full(pickle.loads(pickle.dumps(other)))  # noqa: S301 - its own


def test_what_is_here_is_not_asked_for_and_what_is_of_this_machine_is_not_told(machines):
    one, _, system = machines
    fill(one)
    one.write_rates("here", {"a": 1})
    system.calls.clear()
    assert one.read_fit("fit") is not None
    assert one.has_fit("fit")
    assert one.read_rates("here") == {"a": 1}
    assert system.calls == []
    assert {path.split("/")[3] for path in system.store} == {"answers", "fitted", "agreements", "embeddings", "shards"}


def test_embeddings_are_fetched_when_they_are_asked_for(machines):
    one, other, _ = machines
    embeddings = one.embeddings("embedder", "none")
    embeddings.add(HASHES, EMBEDDINGS)
    embeddings.add(HASHES + 1, EMBEDDINGS + 1)
    files = other.embeddings("embedder", "none")
    folder = other.root / "embeddings"
    assert not list(folder.rglob("*.safetensors"))
    assert (files.rows_of(HASHES + 2) < 0).all()
    assert not list(folder.rglob("*.safetensors"))
    assert np.array_equal(files.read(files.rows_of(HASHES + 1)), EMBEDDINGS + 1)
    assert len(list(folder.rglob("*.safetensors"))) == 1


def test_a_damaged_object_is_made_anew_and_replaced_with_a_line(machines, caplog):
    one, other, system = machines
    fill(one)
    for path, file in system.store.items():
        content = bytearray(file.getvalue())
        content[len(content) // 2] ^= 1
        system.pipe_file(path, bytes(content))
    assert other.read_answer("0" * 32) is None
    assert other.read_fit("fit") is None
    files = other.embeddings("embedder", "none")
    assert (files.rows_of(HASHES) < 0).all()
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 3
    assert lines[0] == f"{URL}/answers/{'0' * 32}.parquet is damaged (its checksum is another): it is made anew"
    fill(other)
    (one.root / "answers" / f"{'0' * 32}.parquet").unlink()
    assert np.array_equal(one.read_answer("0" * 32).scores, ANSWER.scores)


def test_half_an_object_is_asked_for_again(machines, caplog):
    one, other, system = machines
    fill(one)
    whole = (one.root / "answers" / f"{'0' * 32}.parquet").read_bytes()
    system.faults["cat_file"] = [OSError("500"), whole[: len(whole) // 2]]
    assert np.array_equal(other.read_answer("0" * 32).scores, ANSWER.scores)
    assert caplog.records == []


def test_what_cannot_be_published_ends_in_one_line_and_is_published_by_the_next_command(machines):
    one, other, system = machines
    one.write_fit("fit", STATE)
    os.utime(one.root / one.places("fit", "")[0], (1, 1))  # of an earlier command
    shared = SharedFiles.of(one.root)
    system.faults["pipe_file"] = [OSError("500")] * ATTEMPTS
    with pytest.raises(StoreFault, match=f"writing {URL}/answers/.* failed {ATTEMPTS} times"), shared.in_step():
        one.write_answer("0" * 32, ANSWER)
    assert np.array_equal(one.read_answer("0" * 32).scores, ANSWER.scores)
    for expected in (1, 0):
        with shared.in_step() as left:
            assert left == expected
    assert not list(one.root.glob(f"{WRITING}*"))
    assert np.array_equal(other.read_answer("0" * 32).scores, ANSWER.scores)


def test_what_a_killed_command_left_is_published_and_that_of_one_that_goes_on_is_not(machines):
    one, _, system = machines
    shared = SharedFiles.of(one.root)
    with shared.in_step(), shared.in_step() as left:
        assert left == 0
    (one.root / f"{WRITING}{'0' * 16}.json").write_text(json.dumps(asdict(ProcessMark(this_process().host, 2**22 + 1))))
    fill(Cache(one.root))  # and publishes nothing
    with shared.in_step() as left:
        assert left == 5
    assert len(system.store) == 5


def test_two_commands_that_find_what_a_killed_one_left_are_in_no_others_way(machines, monkeypatch):
    one, _, _ = machines
    shared, mark = SharedFiles.of(one.root), one.root / f"{WRITING}{'0' * 16}.json"
    mark.write_text("")
    monkeypatch.setattr("bench.engine.caching.shared_files._has_ended", lambda path: path.unlink() or True)
    with shared.in_step() as left:
        assert left == 0


def test_a_cache_without_a_store_asks_none(tmp_path):
    cache = Cache.at(tmp_path / "plain")
    assert cache == Cache(tmp_path / "plain", "")
    fill(cache)
    assert_full(cache)
    with SharedFiles.of(cache.root).in_step() as left:
        assert left == 0
    assert not list(cache.root.glob(".*"))


def test_names_that_lead_out_are_not_the_caches_own(machines):
    one, other, system = machines
    one.embeddings("embedder", "none").add(HASHES, EMBEDDINGS)
    (path,) = system.store
    system.pipe_file(path.replace("/embeddings/", "/embeddings/x/../"), system.store[path].getvalue())
    folder = path.removeprefix("/bucket/cache/").rpartition("/")[0]
    assert SharedFiles.of(other.root).names(other.root / folder) == {path.rpartition("/")[2]}
