"""What a reporter shows on a terminal and in a log, and that whoever listens is told of it."""

import io
import os
import pty
from contextlib import suppress

import pytest
from rich.console import Console

from bench.platform import progress
from bench.platform.progress import Reporter, duration_text


class Heard:
    def __init__(self):
        self.lines, self.steps = [], []

    def said(self, text):
        self.lines.append(text)

    def stage_at(self, name, done, total):
        self.steps.append((name, done, total))


def test_a_listener_hears_lines_and_every_step(quiet):
    heard = Heard()
    reporter = quiet.with_listener(heard)
    reporter.say("Warning: few images")
    with reporter.stage("score", 5) as advance:
        advance(2)
        advance(3)
    assert heard.lines[0] == "Warning: few images"
    assert heard.steps == [("score", 0, 5), ("score", 2, 5), ("score", 5, 5)]
    assert quiet.listeners == ()


def test_a_stage_of_nothing_is_none(quiet):
    heard = Heard()
    with quiet.with_listener(heard).stage("score", 0) as advance:
        advance(0)
    assert heard.steps == []


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when a test says so."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def lines_of_a_log(clock, seconds, steps):
    """What a stage of so many equal steps leaves in a log."""
    file = io.StringIO()
    with Reporter(Console(file=file)).stage("score images", steps) as advance:
        for _ in range(steps):
            clock[0] += seconds / steps
            advance(1)
    return file.getvalue().splitlines()


def test_a_long_stage_is_a_line_now_and_then_in_a_log_with_its_share_and_the_time_left(clock):
    assert lines_of_a_log(clock, 160, 1280) == [
        "score images: 240 of 1,280 (19%), about 2 min left",
        "score images: 480 of 1,280 (38%), about 2 min left",
        "score images: 720 of 1,280 (56%), about 70 s left",
        "score images: 960 of 1,280 (75%), about 40 s left",
        "score images: 1,200 of 1,280 (94%), about 10 s left",
        "score images: 1280 done in 160.0 s",
    ]


def test_where_a_listener_draws_a_bar_there_is_a_line_at_the_end_alone(clock):
    file = io.StringIO()
    with Reporter(Console(file=file), notes=False).stage("score images", 4) as advance:
        for _ in range(4):
            clock[0] += 100
            advance(1)
    assert file.getvalue().splitlines() == ["score images: 4 done in 400.0 s"]


def test_a_short_stage_is_one_line_and_one_of_hours_no_long_log(clock):
    assert len(lines_of_a_log(clock, 20, 100)) == 1
    assert len(lines_of_a_log(clock, 12 * 3600, 10_000)) < 70


def test_stages_that_are_reported_from_elsewhere_leave_the_same_lines(clock):
    file = io.StringIO()
    with Reporter(Console(file=file)).stages() as report:
        for done in range(5):
            clock[0] += 31
            report("embedded corpus", done, 4)
    assert "embedded corpus: 2 of 4 (50%), about 62 s left" in file.getvalue()
    assert file.getvalue().splitlines()[-1] == "embedded corpus: 4 done"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (89, "89 s"), (90, "2 min"), (3599, "1 h 00 min"), (7500, "2 h 05 min")]
)
def test_lengths_of_time(seconds, text):
    assert duration_text(seconds) == text


def printed_on_a_terminal(monkeypatch, **environment):
    """What a stage prints on a pseudo-terminal."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal, Reporter(Console(file=terminal)).stage("score images", 2) as advance:
        advance(1)
        advance(1)
    parts = []
    with suppress(OSError):  # once all is read, as nobody writes any more
        while part := os.read(ours, 1 << 16):
            parts.append(part)
    os.close(ours)
    return b"".join(parts).decode()


def test_a_terminal_shows_a_bar_with_the_time_left_and_a_dumb_one_a_line(monkeypatch):
    shown = printed_on_a_terminal(monkeypatch, TERM="xterm")
    assert "2/2" in shown
    assert "left" in shown
    assert "\x1b[" in shown
    plain = printed_on_a_terminal(monkeypatch, TERM="dumb")
    assert plain.startswith("score images: 2 done in ")
    assert "\x1b" not in plain


def test_without_colours_there_are_none_and_a_narrow_terminal_cuts_nothing(monkeypatch):
    assert "\x1b[3" not in printed_on_a_terminal(monkeypatch, TERM="xterm", NO_COLOR="1")
    narrow = printed_on_a_terminal(monkeypatch, TERM="xterm", COLUMNS="40")
    assert "score images" in narrow
    assert "2/2" in narrow
    assert "\N{HORIZONTAL ELLIPSIS}" not in narrow


def test_forced_colours_draw_no_bars_into_a_pipe(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    file = io.StringIO()
    with Reporter(Console(file=file)).stage("score images", 1) as advance:
        advance(1)
    assert file.getvalue().startswith("score images: 1 done in ")
    assert "\r" not in file.getvalue()


def test_a_listener_hears_stages_that_are_told_as_they_come(quiet):
    heard = Heard()
    with quiet.with_listener(heard).stages() as report:
        report("draw", 1, 2)
        report("draw", 2, 2)
    assert heard.steps == [("draw", 1, 2), ("draw", 2, 2)]
