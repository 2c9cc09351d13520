"""A cache that cannot be written is read, and what is missing in it lasts until the command ends."""

import errno
import os

import numpy as np
import pytest

from bench.engine.cache import Cache
from bench.engine.caching import working_cache as module
from bench.engine.caching.use_records import USES, RunUse, known_uses
from bench.engine.caching.working_cache import LOCK, working_cache
from bench.platform import files
from bench.platform.errors import InputError
from bench.platform.locks import LockTaken, take_lock
from detectors.checks import same_state

HASHES = np.arange(64, dtype=np.uint8).reshape(2, 32)
STATE = {"cut": np.array(0.5)}
USE = RunUse("/runs/one", "cross_generator", "cats", {}, {}, [])


@pytest.fixture
def filled(tmp_path):
    root = tmp_path / "cache"
    Cache(root).write_fit("known", STATE)
    Cache(root).embeddings("embedder", "none").add(HASHES[:1], np.ones((1, 3), np.float32))
    (root / "corpus" / "1-0").mkdir(parents=True)
    (root / "corpus" / "1-0" / "dataset.json").write_text("{}")
    (root / "fitted" / ".half.partial").write_text("")
    return root


@pytest.fixture
def closed(filled, monkeypatch):
    """A folder of which the system says that this user cannot write it; root may write any."""
    access = os.access
    monkeypatch.setattr(
        module.os, "access", lambda path, mode: not (mode & os.W_OK and filled in path.parents) and access(path, mode)
    )
    return filled


def content(root):
    return {path: path.read_bytes() for path in root.rglob("*") if path.is_file() and path.name != LOCK}


def test_a_folder_of_ones_own_is_used_as_it_is(filled):
    said = []
    with working_cache(filled, said.append) as cache:
        assert cache.path == filled
    assert said == []


def test_a_closed_folder_is_read_and_stays_as_it_is(closed):
    before, said = content(closed), []
    with working_cache(closed, said.append) as working:
        cache = Cache(working.path)
        assert same_state(cache.read_fit("known"), STATE)
        cache.write_fit("known", {"cut": np.array(0.25)})  # as where it was damaged
        cache.write_fit("new", STATE)
        files = cache.embeddings("embedder", "none")
        files.add(HASHES[1:], np.zeros((1, 3), np.float32))
        again = cache.embeddings("embedder", "none")
        assert again.read(again.rows_of(HASHES)).tolist() == [[1, 1, 1], [0, 0, 0]]
        assert same_state(cache.read_fit("known"), {"cut": np.array(0.25)})
        assert same_state(cache.read_fit("new"), STATE)
        assert (working.path / "corpus" / "1-0" / "dataset.json").read_text() == "{}"
        assert not list(working.path.rglob("*.partial"))
    assert content(closed) == before
    assert not working.path.exists()
    assert len(said) == 1
    assert f"The cache {closed} cannot be written (Permission denied in its" in said[0]


def test_a_folder_that_cannot_be_made_holds_nothing(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "write_atomically", refuse)
    with working_cache(tmp_path / "none", lambda _: None) as working:
        assert Cache(working.path).read_fit("known") is None
        Cache(working.path).write_fit("known", STATE)
    assert not content(tmp_path / "none")


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_is_no_cache(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="set LINEUP_CACHE"), working_cache(tmp_path / name, print):
        pass


def test_reading_alone_makes_nothing(tmp_path):
    with working_cache(tmp_path / "none", print, reading=True) as working:
        assert working.path == tmp_path / "none"
    assert not working.path.exists()


@pytest.mark.parametrize("reading", [False, True])
def test_nothing_is_pruned_until_a_command_says_what_it_uses(filled, reading):
    with working_cache(filled, print):
        pass
    with working_cache(filled, print, reading=reading), pytest.raises(LockTaken):
        take_lock(filled / LOCK)
    with working_cache(filled, print) as working:
        working.declare([USE])
        take_lock(filled / LOCK).release()
        assert [one.going_on for one in known_uses(filled)] == [True]
    assert [one.going_on for one in known_uses(filled)] == [False]


def test_who_cannot_write_keeps_all_from_being_pruned(closed):
    with working_cache(closed, lambda _: None) as working:
        working.declare([USE])
        with pytest.raises(LockTaken):
            take_lock(closed / LOCK)
    assert not (closed / USES).exists()


def test_a_folder_in_which_nothing_was_kept_is_gone(tmp_path):
    with working_cache(tmp_path / "none", print) as first, working_cache(tmp_path / "none", print):
        assert (first.path / LOCK).is_file()
    assert not (tmp_path / "none").exists()


def test_a_full_disk_is_no_cache_that_is_closed(filled, monkeypatch):
    def full(path, write):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(files, "_replace", full)
    said = []
    with (
        pytest.raises(InputError, match=r"\.writable cannot be written into .*No space left"),
        working_cache(filled, said.append),
    ):
        pass
    assert said == []
