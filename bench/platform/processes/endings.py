"""Which process does something, whether it still runs, and how it ended."""

from __future__ import annotations

import os
import signal
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """What tells a process from every other.

    Attributes:
        host: Name of its machine.
        number: Its number there, which another process may have after it.
        started: When it was started, as the system counts; empty where the system does not say.
    """

    host: str
    number: int
    started: str = ""


def this_process() -> ProcessMark:
    """The mark of the process that asks."""
    return ProcessMark(socket.gethostname(), os.getpid(), _state_and_start(os.getpid())[1])


def is_gone(mark: ProcessMark) -> bool:
    """Whether a process has ended; False for one of another machine, of which nothing is known here."""
    if mark.host != socket.gethostname():
        return False
    try:
        os.kill(mark.number, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # of another user
    state, started = _state_and_start(mark.number)
    return state == "Z" or bool(mark.started and started and started != mark.started)


def how_it_ended(code: int) -> str:
    """The end of a process in words, from its exit code, negative for a signal."""
    if code >= 0:
        return f"ended with exit code {code} in the middle of its work"
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    memory = ", most likely for want of memory" if -code == signal.SIGKILL else ""
    return f"was ended by {name}{memory}"


def _state_and_start(number: int) -> tuple[str, str]:
    """State and start of a process as /proc has them; empty texts where there is no /proc."""
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "", ""
    words = text.rpartition(")")[2].split()  # the name before it may hold anything
    return words[0], words[19]
