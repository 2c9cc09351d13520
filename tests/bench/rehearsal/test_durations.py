"""Times as texts."""

import pytest

from bench.rehearsal.durations import duration, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "under 1 s"), (119, "119 s"), (150, "2 min"), (7200, "2.0 h"), (3600 * 1234.5, "1,234 h")],
)
def test_times_have_units_that_suit_them(seconds, text):
    assert duration(seconds) == text


def test_two_times_that_read_alike_are_one():
    assert span(30, 150) == "30 s to 2 min"
    assert span(3601, 3610) == "60 min"
