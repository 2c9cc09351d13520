"""The process that speaks to a cluster, `python -m` this module: it answers questions on a connection.

Nodes that it starts on this machine end with it, and it ends when nobody asks any more: it is the parent of whatever
they leave behind, and ends that too.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from bench.cluster.bridge import OpenRequest

PR_SET_CHILD_SUBREAPER = 36  # of prctl(2)
END_SECONDS = 10.0
OF_LOCAL_NODES = {"RAY_AUTH_MODE": "token", "RAY_worker_niceness": "0"}


def main(connection: Connection) -> None:
    """Answer questions, the first of which opens the cluster, until nobody asks any more."""
    _adopt_orphans()
    with suppress(EOFError, ConnectionError):
        _, (asked,) = connection.recv()
        _set_environment(asked)
        from bench.cluster.ray_calls import RayCalls, fault, first_line

        calls = RayCalls()
        try:
            try:
                calls.open(replace(asked, named=os.environ.get("RAY_ADDRESS", "")))
                connection.send((True, None))
            except Exception as error:  # noqa: BLE001 - it is told where it was asked
                connection.send((False, fault(error, asked.address.text)))
            while True:
                what, given = connection.recv()
                try:
                    connection.send((True, getattr(calls, what)(*given)))
                except Exception as error:  # noqa: BLE001 - it is told where it was asked
                    connection.send((False, first_line(error)))
        finally:
            calls.close()
            _end_children()
            shutil.rmtree(asked.folder, ignore_errors=True)  # whoever made it may have been killed


def _set_environment(asked: OpenRequest) -> None:
    """Set what Ray reads when it is imported: a token is asked for, and nobody is told of its use."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if asked.address.kind == "local":
        # Ray notes the address of a cluster in RAY_TMPDIR/ray, else in /tmp/ray, where another may have noted its own
        os.environ.update(OF_LOCAL_NODES, RAY_AUTH_TOKEN=secrets.token_hex(32), RAY_TMPDIR=asked.folder)
        os.environ.pop("RAY_ADDRESS", None)


def _adopt_orphans() -> None:
    """Let what its children leave behind become children of this process; Linux alone can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _end_children() -> None:
    """End all children, and what they leave behind."""
    deadline = time.monotonic() + END_SECONDS
    while (children := _children()) and time.monotonic() < deadline:
        for number in children:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.05)


def _children() -> list[int]:
    """The children of this process, as Linux knows them."""
    lists = Path("/proc/self/task").glob("*/children")
    return [int(number) for one in lists for number in one.read_text(encoding="ascii").split()]


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])))
