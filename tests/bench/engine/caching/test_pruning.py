"""Pruning takes the least recently used first, and leaves what is in use, foreign or kept."""

import errno
import fcntl
import os
import time
from pathlib import Path

import numpy as np
import pytest

from bench.engine.cache import Cache
from bench.engine.caching.inventory import take_inventory
from bench.engine.caching.pruning import cache_for_pruning, entries_to_prune, prune
from bench.engine.caching.use_records import RunUse, mark_used, recorded_use
from bench.engine.caching.working_cache import working_cache
from bench.platform.errors import InputError

DAY = 86_400.0
HASHES = np.arange(64, dtype=np.uint8).reshape(2, 32)


def aged(path: Path, days: float) -> None:
    for one in (path, *path.rglob("*")):
        os.utime(one, (time.time() - days * DAY,) * 2)


@pytest.fixture
def cache(tmp_path):
    """Fits that are 10, 20 and 30 days old, embeddings of 40."""
    cache = Cache(tmp_path)
    for days in (10, 20, 30):
        cache.write_fit(f"{days}", {"cut": np.zeros(days)})
        aged(tmp_path / cache.places(f"{days}", "")[0], days)
    files = cache.embeddings("clip.1", "none")
    for row in (0, 1):
        files.add(HASHES[row : row + 1], np.ones((1, 3), np.float32))
    aged(tmp_path / "embeddings", 40)
    return cache


def pruned(cache, older_than=None, keep=None):
    with cache_for_pruning(cache.root):
        inventory = take_inventory(cache.root)
        return [one.path for one in prune(inventory, entries_to_prune(inventory, older_than, keep))]


def fits(cache):
    return [days for days in (10, 20, 30) if cache.has_fit(f"{days}")]


def test_what_was_not_used_for_long_goes(cache):
    assert len(pruned(cache, older_than=25 * DAY)) == 2
    assert fits(cache) == [10, 20]
    assert not (cache.root / "embeddings").exists(), "its empty folders are left"
    assert not pruned(cache, older_than=25 * DAY)


def test_the_least_recently_used_goes_until_little_enough_is_left(cache):
    size = take_inventory(cache.root).entries
    left = sum(one.bytes for one in size if one.kind == "fits")
    assert len(pruned(cache, keep=left)) == 1
    assert fits(cache) == [10, 20, 30]
    assert len(pruned(cache, keep=left - 1)) == 1
    assert fits(cache) == [10, 20]
    pruned(cache, keep=0)
    assert fits(cache) == []


def test_what_a_run_uses_stays_until_it_has_ended_and_was_used_then(cache):
    use = RunUse("/runs/one", "any", "cats", {"hog_svm": [cache.places("30", "")[0]]}, {}, [])
    with recorded_use(cache.root, use):
        cache.embeddings("clip.1", "none")
        pruned(cache, keep=0)
        assert fits(cache) == [30]
        assert (cache.embeddings("clip.1", "none").rows_of(HASHES) >= 0).all()
    assert not pruned(cache, older_than=DAY)
    pruned(cache, keep=0)
    assert fits(cache) == []
    assert not list((cache.root / "uses").iterdir()), "a record is left of which nothing is there"


def test_embeddings_that_a_run_opens_meanwhile_stay_whole(cache):
    inventory = take_inventory(cache.root)
    (entry,) = (one for one in inventory.entries if one.kind == "embeddings")
    mark_used(cache.root / entry.path)
    assert prune(inventory, [entry]) == []
    files = cache.embeddings("clip.1", "none")
    assert files.read(files.rows_of(HASHES)).shape == (2, 3)


def test_what_is_not_the_caches_own_stays_where_it_is(cache):
    others = ["notes.txt", "fitted/notes.txt", "weights/network.pth"]
    (embedder,) = (cache.root / "embeddings").glob("*/*")
    paths = [*(cache.root / name for name in others), embedder / "notes.txt"]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    pruned(cache, older_than=0.0, keep=0)
    assert [path.read_text() for path in paths] == ["mine"] * len(paths)
    assert sorted(path for path in cache.root.rglob("*") if path.is_file()) == sorted([*paths, cache.root / ".lock"])


def test_unfinished_files_go_once_nobody_finishes_them(cache):
    young, old = (cache.root / "fitted" / f".a.{name}.partial" for name in ("01234567", "89abcdef"))
    for path in (young, old):
        path.write_text("half")
    aged(old, 2)
    pruned(cache, older_than=100 * DAY)
    assert (young.exists(), old.exists()) == (True, False)


def test_nothing_is_pruned_while_a_command_may_use_anything(cache):
    with working_cache(cache.root, print), pytest.raises(InputError, match="nothing was pruned"):
        pruned(cache, keep=0)
    assert fits(cache) == [10, 20, 30]


def test_nothing_is_pruned_where_it_cannot_be_told_what_is_in_use(cache, monkeypatch):
    def fail(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(InputError, match=r"No locks available.*nothing was pruned"):
        pruned(cache, keep=0)
    assert fits(cache) == [10, 20, 30]
