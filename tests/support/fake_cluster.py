"""A cluster in this process, without Ray: it computes at once, and loses what it is told to lose."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from bench.cluster.cluster_place import ClusterPlace
from bench.cluster.values import Loss, Needs, NodeResources, WorkUnit
from bench.cluster.worker import UnitSurroundings, answer
from bench.platform.progress import Reporter

NODE = NodeResources("a", "host", 2.0, 0.0, 8e9)


@dataclass
class FakeCluster:
    """Computes what it is given when it is waited for, the last unit first.

    Attributes:
        lost: Whether an attempt at a unit, the first or a later one, comes to no end; it is computed all the same where
            `late` is true, as by a node that dies after it has written.
        late: See there.
        alive: Its nodes.
        seen: The units that were given out, in order.
        variables: Of the environment of its processes.
    """

    lost: Callable[[WorkUnit, int], str] = lambda unit, attempt: ""
    late: bool = False
    alive: Sequence[NodeResources] = (NODE,)
    seen: list[WorkUnit] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)
    probed: list[str] = field(default_factory=list)
    _given: list[tuple[int, bytes]] = field(default_factory=list)

    def nodes(self) -> list[NodeResources]:
        return list(self.alive)

    def submit(self, number: int, payload: bytes, needs: Needs) -> None:
        self._given.append((number, payload))

    def wait(self, seconds: float) -> list[tuple[int, bytes | Loss]]:
        if not self._given:
            return []
        number, payload = self._given.pop()
        unit, _ = pickle.loads(payload)  # noqa: S301 - Lineup's own
        self.seen.append(unit)
        how = self.lost(unit, sum(one.text == unit.text for one in self.seen))
        if how and not self.late:
            return [(number, Loss(how))]
        found = answer(payload)
        return [(number, Loss(how) if how else found)]

    def probe(self, node: str, payload: bytes) -> bytes | Loss:
        self.probed.append(node)
        return answer(payload)

    @contextmanager
    def opened(self, variables: Mapping[str, str]) -> Iterator[FakeCluster]:
        self.variables = dict(variables)
        yield self


def place_on(cluster: FakeCluster, reporter: Reporter | None = None) -> ClusterPlace:
    """A place of work whose cluster is a fake."""
    quiet = reporter or Reporter(Console(quiet=True))
    return ClusterPlace(cluster.opened, UnitSurroundings(str(Path.cwd())), quiet, 2, curves=True)
