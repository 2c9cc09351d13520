"""Ctrl-C, SIGTERM and SIGHUP: each ends a command in good order, with the exit code that shells know, and its workers.

A signal becomes an exception of the main thread, so that what is half written is cleared away and what is finished
stays. A second one ends the command at once.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
OF_TERMINALS = frozenset(SIGNALS) - {signal.SIGTERM}  # those that a terminal sends to workers too


class Interrupted(BaseException):
    """A signal that ends the command. It is no `Exception`, nor what a detector may raise.

    Args:
        number: Of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.number = number

    @property
    def exit_code(self) -> int:
        """As shells have it: 130, 143 or 129."""
        return 128 + self.number


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Let a signal end what runs within by `Interrupted`, and the workers at once; ignored ones stay ignored.

    Outside of the main thread nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    context = multiprocessing.get_context("spawn")
    former = {number: signal.getsignal(number) for number in SIGNALS}
    heeded = [number for number, handler in former.items() if handler is not signal.SIG_IGN]

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        for one in heeded:
            signal.signal(one, signal.SIG_DFL)
        for process in multiprocessing.active_children():
            process.terminate()
        raise Interrupted(number)

    kind = context.Process
    context.Process = Worker  # type: ignore[misc] # of this one context all pools have their processes
    try:
        for number in heeded:
            signal.signal(number, end)
        yield
    finally:
        for number in heeded:
            signal.signal(number, former[number])
        context.Process = kind  # type: ignore[misc]


class Worker(SpawnProcess):
    """A process that leaves signals of the terminal to the one that started it, and ends with it."""

    def start(self) -> None:
        """Start it; it has what is blocked here blocked from its first moment on."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, OF_TERMINALS)
        try:
            super().start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def run(self) -> None:
        """Do its work, as long as the process that started it runs."""
        parent = multiprocessing.parent_process()
        if parent is not None:
            threading.Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()
        super().run()
