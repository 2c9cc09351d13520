"""Processes that have not ended when their starter is gone are ended, and no others."""

import subprocess
import sys

from bench.platform.processes.orphans import end_orphans


def test_those_that_run_are_ended_and_no_others():
    first, second = (
        subprocess.Popen([sys.executable, "-S", "-E", "-c", "import time; time.sleep(100)"]) for _ in range(2)
    )
    try:
        end_orphans([f"{number}\n" for number in (first.pid, second.pid, first.pid)])
        assert second.wait(20) == -15
        assert first.poll() is None
        end_orphans([f"{second.pid}\n"])
    finally:
        first.kill()
        first.wait()
