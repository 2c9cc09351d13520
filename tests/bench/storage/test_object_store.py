"""Objects are read and written whole, however often the store fails; what fails for good is one line."""

import pickle
import threading
import time

import pytest

from bench.storage import object_store
from bench.storage.object_store import (
    ATTEMPTS,
    MOST_DAMAGED,
    PAUSES,
    DamagedObject,
    ObjectStore,
    StoreFault,
    length_fault,
    within,
)

STORE = ObjectStore("flaky://bucket/x")


def test_what_is_written_is_read_listed_and_deleted(flaky):
    STORE.write("a/b", b"content")
    STORE.write("c", b"")
    assert STORE.read("a/b") == b"content"
    assert STORE.read("a/b", part=(1, 4)) == b"ont"
    assert set(STORE.infos()) == {"a/b", "c"}
    assert set(STORE.infos("a")) == {"a/b"}
    STORE.delete("a/b")
    STORE.delete("a/b")  # it is gone already
    assert set(STORE.infos()) == {"c"}
    with pytest.raises(FileNotFoundError):
        STORE.read("a/b")
    assert pickle.loads(pickle.dumps(STORE)) == STORE  # noqa: S301 - its own


def test_a_store_that_answers_badly_is_asked_again_with_growing_pauses(flaky):
    flaky.faults["pipe_file"] = [OSError("500"), ConnectionResetError("reset"), ValueError("odd")]
    STORE.write("a", b"content")
    assert flaky.pauses == list(PAUSES[:3])
    assert list(PAUSES) == sorted(PAUSES)
    flaky.faults["cat_file"] = [OSError("503"), b"cont"]
    assert STORE.read("a", lambda data: length_fault(data, 7)) == b"content"
    flaky.faults["find"] = [OSError("503")] * (ATTEMPTS - 1)
    assert set(STORE.infos()) == {"a"}


def test_a_store_that_fails_for_good_is_one_line(flaky):
    flaky.faults["pipe_file"] = [OSError("the disk is on fire\nin two lines")] * ATTEMPTS
    with pytest.raises(StoreFault) as error:
        STORE.write("a", b"content")
    line = str(error.value)
    assert "\n" not in line
    assert f"writing flaky://bucket/x/a failed {ATTEMPTS} times (the disk is on fire)" in line
    assert "run the same command again" in line
    assert len(flaky.pauses) == ATTEMPTS - 1


def test_refusals_and_missing_buckets_are_not_asked_again(flaky):
    flaky.faults["pipe_file"] = [PermissionError("403"), FileNotFoundError("no bucket")]
    with pytest.raises(StoreFault, match=r"failed \(403\); check your credentials"):
        STORE.write("a", b"")
    with pytest.raises(StoreFault, match=r"failed \(no bucket\); make the bucket"):
        STORE.write("a", b"")
    assert flaky.pauses == []


def test_half_an_object_is_named_after_some_attempts(flaky):
    STORE.write("a", b"content")
    flaky.faults["cat_file"] = [b"cont"] * ATTEMPTS
    with pytest.raises(DamagedObject, match=rf"failed {MOST_DAMAGED} times \(4 of 7 bytes came\)"):
        STORE.read("a", lambda data: length_fault(data, 7))


def test_a_call_that_hangs_is_left_behind(flaky, monkeypatch):
    monkeypatch.setattr(object_store, "TIME_LIMIT", 0.05)
    STORE.write("a", b"content")
    end = threading.Event()
    monkeypatch.setattr(type(flaky), "cat_file", lambda *_, **__: end.wait(5))
    with pytest.raises(StoreFault, match="no answer within 0 s"):
        ObjectStore(STORE.url, pauses=()).read("a")
    end.set()


def test_a_store_that_is_silent_is_asked_for_some_minutes_at_most(flaky, monkeypatch):
    clock = iter(range(0, 10_000, 120))
    monkeypatch.setattr(object_store.time, "monotonic", lambda: float(next(clock)))
    flaky.faults["find"] = [OSError("silent")] * ATTEMPTS
    with pytest.raises(StoreFault, match=r"listing .* failed 3 times"):
        STORE.infos()


def test_what_a_call_raises_is_raised_also_its_own_time_limit():
    assert within(5, lambda: 3) == 3
    with pytest.raises(TimeoutError, match="of its own"):
        within(5, lambda: _raise(TimeoutError("of its own")))
    start = time.monotonic()
    with pytest.raises(TimeoutError, match="no answer"):
        within(0.05, lambda: time.sleep(0.5))
    assert time.monotonic() - start < 0.4


def test_an_object_is_created_once(flaky):
    assert STORE.create("claim", b"1")
    assert not STORE.create("claim", b"2")
    assert STORE.read("claim") == b"1"


def _raise(error):
    raise error
