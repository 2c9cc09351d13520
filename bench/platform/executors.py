"""Executors of CPU work: images on threads with a bounded window, results in order; trainings in processes.

Decoding, resizing, blurring and JPEG release the interpreter lock, so threads use all cores without copying pixels
between processes. A training on one thread is mostly small steps of Python, and shares the lock badly.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import wait
from threading import Thread
from typing import Protocol, TypeVar

from bench.platform.errors import InputError
from bench.platform.memory import keep_freed_memory
from detectors import catalogue

Item = TypeVar("Item")
Result = TypeVar("Result")
MAX_PROCESSES = 8  # each needs up to a gigabyte or two
ITEMS_PER_WORKER = (
    16  # items in the window: enough to keep threads busy while the device computes, few enough to bound memory
)


def map_in_order(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int, *, processes: bool = False
) -> Iterator[Result]:
    """Apply `work` to each item on `workers` threads or processes; results come in the order of the items.

    An exception of `work` is raised when its turn comes, and nothing further is started.

    Args:
        work: A function; for processes one at module level, which pickle sends by its name, as it does the items.
        items: Its arguments.
        workers: Number of threads or processes.
        processes: Whether work is of many small steps of Python, which threads cannot do side by side.

    Raises:
        InputError: A process was killed.
    """
    with _processes(workers) if processes else ThreadPoolExecutor(workers) as pool:
        window: deque[Future[Result]] = deque()
        try:
            for item in items:
                window.append(pool.submit(work, item))
                if len(window) >= ITEMS_PER_WORKER * workers:
                    yield window.popleft().result()
            while window:
                yield window.popleft().result()
        except BrokenProcessPool as error:
            msg = (
                "a process that looked at files was killed, perhaps for want of memory; run again with fewer --workers"
            )
            raise InputError(msg) from error
        finally:
            for future in window:
                future.cancel()


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
    pool = _processes(processes)
    try:
        yield {key: pool.submit(function, task) for key, task in picklable.items()}
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def task_result(future: Future[Result]) -> Result | None:
    """Wait for a task and give its result. Raises what it raised.

    None where a process was killed, as for want of memory, which breaks the whole pool: the work is still to do.
    """
    try:
        return future.result()
    except BrokenProcessPool:
        return None


def _processes(count: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(count, get_context("spawn"), initializer=_prepare_process)


def _prepare_process() -> None:
    """Let a process end with the one that started it: a killed run must not leave trainings behind."""
    keep_freed_memory()
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()


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
