"""Files of remote places are kept up to a size, the last used ones, whole, by several processes, on a full disk too."""

import errno
import os
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.storage.image_cache import BLOCK, DEFAULT_LIMIT, IMAGES, LEFT, LIMIT_FILE, ImageCache, limit_of, set_limit

CONTENT = bytes(range(250)) * 4
LIMIT = 100 * BLOCK  # files of one block


def never():
    raise AssertionError


def held(folder):
    return [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]


def test_a_file_is_fetched_once_for_each_state(tmp_path):
    cache = ImageCache(tmp_path, LIMIT)
    assert cache.read(("place", "a", "1"), lambda: CONTENT) == CONTENT
    assert cache.read(("place", "a", "1"), never) == CONTENT
    assert cache.read(("place", "a", "2"), lambda: b"changed") == b"changed"
    assert ImageCache(tmp_path, LIMIT).read(("place", "a", "2"), never) == b"changed"


def test_the_size_is_kept_and_what_was_used_longest_ago_goes(tmp_path):
    cache = ImageCache(tmp_path, LIMIT)
    cache.read(("first",), lambda: CONTENT)
    cache.read(("second",), lambda: CONTENT)
    for path in held(tmp_path):
        os.utime(path, (1, 1))
    for number in range(130):
        cache.read(("first",), never)  # used again and again
        cache.read((str(number),), lambda: CONTENT)
        assert len(held(tmp_path)) * BLOCK <= LIMIT
    assert len(held(tmp_path)) * BLOCK > LIMIT * LEFT * 0.9
    cache.read(("first",), never)
    cache.read(("129",), never)
    with pytest.raises(AssertionError):
        cache.read(("second",), never)
    with pytest.raises(AssertionError):
        cache.read(("0",), never)


def test_two_at_a_time_keep_the_size_and_whole_files(tmp_path):
    caches = [ImageCache(tmp_path, LIMIT), ImageCache(tmp_path, LIMIT)]

    def work(number):
        key = str(number % 150)
        content = CONTENT + key.encode()
        return caches[number % 2].read((key,), lambda: content) == content

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(250)))
    assert len(held(tmp_path)) * BLOCK <= LIMIT + 8 * BLOCK  # a file of each thread


def test_what_is_damaged_is_fetched_again(tmp_path):
    cache = ImageCache(tmp_path, LIMIT)
    cache.read(("a",), lambda: CONTENT)
    (path,) = held(tmp_path)
    for damage in (path.read_bytes()[:-1], b"", path.read_bytes()[:9] + b"x" + path.read_bytes()[10:]):
        path.write_bytes(damage)
        assert cache.read(("a",), lambda: CONTENT) == CONTENT
        assert cache.read(("a",), never) == CONTENT


def test_on_a_full_disk_files_are_read_on_and_the_user_is_told_once(tmp_path, monkeypatch, caplog):
    cache = ImageCache(tmp_path, LIMIT)
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    monkeypatch.setattr("bench.storage.image_cache.write_atomically", lambda *_: never_room(full))
    for _ in range(3):
        assert cache.read(("a",), lambda: CONTENT) == CONTENT
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path} cannot keep more images (No space left on device): they are read from afar"
    ]


def never_room(error):
    raise error


def test_a_limit_is_the_folders_and_0_keeps_nothing(tmp_path):
    assert ImageCache.of(tmp_path).limit == DEFAULT_LIMIT
    set_limit(tmp_path, None)
    assert list(tmp_path.iterdir()) == []
    set_limit(tmp_path, 5000)
    assert ImageCache.of(tmp_path).limit == 5000
    set_limit(tmp_path, 0)
    cache = ImageCache.of(tmp_path)
    assert [cache.read(("a",), lambda number=number: b"%d" % number) for number in (1, 2)] == [b"1", b"2"]
    assert "keeps no images" in cache.text
    set_limit(tmp_path, None)
    assert limit_of(tmp_path / IMAGES) == DEFAULT_LIMIT
    (tmp_path / IMAGES / LIMIT_FILE).write_text("[]")
    assert limit_of(tmp_path / IMAGES) == DEFAULT_LIMIT


def test_a_lower_limit_holds_from_the_next_file_on(tmp_path):
    cache = ImageCache(tmp_path, LIMIT)
    for number in range(50):
        cache.read((str(number),), lambda: CONTENT)
    lower = ImageCache(tmp_path, 30 * BLOCK)
    lower.read(("one more",), lambda: CONTENT)
    assert len(held(tmp_path)) <= 30 * LEFT
    lower.read(("one more",), never)
