"""Commands as processes: some at a time, what they print in files, and none left behind."""

import os
import subprocess
import sys
import time

import pytest

from bench.platform.processes.commands import CommandLine, run_commands

PYTHON = (sys.executable, "-S", "-E", "-c")
FOREVER = "import os, time; print(os.getpid(), flush=True); time.sleep(100)"


def command(folder, name, code):
    return CommandLine(name, [*PYTHON, code], folder / f"{name}.log")


def is_gone(log):
    """Whether the process that wrote its number into a log has ended."""
    try:
        os.kill(int(log.read_text()), 0)
    except ProcessLookupError:
        return True
    return False


def test_ends_and_output_of_all_are_told_in_order(tmp_path):
    began, ended = [], []
    codes = {"a": 0, "b": 3, "c": 0}
    commands = [
        command(tmp_path, name, f"import sys; print({name!r}); sys.exit({code})") for name, code in codes.items()
    ]
    found = run_commands(commands, 2, began.append, ended.append)
    assert {end.name: end.code for end in found} == codes
    assert [end.name for end in found] == list(codes)
    assert sorted(began) == sorted(end.name for end in ended) == list(codes)
    assert [(tmp_path / f"{name}.log").read_text() for name in codes] == ["a\n", "b\n", "c\n"]


def test_no_more_run_at_a_time_than_asked_for(tmp_path):
    code = f"""
import os, time
open({str(tmp_path)!r} + "/running-" + str(os.getpid()), "w").close()
time.sleep(.05)
print(len([one for one in os.listdir({str(tmp_path)!r}) if one.startswith("running")]))
os.remove({str(tmp_path)!r} + "/running-" + str(os.getpid()))
"""
    run_commands([command(tmp_path, f"{n}", code) for n in range(5)], 2, lambda _: None, lambda _: None)
    assert max(int((tmp_path / f"{n}.log").read_text()) for n in range(5)) <= 2


def test_whatever_is_raised_ends_those_that_run_and_begins_no_other(tmp_path):
    commands = [command(tmp_path, "quick", ""), *(command(tmp_path, f"{n}", FOREVER) for n in range(3))]

    def fail(end):
        assert end.name == "quick"
        while not (tmp_path / "0.log").exists() or not (tmp_path / "0.log").read_text():
            time.sleep(0.01)
        raise KeyboardInterrupt

    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run_commands(commands, 2, lambda _: None, fail)
    assert time.monotonic() - start < 20
    assert is_gone(tmp_path / "0.log")
    assert not (tmp_path / "2.log").exists()


def test_a_command_that_heeds_no_signal_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("bench.platform.processes.commands.END_SECONDS", 0.1)
    deaf = command(tmp_path, "deaf", f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOREVER}")

    def fail(_):
        while not deaf.log.exists() or not deaf.log.read_text():
            time.sleep(0.01)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_commands([command(tmp_path, "quick", ""), deaf], 2, lambda _: None, fail)
    assert is_gone(deaf.log)


@pytest.mark.slow
def test_a_kill_of_the_starter_leaves_none_behind(tmp_path):
    code = f"""
import os, sys, time
from pathlib import Path
from bench.platform.processes.commands import CommandLine, run_commands
log = Path({str(tmp_path)!r}, "log")
def kill(_):
    while not log.is_file() or not log.read_text():
        time.sleep(0.01)
    os.kill(os.getpid(), 9)
run_commands([CommandLine("a", [sys.executable, "-S", "-E", "-c", {FOREVER!r}], log)], 1, kill, print)
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    deadline = time.monotonic() + 20
    while not is_gone(tmp_path / "log"):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_program_that_is_not_there_is_told(tmp_path):
    with pytest.raises(FileNotFoundError):
        run_commands([CommandLine("a", ["/nowhere/program"], tmp_path / "log")], 1, lambda _: None, lambda _: None)
