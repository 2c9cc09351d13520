"""Ctrl-C, SIGTERM and SIGHUP: each ends a command in good order, with the exit code that shells know.

A signal becomes an exception of the main thread, so that what is half written is cleared away, what is finished stays,
and worker processes are ended by who started them. A second one ends the command at once.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


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
    """Let a signal end what runs within by `Interrupted`; ignored ones stay ignored.

    Outside of the main thread nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = {number: signal.getsignal(number) for number in SIGNALS}
    heeded = [number for number, handler in former.items() if handler is not signal.SIG_IGN]

    def end(number: int, frame: FrameType | None) -> None:
        del frame
        for one in heeded:
            signal.signal(one, signal.SIG_DFL)
        raise Interrupted(number)

    try:
        for number in heeded:
            signal.signal(number, end)
        yield
    finally:
        for number in heeded:
            signal.signal(number, former[number])
