"""Processes that answer, fail and die: each costs its own task alone."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.platform.processes.worker_processes import ProcessDied, WorkerProcesses


class Unpicklable(Exception):
    def __init__(self, one, two):
        super().__init__(f"{one} {two}")


def do(what):
    if what == "exit":
        os._exit(0)
    if what == "leave":
        sys.exit(5)
    if what == "segfault":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "unpicklable":
        raise Unpicklable(1, 2)
    if what == "lambda":
        return lambda: what
    if what == "print":
        print("not for standard output")  # noqa: T201
    if what == "sleep":
        time.sleep(600)
    return what


def test_every_end_of_a_task_is_told_and_the_others_go_on(capfd):
    tasks = ("exit", "fine", "leave", "segfault", "unpicklable", "lambda", "print", "fine")
    with WorkerProcesses(2) as pool:
        futures = [pool.submit(do, what) for what in tasks]
        errors = {what: future.exception() for what, future in zip(tasks, futures, strict=True)}
    assert {what for what, error in errors.items() if error is None} == {"fine", "print"}
    assert str(errors["exit"]) == "its process ended with exit code 0 in the middle of its work"
    assert str(errors["segfault"]) == "its process was ended by SIGSEGV"
    assert isinstance(errors["leave"], SystemExit)
    assert str(errors["unpicklable"]) == "Unpicklable: 1 2"
    assert isinstance(errors["lambda"], Exception)
    assert capfd.readouterr().out == ""


def leave_early():
    with WorkerProcesses(1) as pool:
        pool.submit(do, "sleep")
        waiting = pool.submit(do, "fine")
        time.sleep(0.2)
        raise KeyError(waiting)


def test_leaving_by_an_exception_ends_what_runs():
    start = time.monotonic()
    with pytest.raises(KeyError):
        leave_early()
    assert time.monotonic() - start < 30


def test_none_is_started_once_all_are_ended():
    pool = WorkerProcesses(1)
    pool.close(at_once=True)
    with pytest.raises((ProcessDied, RuntimeError)):
        pool.submit(do, "fine").result()


PROGRAM = """
import math
from bench.platform.processes.worker_processes import WorkerProcesses

print("begun")
with WorkerProcesses(1) as processes:
    print(processes.submit(math.sqrt, 4).result())
print(__file__, __spec__)
"""


def test_a_program_without_a_guard_is_not_run_again_in_a_process(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True, env=environment)
    assert done.stdout.splitlines() == ["begun", "2.0", f"{program} None"]
    assert done.stderr == ""
