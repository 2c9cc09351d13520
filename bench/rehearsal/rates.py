"""Measured rates: seconds of one image, by what is done and by whom; what could not be measured has a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

RateKind = Literal[
    # in seconds of one core of the processor for one image
    "decode",  # by format of the file; grows with the pixels
    "degrade",  # by key of a chain up to a step; grows with the pixels of the image before the chain
    "prepare",  # by key of an embedder or a recipe
    "decide",  # by key of a recipe: its decision about an embedding
    "record",  # to write a row of scores
    # in seconds of the device for one image
    "embed",  # by key of an embedder
    "score",  # by key of a recipe
    "fit",  # by key of a recipe: in one epoch
    # in seconds of the device for one fit, by key of a recipe: what it takes whatever its size
    "fit start",
    # in bytes
    "file bytes",  # by format of the file; grows with the pixels
    "fit bytes",  # by key of a recipe: of what a fit learned
    "row bytes",  # of a row of scores on the disk
    "row memory",  # of a row of scores in memory
    "index memory",  # of an embedding, to find it in its file
]


@dataclass
class Rates:
    """What was measured on this machine.

    Attributes:
        values: Seconds of one image, or bytes, by what is done and by whom.
        reasons: Why one could not be measured, alike.
    """

    values: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def get(self, kind: RateKind, of: str = "") -> float | None:
        """A rate; None where it was not measured."""
        return self.values.get(_name(kind, of))

    def reason(self, kind: RateKind, of: str = "") -> str:
        """Why there is no such rate."""
        return self.reasons.get(_name(kind, of), "")

    def put(self, kind: RateKind, of: str, value: float) -> None:
        """Remember a rate."""
        self.values[_name(kind, of)] = value
        self.reasons.pop(_name(kind, of), None)

    def forget(self, kind: RateKind, of: str) -> None:
        """Remember nothing of a rate."""
        self.values.pop(_name(kind, of), None)
        self.reasons.pop(_name(kind, of), None)

    def fail(self, kind: RateKind, of: str, error: Exception | str) -> None:
        """Remember why there is no rate."""
        self.values.pop(_name(kind, of), None)
        text = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        self.reasons[_name(kind, of)] = text

    def to_json(self) -> dict[str, Any]:
        """As a value that JSON has."""
        return {"values": self.values, "reasons": self.reasons}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Rates:
        """What `to_json` gave."""
        return cls(dict(value.get("values", {})), dict(value.get("reasons", {})))


def _name(kind: RateKind, of: str) -> str:
    return f"{kind} {of}".strip()
