"""What a kind of degradation is, and what several kinds need to state theirs."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from detectors.api import Image, Sample
from detectors.types import Facts

NONE = "none"  # the degradation that changes nothing; `protocols.api.NONE` is the same, for this package imports OpenCV

Numbers = tuple[float, ...]


class UnknownDegradation(ValueError):
    """A degradation that is not spelled as one, or cannot be had. The message says what there is or what to do."""


@dataclass(frozen=True, slots=True)
class DegradationKind:
    """One kind of degradation: what it does with a sample and its numbers, and how these are written.

    Attributes:
        apply: The pure function; takes the sample and the numbers.
        version: Rises when the pixels would change.
        parse: Reads what stands after the colon: the numbers, or None where it is not that.
        usage: How it is written, with the range of its numbers, for messages.
        distribution: Name and version of the package that it comes from, as the catalogue finds them; empty for a
            built-in kind.
    """

    apply: Callable[..., Sample]
    version: int
    parse: Callable[[str], Numbers | None]
    usage: str
    distribution: str = ""

    @property
    def identity(self) -> str:
        """What changes whenever the pixels may: the version, and the package of a kind that is not built in."""
        return f"{self.version}[{self.distribution}]" if self.distribution else str(self.version)


@dataclass(frozen=True, slots=True)
class NumberRange:
    """Reads one number from `low` to `high`, written without an exponent.

    Attributes:
        low: The smallest number.
        high: The largest number.
        whole: Whether it has to be a whole number.
    """

    low: float
    high: float
    whole: bool

    def __call__(self, text: str) -> Numbers | None:
        """The number, or None for anything else."""
        if not re.fullmatch(r"\d+(\.\d+)?", text):
            return None
        number = float(text)
        allowed = self.low <= number <= self.high and (number.is_integer() or not self.whole)
        return (number,) if allowed else None


def facts_in_memory(facts: Facts, pixels: Image) -> Facts:
    """Facts of an image that was processed in memory: it has no encoded size of its own any more."""
    height, width = pixels.shape[:2]
    return replace(facts, format="RAW", width=width, height=height, bytes=pixels.nbytes, jpeg_quality=None)
