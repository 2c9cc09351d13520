"""Standard output belongs to the command: what others print goes where messages go."""

from __future__ import annotations

import os
import select
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def output_aside() -> Iterator[None]:
    """A context in which everything that is printed goes to the stream of errors, by libraries outside Python too.

    What a command prints may be read by a program, and detectors print what they like.
    """
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 1)
        os.close(kept)


class OutputReaders:
    """Who reads what is printed, looked at when it is made: libraries change where that goes when a pipe is closed."""

    def __init__(self) -> None:
        self._pipes = [number for number in (1, 2) if _is_pipe(number)]

    def have_gone(self) -> bool:
        """Whether what was printed went into a pipe whose reader has gone."""
        pipes = select.poll()
        for number in self._pipes:
            pipes.register(number, 0)
        closed = any(event & select.POLLERR for _, event in pipes.poll(0))
        return closed or not all(map(_is_pipe, self._pipes))


def _is_pipe(number: int) -> bool:
    try:
        mode = os.fstat(number).st_mode
    except OSError:  # it is closed
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def drop_output() -> None:
    """Let what is printed from now on go nowhere, and what was not written yet."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in (1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
