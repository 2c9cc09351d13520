"""Executors of CPU work: images on threads with a bounded window, results in order; trainings in processes.

Decoding, resizing, blurring and JPEG release the interpreter lock, so threads use all cores without copying pixels
between processes. A training on one thread is mostly small steps of Python, and shares the lock badly.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from contextvars import copy_context
from functools import partial
from io import BytesIO
from types import FunctionType
from typing import Any, Protocol, TypeVar

from bench.platform.errors import InputError
from bench.platform.processes.waiting import result_of
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
                    yield result_of(window.popleft())
            while window:
                yield result_of(window.popleft())
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
        tasks: Arguments by key. One that cannot be sent, as it holds an open file or is of the user's own program, is
            left out.
        count: Number of processes; at most `MAX_PROCESSES` are started.

    Yields:
        The futures of what was started, by key. Leaving by an exception ends what runs and drops what does not.
    """
    sendable = {key: task for key, task in tasks.items() if _can_be_sent(task)}
    processes = min(count, len(sendable), MAX_PROCESSES)
    if processes < 2:
        yield {}
        return
    known = [kind for kind in catalogue.registered().values() if _can_be_sent(kind)]
    with WorkerProcesses(processes, partial(catalogue.register, known)) as pool:
        yield {key: pool.submit(function, task) for key, task in sendable.items()}


def _can_be_sent(task: object) -> bool:
    """Whether another process can have a value: it can be pickled, and needs nothing of the user's own program."""
    try:
        _Sending(frozenset(name for name, kind in catalogue.registered().items() if _is_of_program(kind))).dump(task)
    except (TypeError, AttributeError, pickle.PicklingError):
        return False
    return True


def _is_of_program(value: object) -> bool:
    """Whether a class or function is defined in the program that was started, such as a notebook."""
    return isinstance(value, type | FunctionType) and value.__module__ == "__main__"


class _Sending(pickle.Pickler):
    """Refuses what a new process cannot import: it does not run the user's program again.

    Args:
        names: Of registered recipes that it cannot have: what names one, as an ensemble its members, stays here too.
    """

    def __init__(self, names: Collection[str]) -> None:
        super().__init__(BytesIO())
        self._names = names

    def persistent_id(self, value: Any) -> None:  # noqa: ANN401 - anything that is pickled
        """Nothing is kept apart. Raises `PicklingError`."""
        if _is_of_program(value) or (isinstance(value, str) and value in self._names):
            msg = f"{value} is of the program"
            raise pickle.PicklingError(msg)


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
