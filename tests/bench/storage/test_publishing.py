"""A command works in a copy that is published meanwhile; a store that fails costs a line, and nothing of the run."""

import time

import pytest

from bench.platform.checksums import ChecksumList
from bench.platform.errors import InputError
from bench.storage import claim, publishing
from bench.storage.claim import CLAIM, own_claim, read_claim, take_claim
from bench.storage.object_store import ATTEMPTS, ObjectStore, StoreFault
from bench.storage.publishing import published, reading_copy
from bench.storage.result_copy import LAST

URL = "flaky://bucket/run"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(publishing, "EVERY", 0.01)


def write(folder, name, text="1"):
    ChecksumList.of(folder).write(name, lambda path: path.write_text(text))


def wait_until(condition):
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        publishing.Event().wait(0.01)


def test_files_are_published_while_the_command_works_and_the_manifest_when_it_ends(flaky, tmp_path):
    said = []
    with published(tmp_path, URL, said.append):
        assert read_claim(ObjectStore(URL)).token
        write(tmp_path, LAST)
        write(tmp_path, "scores")
        wait_until(lambda: "/bucket/run/scores" in flaky.store)
        assert f"/bucket/run/{LAST}" not in flaky.store
        with pytest.raises(InputError, match="being written by another run"), published(tmp_path, URL, said.append):
            pass
    assert f"/bucket/run/{LAST}" in flaky.store
    assert f"/bucket/run/{CLAIM}" not in flaky.store
    assert said == [f"Published: {URL}"]


def test_a_command_that_fails_has_published_what_it_found_and_is_no_owner_any_more(flaky, tmp_path):
    def fail():
        write(tmp_path, "scores")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), published(tmp_path, URL, print):
        fail()
    assert "/bucket/run/scores" in flaky.store
    assert f"/bucket/run/{CLAIM}" not in flaky.store


def test_a_store_that_is_silent_meanwhile_is_told_once_and_costs_nothing(flaky, tmp_path):
    said = []
    with published(tmp_path, URL, said.append):
        flaky.faults["pipe_file"] = [OSError("500")] * 40
        write(tmp_path, "scores")
        wait_until(lambda: not flaky.faults["pipe_file"])
        wait_until(lambda: len(said) == 2)
    assert "the run goes on" in said[0]
    assert str(tmp_path) in said[0]
    assert said[1:] == [f"{URL} answers again", f"Published: {URL}"]


def test_a_store_that_is_silent_in_the_end_is_one_line_and_the_copy_is_whole(flaky, tmp_path):
    def work():
        write(tmp_path, LAST)
        flaky.faults["pipe_file"] = [OSError("500")] * (10 * ATTEMPTS)

    with pytest.raises(StoreFault, match=r"is kept in .*, and is not computed again"), published(tmp_path, URL, print):
        work()
    assert (tmp_path / LAST).read_text() == "1"
    flaky.faults.clear()
    with published(tmp_path, URL, print):
        pass
    assert f"/bucket/run/{LAST}" in flaky.store


def test_a_run_that_was_taken_over_publishes_nothing_more(flaky, tmp_path, monkeypatch):
    monkeypatch.setattr(publishing, "BEAT", 0.0)
    said, store, other = [], ObjectStore(URL), own_claim()

    def work():
        store.write(CLAIM, other.to_json())
        wait_until(lambda: said)
        write(tmp_path, "scores")

    with pytest.raises(InputError, match=r"what this run found is kept in"), published(tmp_path, URL, said.append):
        work()
    assert "/bucket/run/scores" not in flaky.store
    assert read_claim(store) == other


def test_a_run_that_was_taken_over_while_it_stood_still_publishes_nothing_in_the_end(flaky, tmp_path, monkeypatch):
    monkeypatch.setattr(publishing, "EVERY", 1000.0)
    store, other = ObjectStore(URL), own_claim()

    def work():
        store.write(CLAIM, other.to_json())
        write(tmp_path, LAST)

    with (
        pytest.raises(InputError, match=r"another run .*; what this run found is kept in"),
        published(tmp_path, URL, print),
    ):
        work()
    assert f"/bucket/run/{LAST}" not in flaky.store
    assert read_claim(store) == other


def test_the_sign_of_life_is_given_by_the_clock_that_others_read(flaky, tmp_path, monkeypatch):
    store = ObjectStore(URL)
    with published(tmp_path, URL, print):
        first, now = read_claim(store), time.time
        monkeypatch.setattr("bench.storage.publishing.time.time", lambda: now() + 2 * claim.BEAT)  # it slept
        wait_until(lambda: read_claim(store).seen > first.seen + claim.BEAT)


def test_a_copy_for_reading_says_where_there_is_no_finished_run(flaky, tmp_path):
    store = ObjectStore(URL)
    with pytest.raises(InputError, match=r"flaky://bucket/run holds no run \(manifest.json is missing\)"):
        reading_copy(tmp_path, URL)
    own = take_claim(store, print)
    with pytest.raises(InputError, match=rf"holds a run that goes on \(process {own.mark.number} of"):
        reading_copy(tmp_path, URL)
    store.write(LAST, b"{}")
    assert (reading_copy(tmp_path, URL) / LAST).read_bytes() == b"{}"
    assert read_claim(store) == own
    assert claim.BEAT < claim.SILENT / 3
