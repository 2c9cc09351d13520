"""Outcomes of a cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Scored:
    """The cell has a score for every image."""

    status: ClassVar[str] = "scored"
    reason: ClassVar[str] = ""


@dataclass(frozen=True, slots=True)
class Skipped:
    """The detector is not available, such as for want of weights. The reason says what to do."""

    reason: str
    status: ClassVar[str] = "skipped"


@dataclass(frozen=True, slots=True)
class Failed:
    """The detector broke. The reason is its error."""

    reason: str
    status: ClassVar[str] = "failed"


Outcome = Scored | Skipped | Failed
