"""Progress: one bar per stage with the time left on a terminal, and now and then a line in a log."""

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

EVERY = 30.0  # seconds between two lines of one stage in a log, at least
SHARE = 0.1  # of the time that a stage has taken, which passes before its next line: a long one is not a long log
NARROW = 90  # columns of a terminal that has no room for bars

ProgressCallback = Callable[[int], object]


class ProgressListener(Protocol):
    """Is told what a reporter shows."""

    def said(self, text: str) -> None:
        """Take a line, or several, that was printed."""

    def stage_at(self, name: str, done: int, total: int) -> None:
        """Take how many steps of a stage are done, 0 at its start."""


@dataclass(frozen=True)
class Reporter:
    """Shows progress: bars on a terminal; elsewhere a line per finished stage, and lines of one that takes long.

    Attributes:
        console: Where it prints.
        listeners: Are told the same.
        notes: Whether a long stage is told in lines where no bar is drawn: not where a listener draws one.
    """

    console: Console
    listeners: tuple[ProgressListener, ...] = ()
    notes: bool = True

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
        start, log = time.monotonic(), StageLog(name, self._note)
        with Progress(*self._columns(), console=self.console, disable=not self._draws) as progress:
            task = progress.add_task(name, total=total)
            self._tell(name, 0, total)

            def advance(steps: int) -> None:
                progress.advance(task, steps)
                done = int(progress.tasks[task].completed)
                self._tell(name, done, total)
                log.stands_at(done, total)

            yield advance
        if not self._draws:
            self.say(f"{name}: {total} done in {time.monotonic() - start:.1f} s")

    @property
    def _draws(self) -> bool:
        """Whether bars are drawn: on a terminal that can, whatever colours are forced into a pipe or a file."""
        return self.console.is_interactive and self.console.file.isatty()

    def _note(self, line: str) -> None:
        """Print a line in a log, which listeners know already as steps."""
        if self.notes and not self._draws:
            self.console.print(printable(line), markup=False, highlight=False, soft_wrap=True)

    def _tell(self, name: str, done: int, total: int) -> None:
        for listener in self.listeners:
            listener.stage_at(name, done, total)

    @contextmanager
    def stages(self, *, in_bytes: bool = False) -> Iterator[Callable[[str, int, int], None]]:
        """Give a callback of `(stage, done, total)` that shows a bar for each stage that it is called with.

        Args:
            in_bytes: Whether bytes are counted, whose total may be 0 for one that is not known, and not steps.
        """
        with Progress(*self._columns(in_bytes=in_bytes), console=self.console, disable=not self._draws) as progress:
            tasks: dict[str, TaskID] = {}
            logs: dict[str, StageLog] = {}

            def report(name: str, done: int, total: int) -> None:
                if name not in tasks:
                    tasks[name] = progress.add_task(name, total=total or None)
                    logs[name] = StageLog(name, self._note)
                progress.update(tasks[name], completed=done)
                self._tell(name, done, total)
                logs[name].stands_at(done, total)
                if done == total and not self._draws:
                    self.say(f"{name}: {total:,} bytes done" if in_bytes else f"{name}: {total} done")

            yield report

    def _columns(self, *, in_bytes: bool = False) -> tuple[ProgressColumn, ...]:
        counts = DownloadColumn(binary_units=True) if in_bytes else MofNCompleteColumn()
        left = TextColumn("left"), TimeRemainingColumn()
        if self.console.width < NARROW:
            return TextColumn("{task.description}"), counts, *left
        return TextColumn("{task.description:<28}"), BarColumn(bar_width=28), counts, TimeElapsedColumn(), *left


class StageLog:
    """How far a stage is, said now and then.

    Args:
        name: Of the stage, which begins now.
        say: Is given each line.
    """

    def __init__(self, name: str, say: Callable[[str], object]) -> None:
        self._name, self._say = name, say
        self._start = self._last = time.monotonic()

    def stands_at(self, done: int, total: int) -> None:
        """Take how many steps are done of how many, 0 where that is not known, and say so if it is time."""
        now = time.monotonic()
        taken = now - self._start
        if now - self._last < max(EVERY, SHARE * taken) or done == total:
            return
        self._last = now
        if not total:
            self._say(f"{self._name}: {done:,} after {duration_text(taken)}")
            return
        left = f", about {duration_text(taken * (total - done) / done)} left" if done else ""
        self._say(f"{self._name}: {done:,} of {total:,} ({done / total:.0%}){left}")


def duration_text(seconds: float) -> str:
    """A length of time in its two largest units, such as "1 h 05 min", "3 min" or "40 s"."""
    minutes = round(seconds / 60)
    if minutes >= 60:
        return f"{minutes // 60:,} h {minutes % 60:02} min"
    return f"{minutes} min" if seconds >= 90 else f"{seconds:.0f} s"
