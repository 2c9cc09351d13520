"""Whether a process still runs, also where its number was given to another."""

import subprocess
import sys
from dataclasses import replace

from bench.platform.processes.endings import is_gone, this_process


def test_a_process_that_runs_is_not_gone_and_one_that_ended_is():
    assert not is_gone(this_process())
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mark = replace(this_process(), number=child.pid, started="")
    assert not is_gone(mark)
    child.stdin.close()
    child.wait()
    assert is_gone(mark)


def test_a_process_that_has_ended_and_is_not_waited_for_is_gone():
    child = subprocess.Popen([sys.executable, "-c", "pass"], stdout=subprocess.PIPE)
    child.stdout.read()
    mark = replace(this_process(), number=child.pid, started="")
    try:
        for _ in range(1000):
            if is_gone(mark):
                break
        assert is_gone(mark)
    finally:
        child.wait()
        child.stdout.close()


def test_another_process_of_the_same_number_is_not_taken_for_it():
    assert is_gone(replace(this_process(), started="1"))


def test_nothing_is_said_of_another_machine():
    assert not is_gone(replace(this_process(), host="another", number=2**22 - 1))
