"""What a terminal shows of names that hold anything."""

import io

import pytest
from rich.console import Console

from bench.platform.printable import parse_size, printable, size_text
from bench.platform.progress import Reporter


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("плащ 図.png", "плащ 図.png"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("9.41\u202fAM", "9.41\\u202fAM"),
        ("a\udcffb", "a\\udcffb"),
        ("a\\b", "a\\b"),
    ],
)
def test_what_cannot_be_shown_is_escaped_and_nothing_else(text, shown):
    assert printable(text) == shown


def test_lines_that_are_said_stay_lines():
    written = io.StringIO()
    Reporter(Console(file=written, width=80)).say("first\nsecond\tpart")
    assert written.getvalue() == "first\nsecond\\tpart\n"


@pytest.mark.parametrize(
    ("size", "text"), [(12, "12 B"), (999, "999 B"), (2_500, "2.5 kB"), (3.2e11, "320.0 GB"), (5e16, "50000.0 TB")]
)
def test_sizes_have_units_that_suit_them(size, text):
    assert size_text(size) == text


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("20GB", 20 * 10**9), ("1.5 kb", 1500), (" 7 B ", 7), ("20", None), ("", None), ("-1GB", None)],
)
def test_a_size_is_read_with_its_unit(text, size):
    assert parse_size(text) == size
