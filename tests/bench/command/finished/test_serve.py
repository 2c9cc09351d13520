"""`lineup serve`, from what is typed to what a browser gets."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import pytest

from bench.live.run_reader import RunReader
from tests.support.command_line import one_line


@pytest.fixture
def process(environment):
    """Start the command as a process of its own, which is ended with the test."""
    started = []

    def start(*arguments):
        one = subprocess.Popen(
            [sys.executable, "-m", "bench", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment, "PYTHONUNBUFFERED": "1"},
        )
        started.append(one)
        return one

    yield start
    for one in started:
        one.kill()
        one.communicate()


def test_a_run_is_served_until_it_is_interrupted(process, finished):
    root, _ = finished
    server = process("serve", root / "cross_generator", "--port", 0)
    line = server.stdout.readline()
    url = re.search(r"at (http://127\.0\.0\.1:\d+/); Ctrl-C ends it$", line.strip())[1]
    with urlopen(url, timeout=10) as page:  # noqa: S310 - of this test
        assert b"18 of 18 cells" in page.read() or page.status == 200
    server.send_signal(signal.SIGINT)
    out, err = server.communicate(timeout=20)
    assert (server.returncode, out, err) == (0, "Serving has ended; a run that goes on is not touched\n", "")


def test_an_empty_folder_waits_and_says_so(process, tmp_path):
    line = process("serve", tmp_path, "--port", 0).stdout.readline()
    assert "which is empty: waiting for a run to be planned there" in line


def test_what_cannot_be_served_is_one_line(lineup, finished, tmp_path):
    root, _ = finished
    assert "is no folder" in one_line(lineup("serve", tmp_path / "nowhere"))
    assert "holds several runs; give one of them: cross_generator, degradation" in one_line(lineup("serve", root))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = one_line(lineup("serve", root / "cross_generator", "--port", port))
    assert f"port {port} is in use; give another one with --port" in said


def waited_for(what):
    """Wait until something holds."""
    end = time.monotonic() + 100
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    return what()


@pytest.mark.slow
def test_a_killed_run_is_shown_as_ended_and_goes_on_when_it_is_repeated(process, lineup, data, tmp_path):
    out = tmp_path / "run"
    typed = ("run", "--data", data, "--detectors", "npr", "--out", out, "--no-baselines")
    run, reader = process(*typed), RunReader(out)
    assert waited_for(lambda: reader.read().curves)
    assert reader.read().stage == "running"
    run.kill()
    run.communicate()
    state = reader.read()
    assert (state.stage, "killed" in state.error) == ("ended", True)
    assert lineup(*typed).returncode == 0
    assert reader.read().stage == "finished"
    assert not (out / "live").exists()
