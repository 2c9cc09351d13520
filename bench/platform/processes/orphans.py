"""Ends processes whose starter is gone, even by SIGKILL: a process of its own, `python -m` this module.

It reads numbers of processes, a line each: one when it is started, and again when it has ended. Once nobody writes any
more it ends those that still run.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress


def end_orphans(lines: Iterable[str]) -> None:
    """Read the lines to their end, and have those processes end in good order that were started and have not ended."""
    running: set[int] = set()
    for line in lines:
        running ^= {int(line)}
    for number in running:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGTERM)


if __name__ == "__main__":
    end_orphans(sys.stdin)
