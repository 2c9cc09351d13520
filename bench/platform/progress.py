"""Progress on the terminal: one bar per stage, with the time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from bench.platform.printable import printable

ProgressCallback = Callable[[int], object]


class ProgressListener(Protocol):
    """Is told what a reporter shows."""

    def said(self, text: str) -> None:
        """Take a line, or several, that was printed."""

    def stage_at(self, name: str, done: int, total: int) -> None:
        """Take how many steps of a stage are done, 0 at its start."""


@dataclass(frozen=True)
class Reporter:
    """Shows progress: bars on a terminal, one line per finished stage elsewhere.

    Attributes:
        console: Where it prints.
        listeners: Are told the same.
    """

    console: Console
    listeners: tuple[ProgressListener, ...] = ()

    def with_listener(self, listener: ProgressListener) -> Reporter:
        """The same, which tells one more listener what it shows."""
        return replace(self, listeners=(*self.listeners, listener))

    def say(self, text: str) -> None:
        """Print a line, or several."""
        for listener in self.listeners:
            listener.said(text)
        lines = "\n".join(map(printable, text.split("\n")))
        self.console.print(lines, markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[ProgressCallback]:
        """Show a bar over `total` steps, and give a callback of how many further steps are done; no bar for none."""
        if not total:
            yield lambda _: None
            return
        start = time.monotonic()
        with Progress(*_columns(), console=self.console, disable=not self.console.is_terminal) as progress:
            task = progress.add_task(name, total=total)
            self._tell(name, 0, total)

            def advance(steps: int) -> None:
                progress.advance(task, steps)
                self._tell(name, int(progress.tasks[task].completed), total)

            yield advance
        if not self.console.is_terminal:
            self.say(f"{name}: {total} done in {time.monotonic() - start:.1f} s")

    def _tell(self, name: str, done: int, total: int) -> None:
        for listener in self.listeners:
            listener.stage_at(name, done, total)

    @contextmanager
    def stages(self, *, in_bytes: bool = False) -> Iterator[Callable[[str, int, int], None]]:
        """Give a callback of `(stage, done, total)` that shows a bar for each stage that it is called with.

        Args:
            in_bytes: Whether bytes are counted, whose total may be 0 for one that is not known, and not steps.
        """
        with Progress(
            *_columns(in_bytes=in_bytes), console=self.console, disable=not self.console.is_terminal
        ) as progress:
            tasks: dict[str, TaskID] = {}

            def report(name: str, done: int, total: int) -> None:
                if name not in tasks:
                    tasks[name] = progress.add_task(name, total=total or None)
                progress.update(tasks[name], completed=done)
                self._tell(name, done, total)
                if done == total and not self.console.is_terminal:
                    self.say(f"{name}: {total:,} bytes done" if in_bytes else f"{name}: {total} done")

            yield report


def _columns(*, in_bytes: bool = False) -> tuple[ProgressColumn, ...]:
    return (
        TextColumn("{task.description:<28}"),
        BarColumn(bar_width=28),
        DownloadColumn(binary_units=True) if in_bytes else MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
