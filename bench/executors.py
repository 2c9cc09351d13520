"""Where CPU work runs: a pool of threads with a bounded window, results in order.

Decoding, resizing, blurring and JPEG release the interpreter lock, so threads use all cores without copying pixels
between processes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
AHEAD = 16  # items under way per worker: busy while the device computes, few enough to keep memory flat


def in_order(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    """Apply `work` to each item on `workers` threads; results come in the order of the items.

    An exception of `work` is raised when its turn comes, and nothing further is started.
    """
    with ThreadPoolExecutor(workers) as pool:
        window: deque[Future[Result]] = deque()
        try:
            for item in items:
                window.append(pool.submit(work, item))
                if len(window) >= AHEAD * workers:
                    yield window.popleft().result()
            while window:
                yield window.popleft().result()
        finally:
            for future in window:
                future.cancel()
