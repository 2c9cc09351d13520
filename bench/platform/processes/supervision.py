"""A command in a process of its own, and one that watches over it: an end that nobody meant is noticed and named.

A detector or a library may end the process in the middle, with exit code 0 too; then nothing of Python runs any more
that could say so. The process that was started is forked before anything is imported: the new one does the work, notes
in memory that both share what it is calling, and says when it has come to its end.
"""

from __future__ import annotations

import mmap
import os
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NoReturn

from bench.platform.memory import is_want_of_memory
from bench.platform.processes.endings import how_it_ended
from detectors.isolation.calls import SLOT, SLOTS, STOPS, STUCK, CallRecord, CallRules, call_rules

FOLDER = 4096  # bytes for the path of the result folder
BROKEN = 3  # exit code, as of a fault of Lineup's own
END_SECONDS = 10.0  # in which threads that are still there may end
_SENT_BY_A_PROCESS = 0  # SI_USER: a signal from the terminal came to both processes
_DONE = b"."


@dataclass(frozen=True, slots=True)
class SuddenEnd:
    """The end of a command that did not come to its end.

    Attributes:
        folder: The result folder that it worked on; "" for none.
        calls: What it was calling, in words.
        how: How it ended, in words.
        code: Its exit code; negative for a signal.
    """

    folder: str
    calls: tuple[str, ...]
    how: str
    code: int

    @property
    def by_itself(self) -> bool:
        """Whether what it called ended it, and nothing from outside: SIGKILL may come from anybody."""
        return self.code >= 0 or -self.code not in {signal.SIGKILL, *STOPS}

    @property
    def line(self) -> str:
        """What is printed."""
        calls = f" during {', '.join(self.calls)}" if self.calls else ""
        fewer = " with fewer --workers or a smaller --batch-size" if self.code == -signal.SIGKILL else ""
        again = f"run the same command again{fewer}: what is recorded is kept" if self.folder else "nothing was written"
        return f"lineup: the process {self.how}{calls}; {again}"


class SharedMemory:
    """Memory of both processes: the result folder, and what is called."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, FOLDER + SLOT * SLOTS)
        self.calls = CallRecord(_Part(self._memory, FOLDER))

    def work_on(self, folder: str) -> None:
        """Note the result folder."""
        self._memory[:FOLDER] = os.fsencode(folder)[:FOLDER].ljust(FOLDER, b"\0")

    def sudden_end(self, code: int) -> SuddenEnd:
        """What was noted last, of a process that ended with this code."""
        whole = self._memory[:]
        folder, calls = os.fsdecode(whole[:FOLDER].rstrip(b"\0")), tuple(CallRecord.read(whole[FOLDER:]))
        how = "took longer than --timeout for one batch, and could not be interrupted" if code == STUCK else ""
        return SuddenEnd(folder, calls, how or how_it_ended(code), code)


class _Part:
    """The bytes of some memory from one place on."""

    def __init__(self, memory: mmap.mmap, start: int) -> None:
        self._memory, self._start = memory, start

    def __getitem__(self, place: slice) -> bytes:
        return self._memory[self._start + place.start : self._start + place.stop]

    def __setitem__(self, place: slice, value: bytes) -> None:
        self._memory[self._start + place.start : self._start + place.stop] = value


_SHARED: ContextVar[SharedMemory | None] = ContextVar("memory that the supervising process shares", default=None)


def shared_memory() -> SharedMemory | None:
    """The memory that is shared with the process that watches over this one; None where none does."""
    return _SHARED.get()


def supervise(command: Callable[[], object], remember: Callable[[SuddenEnd], object]) -> NoReturn:
    """Run a command in a forked process, and exit as it does.

    Args:
        command: Does the work, and raises `SystemExit` for another exit code than 0.
        remember: Called with a sudden end that what was called brought about.
    """
    shared = SharedMemory()
    done, says_done = os.pipe()
    lives, life = os.pipe()
    watched = {*STOPS, signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, watched)
    child = os.fork()
    if not child:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(life)
        threading.Thread(target=_end_with_parent, args=(lives,), daemon=True).start()
        _SHARED.set(shared)
        with call_rules(CallRules(record=shared.calls)):
            _work(command, says_done)
    for end in (says_done, lives):
        os.close(end)
    code = _wait(child, watched)
    if not _is_done(done) and -code not in STOPS:
        ended = shared.sudden_end(code)
        sys.stderr.write(ended.line + "\n")
        if ended.by_itself and ended.folder and ended.calls:
            remember(ended)
        code = code if code < 0 else BROKEN
    sys.stderr.flush()
    os._exit(128 - code if code < 0 else code)


def _end_with_parent(lives: int) -> None:
    """End with the process that watches: a killed command must leave none behind."""
    os.read(lives, 1)
    os._exit(1)


def _work(command: Callable[[], object], says_done: int) -> NoReturn:
    """Do the work, say that it is done, and exit, whatever threads a detector left running."""
    said: str | int | None = 0
    try:
        command()
    except SystemExit as end:
        said = end.code
    except Exception as error:
        if not is_want_of_memory(error):
            raise
        sys.stderr.write(f"lineup: there was not enough memory to begin ({error}); give it more, and run it again\n")
        said = 2
    code = said if isinstance(said, int) else int(said is not None)
    with suppress(OSError, ValueError):  # nobody reads any more
        if sys.stdout:
            sys.stdout.flush()
    os.write(says_done, _DONE)
    threading.Thread(target=_end_late, args=(code,), daemon=True).start()
    sys.exit(said)


def _end_late(code: int) -> None:
    threading.Event().wait(END_SECONDS)
    os._exit(code)


def _wait(child: int, watched: set[signal.Signals]) -> int:
    """Hand signals on until a process ends; its exit code, negative for a signal."""
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        number, from_terminal = _next_signal(watched)
        if number != signal.SIGCHLD and not from_terminal:
            os.kill(child, number)


def _next_signal(watched: set[signal.Signals]) -> tuple[int, bool]:
    """The next signal, and whether the terminal sent it, to the other process too."""
    if not hasattr(signal, "sigwaitinfo"):
        return signal.sigwait(watched), False
    info = signal.sigwaitinfo(watched)
    return info.si_signo, info.si_code != _SENT_BY_A_PROCESS


def _is_done(done: int) -> bool:
    """Whether the process said that it came to its end; one that it left behind may hold the other side open."""
    os.set_blocking(done, False)
    with suppress(BlockingIOError):
        return os.read(done, 1) == _DONE
    return False
