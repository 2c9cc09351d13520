"""A signal ends a command in one line, with the exit code that shells know, and leaves no process behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from bench.platform.outside.interruption import Interrupted, signals_as_exceptions
from bench.records.store import Store

WAITING = """
import os, sys, time
from bench.platform.outside.interruption import Interrupted, signals_as_exceptions
from bench.platform.processes.waiting import result_of
from bench.platform.processes.worker_processes import WorkerProcesses

if __name__ == "__main__":
    try:
        with signals_as_exceptions(), WorkerProcesses(1) as pool:
            print(result_of(pool.submit(os.getpid)), flush=True)
            result_of(pool.submit(time.sleep, 60))
    except Interrupted as error:
        sys.exit(error.exit_code)
"""


def group_members(group):
    """Numbers of the processes of a group that still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, its_group = (folder / "stat").read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        found += [folder.name] if int(its_group) == group and state != "Z" else []
    return found


def ended(group, seconds=10):
    """Whether every process of a group ends in time."""
    end = time.monotonic() + seconds
    while group_members(group) and time.monotonic() < end:
        time.sleep(0.05)
    return not group_members(group)


def test_a_signal_is_an_exception_within_and_as_before_behind():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with pytest.raises(Interrupted, match="interrupted by SIGTERM") as stopped, signals_as_exceptions():
        signal.raise_signal(signal.SIGTERM)
    assert stopped.value.exit_code == 143
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_one_that_was_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals_as_exceptions():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_workers_leave_ctrl_c_to_the_process_that_started_them_and_end_with_it(tmp_path):
    (tmp_path / "waiting.py").write_text(WAITING)
    done = subprocess.Popen(
        [sys.executable, tmp_path / "waiting.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    with done:
        worker = int(done.stdout.readline())
        os.kill(worker, signal.SIGINT)  # as a terminal sends it to all of its processes
        os.kill(done.pid, signal.SIGINT)
        assert (done.wait(20), done.stderr.read()) == (130, "")
    assert ended(done.pid)


@pytest.fixture(scope="module")
def runs(miniature, tmp_path_factory):
    """Starts a command of its own session, with a cache that holds nothing."""
    root = tmp_path_factory.mktemp("signals")

    def start(*arguments, cache=""):
        return subprocess.Popen(
            [sys.executable, "-m", "lineup_bench", *map(str, arguments)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            env={**os.environ, "LINEUP_CACHE": str(root / f"cache{cache}")},
        )

    return start


@pytest.fixture(scope="module")
def whole(runs, miniature, tmp_path_factory):
    """The command of a run, and its scores where nothing ended it."""
    command = ("run", "--data", miniature, "--detectors", "checkerboard,hog_svm,spectrum", "--no-baselines", "--out")
    out = tmp_path_factory.mktemp("whole") / "out"
    assert (runs(*command, out).communicate(timeout=300), Store(out).read().cells["status"].eq("scored").all())[1]
    return command, scores_of(out)


def scores_of(folder):
    return Store(folder).read().scores[["key", "name", "score"]].sort_values(["key", "name"]).reset_index(drop=True)


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
@pytest.mark.parametrize("after", [2, 3, 4, 6])
def test_a_run_that_a_signal_ended_goes_on(runs, whole, tmp_path, sent, code, after):
    command, expected = whole
    stopped = runs(*command, tmp_path, cache=f"-{sent}-{after}")
    time.sleep(after)
    stopped.send_signal(getattr(signal, sent))
    _, err = stopped.communicate(timeout=60)
    # a fast machine may have finished, and a slow one be at its imports, where the system itself ends it
    assert stopped.returncode in {0, code, 128 - code}
    if stopped.returncode > 0:
        assert err.splitlines()[-1].startswith(f"lineup: interrupted by {sent}; what was finished is kept")
    assert "Traceback" not in err
    assert ended(stopped.pid)
    again = runs(*command, tmp_path, cache=f"-{sent}-{after}")
    assert (again.communicate(timeout=300), again.returncode)[1] == 0
    pd.testing.assert_frame_equal(scores_of(tmp_path), expected)


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_corpus_that_a_signal_ended_leaves_nothing_half_made(runs, tmp_path, sent, code):
    stopped = runs("corpus", cache=f"-corpus-{sent}")
    time.sleep(12)
    stopped.send_signal(getattr(signal, sent))
    _, err = stopped.communicate(timeout=60)
    assert stopped.returncode == code
    assert err.splitlines()[-1].startswith(f"lineup: interrupted by {sent}")
    assert "Traceback" not in err
    assert ended(stopped.pid)
