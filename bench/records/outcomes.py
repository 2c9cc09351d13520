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


@dataclass(frozen=True, slots=True)
class Unasked:
    """The data has too few images for the cell, whatever the detector: no average misses it. The reason says which."""

    reason: str
    status: ClassVar[str] = "unasked"


Outcome = Scored | Skipped | Failed | Unasked
