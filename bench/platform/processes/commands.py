"""Commands as processes of their own, some at a time: what they print goes into files, and none outlives this one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from bench.platform.processes import orphans
from bench.platform.processes.waiting import as_finished

END_SECONDS = 30.0  # that a command has to end in good order before it is killed


@dataclass(frozen=True, slots=True)
class CommandLine:
    """A command that is to be started.

    Attributes:
        name: What it is called.
        arguments: The program and its arguments.
        log: File for all that it prints, which is written over; its folder is there.
    """

    name: str
    arguments: Sequence[str]
    log: Path


@dataclass(frozen=True, slots=True)
class CommandEnd:
    """The end of a command.

    Attributes:
        name: What it is called.
        code: Its exit code; negative for a signal.
        seconds: That it took.
    """

    name: str
    code: int
    seconds: float


class _Processes:
    """The processes that run, which are started in threads and ended together.

    A thread starts each, so that a signal, which Python hands to the main thread, never comes between the start of a
    process and the note of it.
    """

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._lock, self._closed = Lock(), False
        read, self._told = os.pipe()
        watcher = [sys.executable, "-P", "-m", orphans.__name__]
        self._watcher = subprocess.Popen(watcher, stdin=read, process_group=0)  # noqa: S603 - of our own
        os.close(read)

    def _note(self, process: subprocess.Popen[bytes]) -> None:
        """Tell the process that watches over this one that another has started, or has ended."""
        with suppress(BrokenPipeError):  # it was killed: then this one must not be
            os.write(self._told, f"{process.pid}\n".encode())

    def close(self) -> None:
        """Let go of the process that watches: nothing runs any more."""
        os.close(self._told)
        self._watcher.wait()

    def run(self, command: CommandLine, began: Callable[[str], object]) -> CommandEnd:
        """Start a command and wait for its end. Raises `CancelledError` where all were ended before it began."""
        with self._lock:
            if self._closed:
                raise CancelledError
            with command.log.open("wb") as log:
                # a group of its own: what a terminal sends comes here alone, and is sent on once
                process = subprocess.Popen(  # noqa: S603 - the program and its arguments are the caller's
                    list(command.arguments), stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
                )
            self._running.add(process)
            self._note(process)
        start = time.monotonic()
        began(command.name)
        code = process.wait()
        with self._lock:
            self._running.discard(process)
            self._note(process)
        return CommandEnd(command.name, code, time.monotonic() - start)

    def end(self) -> None:
        """Have what runs end in good order, and wait for it; what does not is killed."""
        with self._lock:
            self._closed = True
            running = list(self._running)
            for process in running:
                process.terminate()
        deadline = time.monotonic() + END_SECONDS
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()


def run_commands(
    commands: Sequence[CommandLine],
    count: int,
    began: Callable[[str], object],
    ended: Callable[[CommandEnd], object],
) -> list[CommandEnd]:
    """Run commands, `count` at a time, begun in their order; whatever is raised meanwhile ends those that run.

    Args:
        commands: The commands.
        count: How many run at a time.
        began: Called with the name of each that was started, in a thread.
        ended: Called with the end of each.

    Returns:
        The ends, in the order of the commands.
    """
    processes = _Processes()
    with ThreadPoolExecutor(count) as threads:
        try:
            futures = [threads.submit(processes.run, command, began) for command in commands]
            for future in as_finished(futures):
                ended(future.result())
        except BaseException:
            processes.end()
            threads.shutdown(wait=True, cancel_futures=True)
            raise
        finally:
            processes.close()
    return [future.result() for future in futures]
