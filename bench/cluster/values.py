"""What is said about units of work and nodes, between those who give work out and those who do it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench.cluster.told_errors import ToldError

GIB = 1 << 30
UNIT_MEMORY = GIB  # bytes: a process with torch takes 0.6, its detectors and images the rest


@dataclass(frozen=True)
class Needs:
    """What a unit of work asks of a node.

    Attributes:
        cpus: Threads that it computes with.
        gpus: Cards that it alone uses.
        memory: Bytes.
    """

    cpus: int = 1
    gpus: int = 0
    memory: int = UNIT_MEMORY

    @property
    def text(self) -> str:
        """In words."""
        cards = f", {self.gpus} GPU" if self.gpus else ""
        return f"{self.cpus} CPU{cards} and {self.memory / GIB:.1f} GiB of memory"


@dataclass(frozen=True)
class NodeResources:
    """A node that is alive, and all that it has.

    Attributes:
        key: By which the cluster tells it from others.
        name: Its host.
        cpus: Number of CPUs.
        gpus: Number of cards.
        memory: Bytes.
    """

    key: str
    name: str
    cpus: float
    gpus: float
    memory: float

    def can_run(self, needs: Needs) -> bool:
        """Whether it has what a unit asks, once nothing else runs on it."""
        return self.cpus >= needs.cpus and self.gpus >= needs.gpus and self.memory >= needs.memory

    @property
    def text(self) -> str:
        """In words."""
        return f"{self.cpus:g} CPU, {self.gpus:g} GPU and {self.memory / GIB:.1f} GiB on {self.name}"


@dataclass(frozen=True)
class Loss:
    """A unit that came to no end.

    Attributes:
        how: Why, in words, such as "its node died".
    """

    how: str


@dataclass(frozen=True)
class UnitAnswer:
    """What a unit says at its end; what it computed is in the cache by then.

    Attributes:
        counts: Of decoded images, embeddings and fits.
        seconds: How long each fit took, by its training key.
        failures: By the place of what was asked for, why that has no result.
        error: Why there is none at all; None where there is.
    """

    counts: Counter[str] = field(default_factory=Counter)
    seconds: Mapping[str, float] = field(default_factory=dict)
    failures: Mapping[int, ToldError] = field(default_factory=dict)
    error: ToldError | None = None


class WorkUnit(Protocol):
    """A part of the work of a run as a value that can be sent to a node."""

    @property
    def text(self) -> str:
        """What it is, for messages."""

    @property
    def needs(self) -> Needs:
        """What it asks of a node."""

    @property
    def detectors(self) -> Sequence[str]:
        """Of each thing that it is asked for, the key of the recipe."""

    def known(self) -> UnitAnswer | None:
        """Its answer where the cache has all of it without a failure; None where it is to be computed."""

    def compute(self) -> UnitAnswer:
        """Compute it, and keep the result in the cache before this returns. Raises what ends a run."""

    def only(self, places: Sequence[int]) -> WorkUnit:
        """The part of it that is asked for at some places."""


class ClusterClient(Protocol):
    """A cluster that computes payloads."""

    def nodes(self) -> list[NodeResources]:
        """The nodes that are alive."""

    def submit(self, number: int, payload: bytes, needs: Needs) -> None:
        """Have a unit computed on any node that has room for it."""

    def wait(self, seconds: float) -> list[tuple[int, bytes | Loss]]:
        """What came to an end, by number; nothing where nothing did for some seconds."""

    def probe(self, node: str, payload: bytes) -> bytes | Loss:
        """Have a payload computed on one node, at once."""
