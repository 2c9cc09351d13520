"""The contract of a kind of degradation, and the number parser and facts that several kinds share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from detectors.api import Image, Sample
from detectors.types import Facts

NONE = "none"  # the degradation that changes nothing; `protocols.api.NONE` is the same, for this package imports OpenCV

Numbers = tuple[float, ...]


class UnknownDegradation(ValueError):
    """A text that is no degradation, or a kind that cannot be loaded. The message says what to do."""


@dataclass(frozen=True, slots=True)
class DegradationKind:
    """One kind of degradation: its pure function, its version, and how its numbers are written.

    Attributes:
        apply: From a sample and the numbers to the degraded sample; both classes are degraded alike. A sample that
            keeps the facts it came with counts as pixels in memory.
        version: Rises when the pixels would change.
        parse: From the text after the colon to the numbers; None for a text that is not valid.
        usage: How it is written, with the range of its numbers, for messages.
        distribution: Name and version of the package that it comes from; the catalogue fills it in, and it is empty
            for a built-in kind.
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
