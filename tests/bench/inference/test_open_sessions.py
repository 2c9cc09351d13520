"""Sessions that stay open, and those that are closed for others."""

import copy

from bench.inference.open_sessions import OpenSessions


class Body:
    """Anything that a session is of."""


def test_what_was_not_used_for_the_longest_time_is_closed_beyond_the_limit():
    sessions, (first, second) = OpenSessions(limit=10), (Body(), Body())
    sessions.add(first, "8x8", "a", 4)
    sessions.add(first, "9x9", "b", 4)
    assert sessions.get(first, "8x8") == "a"
    sessions.add(second, "8x8", "c", 4)
    assert [sessions.get(*one) for one in ((first, "8x8"), (first, "9x9"), (second, "8x8"))] == ["a", None, "c"]
    sessions.add(second, "9x9", "large", 40)
    assert [sessions.get(second, size) for size in ("8x8", "9x9")] == [None, "large"]
    assert len(sessions) == 1


def test_sessions_are_closed_with_their_body_and_by_request():
    sessions, body = OpenSessions(), Body()
    sessions.add(body, "8x8", "a", 1)
    del body
    assert len(sessions) == 0
    kept = Body()
    sessions.add(kept, "8x8", "a", 1)
    sessions.close(kept)
    sessions.close(kept)
    assert len(sessions) == 0


def test_another_process_opens_its_own():
    sessions, body = OpenSessions(limit=3), Body()
    sessions.add(body, "8x8", "a", 2)
    sent = copy.copy(sessions)  # by what pickle takes
    assert len(sent) == 0
    sent.add(body, "8x8", "b", 2)
    sent.add(body, "9x9", "c", 2)
    assert len(sent) == 1
