"""Probes with any head that is plain arrays and makes decisions of them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, ClassVar, Protocol

import numpy as np

from detectors.api import Embedder, Embeddings, Labels, Probe, Scores, State


class ArrayHead(Protocol):
    """A fitted head: a dataclass whose fields are arrays."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def decide(self, embeddings: Embeddings) -> Scores:
        """The probability of "generated" for N embeddings, float32 (N, D)."""


class ArrayHeadProbe(Probe):
    """A frozen embedder and a fitted head."""

    def __init__(self, embedder: Embedder, head: ArrayHead) -> None:
        self.embedder = embedder
        self.head = head

    def decide(self, embeddings: Embeddings) -> Scores:
        """Scores of N embeddings, float32 (N, dim)."""
        return self.head.decide(embeddings)

    def state(self) -> State:
        """The head's arrays, by name."""
        return {field.name: np.asarray(getattr(self.head, field.name)) for field in fields(self.head)}


def require_both_classes(labels: Labels) -> None:
    """Raise ValueError unless there are at least two images of each class."""
    real, generated = np.bincount(labels, minlength=2)
    if min(real, generated) < 2:
        msg = (
            f"a head needs at least 2 real and 2 generated images, found {real} real and {generated} generated: "
            "choose a train subset that holds both"
        )
        raise ValueError(msg)
