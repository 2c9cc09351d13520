"""One run at a time writes to a place on a store; the claims of the dead are taken over."""

import json
from dataclasses import replace

import pytest

from bench.platform.errors import InputError
from bench.platform.processes.endings import ProcessMark
from bench.storage.claim import CLAIM, SILENT, give_back, own_claim, read_claim, renewed, take_claim
from bench.storage.object_store import ObjectStore

STORE = ObjectStore("flaky://bucket/run")


def elsewhere(**changes):
    return replace(own_claim(), mark=ProcessMark("another-machine", 7), user="ada", **changes)


def test_a_place_that_is_claimed_is_refused_with_its_owner(flaky):
    own = take_claim(STORE, print)
    assert read_claim(STORE) == own
    with pytest.raises(
        InputError, match=rf"is being written by another run \(process {own.mark.number} of .* since 20"
    ):
        take_claim(STORE, print)
    give_back(STORE, own)
    assert read_claim(STORE) is None
    take_claim(STORE, print)


@pytest.mark.parametrize(
    ("owner", "reason"),
    [
        (lambda: replace(own_claim(), mark=ProcessMark(own_claim().mark.host, 2**22 + 1)), "it has ended"),
        (lambda: elsewhere(seen=own_claim().seen - SILENT - 60), "it has given no sign for 11 min"),
    ],
)
def test_the_claim_of_a_dead_run_is_taken_over_in_a_line(flaky, owner, reason):
    STORE.write(CLAIM, owner().to_json())
    said = []
    own = take_claim(STORE, said.append)
    assert read_claim(STORE) == own
    assert len(said) == 1
    assert said[0].endswith(reason)


def test_an_owner_on_another_machine_that_was_heard_of_lives(flaky):
    STORE.write(CLAIM, elsewhere(seen=own_claim().seen - SILENT / 2).to_json())
    with pytest.raises(InputError, match="process 7 of ada on another-machine"):
        take_claim(STORE, print)


def test_of_two_that_take_over_at_once_the_last_one_has_it(flaky, monkeypatch):
    STORE.write(CLAIM, elsewhere(seen=0).to_json())
    monkeypatch.setattr("bench.storage.claim.time.sleep", lambda _: STORE.write(CLAIM, elsewhere().to_json()))
    with pytest.raises(InputError, match="being written by another run"):
        take_claim(STORE, lambda _: None)


def test_a_store_that_knows_no_condition_has_the_last_claim(flaky, monkeypatch):
    """Such a store puts the object over the first one, whose owner sees it when it shows that it lives."""
    first = take_claim(STORE, print)
    monkeypatch.setattr(ObjectStore, "create", lambda store, name, data: store.write(name, data) or True)
    second = take_claim(STORE, print)
    with pytest.raises(InputError, match="being written by another run"):
        renewed(STORE, first)
    assert renewed(STORE, second).token == second.token


def test_a_claim_whose_answer_was_lost_is_ones_own(flaky, monkeypatch):
    def create(store, name, data):
        store.write(name, data)
        return False

    monkeypatch.setattr(ObjectStore, "create", create)
    said = []
    assert take_claim(STORE, said.append) == read_claim(STORE)
    assert said == []


def test_a_sign_of_life_is_written(flaky, monkeypatch):
    own = take_claim(STORE, print)
    monkeypatch.setattr("bench.storage.claim.time.time", lambda: own.seen + 60)
    assert renewed(STORE, own).seen == own.seen + 60 == read_claim(STORE).seen


@pytest.mark.parametrize("content", [b"", b"[]", b'{"mark": 3}', json.dumps({"token": "x"}).encode()])
def test_a_claim_that_cannot_be_read_is_taken_over(flaky, content):
    STORE.write(CLAIM, content)
    assert take_claim(STORE, print) == read_claim(STORE)


def test_what_another_has_taken_over_is_not_given_back(flaky):
    own = take_claim(STORE, print)
    STORE.write(CLAIM, elsewhere().to_json())
    give_back(STORE, own)
    assert read_claim(STORE).user == "ada"
