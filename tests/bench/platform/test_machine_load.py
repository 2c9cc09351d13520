"""Whether other work on the machine is seen, and its own work is not."""

import math
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.platform import machine_load
from bench.platform.machine_load import LoadWatch, MachineLoad

ON_LINUX = Path("/proc/self/schedstat").is_file()


@pytest.mark.parametrize(
    ("share", "others", "cores", "disturbed"),
    [
        (1.0, 0.0, 2, False),
        (0.79, 0.0, 2, True),
        (0.81, 0.24, 2, False),
        (1.0, 0.26, 2, True),
        (1.0, 5.0, 64, False),  # the others have cores enough
        (1.0, 7.0, 64, True),
        (math.nan, math.nan, 2, False),
    ],
)
def test_what_counts_as_disturbed(share, others, cores, disturbed):
    assert MachineLoad(0.0, share, others, cores).disturbed is disturbed


def work(seconds):
    """Keep one core busy for as much of its time."""
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


@pytest.mark.skipif(not ON_LINUX, reason="the system does not say how long threads wait")
def test_processes_that_share_a_core_are_seen():
    """Two processes on one core: each gets half of it."""
    core = min(os.sched_getaffinity(0))
    busy = f"import os\nos.sched_setaffinity(0, {{{core}}})\nprint('on', flush=True)\nwhile True: pass"
    before = os.sched_getaffinity(0)
    with subprocess.Popen([sys.executable, "-c", busy], stdout=subprocess.PIPE) as other:
        try:
            other.stdout.readline()
            os.sched_setaffinity(0, {core})
            watch = LoadWatch()
            work(0.3)
            load = watch.load()
        finally:
            other.kill()
            os.sched_setaffinity(0, before)
    assert load.cpu_share < 0.8
    assert load.other_cores > 0.2
    assert load.disturbed


def test_waiting_for_nothing_is_no_disturbance():
    watch = LoadWatch()
    time.sleep(0.05)
    assert 0 <= watch.load().cpu_share <= 1


def read(monkeypatch, *readings):
    found = iter(readings)
    monkeypatch.setattr(machine_load, "_read", lambda: machine_load._Reading(*next(found)))
    return LoadWatch().load()


def test_shares_are_of_what_was_asked_for(monkeypatch):
    load = read(monkeypatch, (10.0, 1.0, 2.0, 100.0), (14.0, 4.0, 3.0, 109.0))
    assert load.cpu_share == pytest.approx(3 / 4)
    assert load.other_cores == pytest.approx((9 - 3) / 4)


def test_where_the_system_does_not_say_how_long_threads_wait_one_thread_is_taken_to_ask_all_the_time(monkeypatch):
    monkeypatch.setattr(machine_load, "_PROC", Path("/nowhere"))
    assert math.isnan(machine_load._read().waited)
    assert math.isnan(machine_load._read().busy)
    nan = math.nan
    assert read(monkeypatch, (0.0, 0.0, nan, nan), (2.0, 1.0, nan, nan)).cpu_share == 0.5
    assert read(monkeypatch, (0.0, 0.0, nan, nan), (2.0, 5.0, nan, nan)).cpu_share == 1.0
    assert math.isnan(read(monkeypatch, (0.0, 0.0, nan, nan), (2.0, 5.0, nan, nan)).other_cores)
