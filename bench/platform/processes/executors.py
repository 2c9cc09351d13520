"""Executors of CPU work: images on threads with a bounded window, results in order; trainings in processes.

Decoding, resizing, blurring and JPEG release the interpreter lock, so threads use all cores without copying pixels
between processes. A training on one thread is mostly small steps of Python, and shares the lock badly.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from contextvars import copy_context
from typing import Protocol, TypeVar

from bench.platform.errors import InputError
from bench.platform.processes.worker_processes import ProcessDied, WorkerProcesses
from detectors import catalogue

Item = TypeVar("Item")
Result = TypeVar("Result")
MAX_PROCESSES = 8  # each needs up to a gigabyte or two
ITEMS_PER_WORKER = (
    16  # items in the window: enough to keep threads busy while the device computes, few enough to bound memory
)


def map_in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    *,
    processes: bool = False,
    doing: str = "working",
) -> Iterator[Result]:
    """Apply `work` to each item on `workers` threads or processes; results come in the order of the items.

    An exception of `work` is raised when its turn comes, and nothing further is started. Threads see the variables of
    the context in which an item was begun.

    Args:
        work: A function; for processes one at module level, which pickle sends by its name, as it does the items.
        items: Its arguments.
        workers: Number of threads or processes.
        processes: Whether work is of many small steps of Python, which threads cannot do side by side.
        doing: What the work is, for a message, such as "looking at files".

    Raises:
        InputError: A process died.
    """
    with WorkerProcesses(workers) if processes else _ThreadsInContext(workers) as pool:
        window: deque[Future[Result]] = deque()
        try:
            for item in items:
                window.append(pool.submit(work, item))
                if len(window) >= ITEMS_PER_WORKER * workers:
                    yield window.popleft().result()
            while window:
                yield window.popleft().result()
        except ProcessDied as error:
            msg = f"{doing}: {error}; run again with fewer --workers"
            raise InputError(msg) from error
        finally:
            for future in window:
                future.cancel()


class _ThreadsInContext(ThreadPoolExecutor):
    """Threads that see the variables of the context in which work is given to them."""

    def submit(  # type: ignore[override]  # without words, which nobody gives
        self, function: Callable[[Item], Result], item: Item
    ) -> Future[Result]:
        """Have a function called in a thread."""
        return super().submit(copy_context().run, function, item)


class Executor(Protocol):
    """Computes the trainings of a run, many at a time; `in_processes` is the default."""

    def __call__(
        self, function: Callable[[Item], Result], tasks: Mapping[str, Item], count: int
    ) -> AbstractContextManager[Mapping[str, Future[Result]]]:
        """Start tasks, `count` at a time; the context gives the futures of what was started, by key."""


@contextmanager
def in_processes(
    function: Callable[[Item], Result], tasks: Mapping[str, Item], count: int
) -> Iterator[Mapping[str, Future[Result]]]:
    """Start tasks in processes of their own, `count` at a time; none for a single task.

    Args:
        function: A function at module level, which pickle sends by its name.
        tasks: Arguments by key. One that cannot be pickled, as it holds an open file, is left out.
        count: Number of processes; at most `MAX_PROCESSES` are started.

    Yields:
        The futures of what was started, by key. Leaving by an exception ends what runs and drops what does not.
    """
    picklable = {key: task for key, task in tasks.items() if _can_be_pickled(task)}
    processes = min(count, len(picklable), MAX_PROCESSES)
    if processes < 2:
        yield {}
        return
    with WorkerProcesses(processes) as pool:
        yield {key: pool.submit(function, task) for key, task in picklable.items()}


def _can_be_pickled(task: object) -> bool:
    try:
        pickle.dumps(task)
    except (TypeError, AttributeError, pickle.PicklingError):
        return False
    return True


EXECUTORS: Mapping[str, Executor] = {"processes": in_processes}
GROUP = "lineup.executors"


def executor(name: str) -> Executor:
    """The executor of that name, Lineup's own or of another package. Raises `UnknownName` where there is none."""
    if name in EXECUTORS:
        return EXECUTORS[name]
    if name not in catalogue.installed(GROUP):
        raise catalogue.UnknownName(
            catalogue.unknown_name_message("executor", name, [*EXECUTORS, *catalogue.installed(GROUP)])
        )
    found: Executor = catalogue.find(GROUP, "executor", name)
    return found
