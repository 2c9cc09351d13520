"""Waiting for futures in the main thread, which is seldom asleep for long: while it is, it may not see a signal.

The system wakes it for one that comes while it sleeps. One that is handed to another thread, or that comes in the
moment before it falls asleep, is seen when it wakes for something else, which may be hours later.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

Awaited = TypeVar("Awaited")
LONGEST_SLEEP = 0.5  # seconds


def result_of(future: Future[Awaited]) -> Awaited:
    """The result of a future, once it is there; raises what it raises."""
    return next(as_finished([future])).result()


def as_finished(futures: Collection[Future[Awaited]]) -> Iterator[Future[Awaited]]:
    """Futures as they finish."""
    running = set(futures)
    while running:
        done, running = wait(running, LONGEST_SLEEP, FIRST_COMPLETED)
        yield from done
