"""What the simulations print: lines and tables of Markdown."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence


def say(text: str = "") -> None:
    """A line of the page."""
    sys.stdout.write(f"{text}\n")


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A Markdown table."""
    say("| " + " | ".join(headers) + " |")
    say("|" + " --- |" * len(headers))
    for row in rows:
        say("| " + " | ".join(str(entry) for entry in row) + " |")
    say()
