"""Processes that work on one task each: the death of one is noticed at once, and costs its own task alone."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.resource_tracker import ensure_running
from threading import Lock, Thread
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from bench.platform.memory import keep_freed_memory
from bench.platform.processes.endings import how_it_ended

Result = TypeVar("Result")
OF_TERMINALS = frozenset(getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name))


class ProcessDied(RuntimeError):
    """A process ended in the middle of a task. The message says how."""


class _Worker(NamedTuple):
    """A process, and the way to it."""

    process: BaseProcess
    connection: Connection


class WorkerProcesses:
    """Processes that are started when they are needed, at most `count` at a time.

    Each has a thread here that hands it tasks and waits for the answer or the end of the process, whichever comes.

    Args:
        count: Number of processes.
        initializer: Called in each before its first task; a function at module level. By default one that does nothing.
    """

    def __init__(self, count: int, initializer: Callable[[], object] = dict) -> None:
        self._threads = ThreadPoolExecutor(count)
        self._initializer = initializer
        self._idle: list[_Worker] = []
        self._all: set[_Worker] = set()
        self._lock = Lock()
        self._closed = False

    def submit(self, function: Callable[..., Result], *given: Any) -> Future[Result]:  # noqa: ANN401 - as it is typed
        """Have a function called in a process: one at module level, which pickle sends by its name.

        The future raises what the function raises, and `ProcessDied` where its process ended.
        """
        return self._threads.submit(self._call, function, given)

    def _call(self, function: Callable[..., Result], given: tuple[Any, ...]) -> Result:
        worker = self._take()
        try:
            worker.connection.send((function, given))
            wait([worker.connection, worker.process.sentinel])
            fine, answer = worker.connection.recv()
        except (EOFError, ConnectionError) as error:
            raise ProcessDied(f"its process {how_it_ended(self._end(worker))}") from error
        except BaseException:
            self._end(worker)  # what it was sent, or has to say, is not known
            raise
        with self._lock:
            self._idle.append(worker)
        if not fine:
            raise answer
        result: Result = answer
        return result

    def _take(self) -> _Worker:
        """A process that does nothing, started now if there is none. Raises `ProcessDied` where all are ended."""
        with self._lock:
            if self._closed:
                raise ProcessDied("its process was ended with the others")
            if self._idle:
                return self._idle.pop()
            context = get_context("spawn")
            ours, theirs = context.Pipe()
            process = context.Process(target=_work, args=(theirs, self._initializer), daemon=False)
            ensure_running()  # the first process starts Python's tracker, and that lets the signals through again
            before = signal.pthread_sigmask(signal.SIG_BLOCK, OF_TERMINALS)  # it has them blocked from its beginning
            try:
                with _without_program():
                    process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()  # so that the end of the process is the end of the connection
            self._all.add(worker := _Worker(process, ours))
            return worker

    def _end(self, worker: _Worker) -> int:
        """End a process if it still runs; returns its exit code."""
        worker.connection.close()
        worker.process.join(1)  # one that is dying
        if worker.process.exitcode is None:
            worker.process.terminate()
            worker.process.join()
        with self._lock:
            self._all.discard(worker)
        return worker.process.exitcode or 0

    def close(self, *, at_once: bool = False) -> None:
        """End all processes, after their tasks or at once; tasks that wait are dropped in both cases."""
        if at_once:
            with self._lock:
                self._closed = True
                for worker in self._all:
                    worker.process.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in list(self._all):
            worker.connection.close()  # which ends its process
        for worker in list(self._all):
            worker.process.join()
        self._all.clear()

    def __enter__(self) -> WorkerProcesses:
        """The same."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End all processes: at once where an exception is raised."""
        self.close(at_once=error is not None)


@contextmanager
def _without_program() -> Iterator[None]:
    """A context in which a process is started that does not run the user's program once more.

    Python would import the program into it, for classes and functions that are defined there. No task needs them, and a
    program that calls Lineup without `if __name__ == "__main__"` would start the run again in each process.
    """
    program = sys.modules["__main__"]
    kept = {name: value for name in ("__spec__", "__file__") if (value := vars(program).get(name)) is not None}
    vars(program).update(__spec__=None)
    vars(program).pop("__file__", None)
    try:
        yield
    finally:
        vars(program).update(kept)


def _work(connection: Connection, initializer: Callable[[], object]) -> None:
    """What a process does: task after task, until the other end of the connection is closed.

    What a terminal sends is for the process that started it, and so is what is printed to standard output.
    """
    os.dup2(2, 1)
    keep_freed_memory()
    _end_with_parent()
    initializer()
    with suppress(EOFError, ConnectionError):
        while True:
            function, given = connection.recv()
            connection.send_bytes(_answer(function, given))


def _answer(function: Callable[..., Any], given: tuple[Any, ...]) -> bytes:
    """What a call returns or raises, as it is sent; what cannot be sent is told in words."""
    try:
        answer = True, function(*given)
    except BaseException as error:  # noqa: BLE001 - it is raised where the task was given out
        answer = False, error
    try:
        sent = pickle.dumps(answer)
        pickle.loads(sent)  # noqa: S301 - our own bytes: an exception may not survive the way
    except Exception:  # noqa: BLE001 - whatever pickle meets
        sent = pickle.dumps((False, RuntimeError(f"{type(answer[1]).__name__}: {answer[1]}")))
    return sent


def _end_with_parent() -> None:
    """Let a process end with the one that started it: a killed run must not leave trainings behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        Thread(target=lambda: (wait([parent.sentinel]), os._exit(1)), daemon=True).start()
