"""Texts that are URLs of stores, and those that are paths; passwords are refused."""

import os
from pathlib import Path

import pytest

from bench.platform.errors import InputError
from bench.storage.connection import connect, is_store, local_path, require_no_password, state_of


def test_a_url_of_this_machine_is_a_path():
    assert [is_store(text) for text in ("s3://b/x", "memory://x", "file:///x", "x/y", "s3:/b")] == [1, 1, 0, 0, 0]
    assert local_path("file:///data/with%20space") == Path("/data/with space")
    assert local_path("runs/one") == Path("runs/one")


def test_a_password_in_a_url_is_refused_and_not_printed():
    require_no_password("s3://bucket/with@sign")
    with pytest.raises(InputError) as error:
        require_no_password("s3://key:very-secret@bucket/x")
    assert "very-secret" not in str(error.value)


def test_threads_share_a_file_system_and_another_process_has_its_own(flaky, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    own = connect("flaky://x")[0]
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(connect, "flaky://x").result()[0] is own
    asked = []
    monkeypatch.setattr("fsspec.core.url_to_fs", lambda url: asked.append(url) or (own, "/x"))
    monkeypatch.setattr(os, "getpid", lambda: -1)
    connect("flaky://x")
    assert asked == ["flaky://x"]


def test_what_a_store_says_of_a_file_tells_its_states_apart():
    info = {"name": "a", "size": 3, "ETag": "1", "atime": 5}
    assert state_of(info) == state_of({**info, "name": "b", "atime": 6})
    assert state_of(info) != state_of({**info, "ETag": "2"})
