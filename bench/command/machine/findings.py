"""What `lineup doctor` finds, one line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

FindingState = Literal["ok", "note", "problem"]


@dataclass(frozen=True, slots=True)
class MachineFinding:
    """One thing that was looked at.

    Attributes:
        topic: The heading that it stands under.
        name: What was looked at.
        state: "ok"; "note" for what a user may want to change; "problem" for what breaks commands or numbers.
        text: What was found.
        advice: What to do; empty where there is nothing to do.
    """

    topic: str
    name: str
    state: FindingState
    text: str
    advice: str = ""


Examination = Callable[[], Iterable[MachineFinding]]


def examine(topic: str, examination: Examination) -> Iterator[MachineFinding]:
    """The findings of an examination; one that fails is a finding itself, for a doctor outlives the patient."""
    try:
        yield from examination()
    except Exception as error:  # noqa: BLE001 - whatever a broken library raises
        text = f"could not be looked at ({type(error).__name__}: {' '.join(str(error).split())})"
        yield MachineFinding(topic, "examination", "problem", text, "repair what the message names, and ask again")
