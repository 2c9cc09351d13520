"""A command that ends in the middle is noticed; one that ends by itself is passed through, and so are signals."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.platform.processes.supervision import SuddenEnd

ROOT = Path(__file__).parents[4]
CODE = """
import os, signal, sys, threading, time
from bench.platform.processes.supervision import shared_memory, supervise
from detectors.isolation.calls import contained

def command():
    what = sys.argv[1]
    shared_memory().work_on("/a/folder")
    if what == "fine":
        print("answer")
    elif what == "code":
        sys.exit(7)
    elif what == "text":
        sys.exit("a text")
    elif what == "thread":
        threading.Thread(target=time.sleep, args=(600,)).start()
    elif what == "open":
        class Detector:
            def __init__(self):
                self.itself, self.log = self, open(sys.argv[2], "w")
        global detector
        with contained("scoring by x"):
            detector = Detector()
            detector.log.write("scored")
    elif what == "ready":
        print(os.getpid(), flush=True)
        with contained("scoring by x"):
            time.sleep(600)
    elif what == "child":
        if not os.fork():
            time.sleep(3)
            os._exit(0)
        os._exit(0)
    else:
        with contained("scoring by x"):
            os._exit(0) if what == "exit" else os.kill(os.getpid(), signal.SIGSEGV)

def remember(end):
    print("remember", end.folder, *end.calls, sep="|", flush=True)

import bench.platform.processes.supervision as supervision
supervision.END_SECONDS = 0.5
supervise(command, remember)
"""


def command(what):
    return [sys.executable, "-c", CODE, what]


def environment():
    return {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize(
    ("what", "code", "out", "err"),
    [
        ("fine", 0, "answer\n", ""),
        ("code", 7, "", ""),
        ("text", 1, "", "a text\n"),
        ("thread", 0, "", ""),
        (
            "exit",
            3,
            "remember|/a/folder|scoring by x\n",
            "ended with exit code 0 in the middle of its work during scor",
        ),
        ("crash", 139, "remember|/a/folder|scoring by x\n", "was ended by SIGSEGV during scoring by x; run the same"),
        ("child", 3, "", "ended with exit code 0 in the middle of its work; run the same command again"),
    ],
)
def test_every_end(what, code, out, err):
    done = subprocess.run(command(what), capture_output=True, text=True, check=False, env=environment(), timeout=60)
    assert (done.returncode, done.stdout) == (code, out)
    assert err in done.stderr
    assert bool(err) == bool(done.stderr)


def test_what_a_detector_leaves_open_is_written(tmp_path):
    subprocess.run([*command("open"), tmp_path / "log"], check=True, env=environment(), timeout=60)
    assert (tmp_path / "log").read_text() == "scored"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_signals_reach_the_command_and_leave_no_process(number):
    with subprocess.Popen(
        command("ready"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()
    ) as process:
        try:
            child = int(process.stdout.readline())
            process.send_signal(number)
            assert process.wait(20) == (-9 if number == signal.SIGKILL else 128 + number)
        finally:
            process.kill()
    for _ in range(100):
        if not Path(f"/proc/{child}").exists() or Path(f"/proc/{child}/stat").read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("the command still runs")


def test_what_ends_a_command_from_outside_is_no_fault_of_a_detector():
    assert not SuddenEnd("f", ("x",), "was ended", -signal.SIGKILL).by_itself
    assert SuddenEnd("f", ("x",), "was ended", -signal.SIGSEGV).by_itself
    assert SuddenEnd("f", ("x",), "was ended", 0).by_itself
