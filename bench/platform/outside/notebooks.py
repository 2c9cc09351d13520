"""Progress in a notebook: a bar that is drawn anew in its place, and gone when its stage is done."""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any

from bench.platform.printable import printable
from bench.platform.progress import duration_text

EVERY = 0.25  # seconds between two drawings


def in_notebook() -> bool:
    """Whether this process runs the cells of a notebook, and not a terminal of IPython."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return hasattr(shell, "kernel")


class NotebookBar:
    """Shows how far a stage is below the cell that runs. It is a `bench.platform.progress.ProgressListener`."""

    def __init__(self) -> None:
        self._display: Any = None  # of IPython, made when there is something to show
        self._began = self._drawn = 0.0

    def said(self, text: str) -> None:
        """Nothing: lines are printed."""

    def stage_at(self, name: str, done: int, total: int) -> None:
        """Draw how many steps are done; nothing of a stage that is done, whose line is printed."""
        now = time.monotonic()
        if not done:
            self._began = now
        if total and done >= total:
            self._draw("", "")
        elif now - self._drawn >= EVERY:
            left = f", {duration_text((now - self._began) * (total - done) / done)} left" if done and total else ""
            text = printable(f"{name}: {done:,} of {total:,}{left}" if total else f"{name}: {done:,}")
            self._drawn = now
            self._draw(text, f'<progress value="{done}" max="{total or 1}"></progress> {escape(text)}')

    def _draw(self, text: str, html: str) -> None:
        from IPython.display import display

        shown = {"text/plain": text, "text/html": html}
        if self._display is not None:
            self._display.update(shown, raw=True)
        elif text:
            self._display = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call,unused-ignore]
