"""Gives units out, waits for them, gives what died out again, and says how far it is: never without a word, or an end.

The cluster itself repeats nothing. A unit that comes to no end, as its process or its node dies, is given out again,
`ATTEMPTS` times in all. Then it is divided: whoever brings the process down does so alone, and is not tried any more.
"""

from __future__ import annotations

import pickle
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from bench.cluster.told_errors import ToldError
from bench.cluster.values import ClusterClient, Loss, Needs, NodeResources, UnitAnswer, WorkUnit
from bench.platform.errors import InputError
from bench.platform.processes.worker_processes import ProcessDied
from bench.platform.progress import EVERY, SHARE, Reporter

ATTEMPTS = 4
TICK = 1.0  # seconds that are waited at a time
LOOK_EVERY = 5.0  # seconds between two looks at the nodes
PATIENCE = 60.0  # seconds in which a node may come that has what a unit asks


@dataclass(frozen=True)
class UnitEnd:
    """The end of a unit, or of a part that it was divided into.

    Attributes:
        unit: The unit.
        answer: What it says.
    """

    unit: WorkUnit
    answer: UnitAnswer

    @property
    def failures(self) -> dict[int, ToldError]:
        """By the place of what was asked for, why that has no result."""
        if self.answer.error is None:
            return dict(self.answer.failures)
        return dict.fromkeys(range(len(self.unit.detectors)), self.answer.error)


@dataclass
class UnitTicket:
    """A unit that was given out.

    Attributes:
        unit: The unit.
        open: Number of its parts that have not ended.
        ends: Those that have.
        counted: Whether it is among the units that are done.
    """

    unit: WorkUnit
    open: int = 0
    ends: list[UnitEnd] = field(default_factory=list)
    counted: bool = False


@dataclass
class _Attempt:
    ticket: UnitTicket
    unit: WorkUnit
    number: int


class UnitLoop:
    """The units that a run has given out.

    Args:
        client: The cluster.
        send: A unit as it is sent.
        reporter: Says what happens.
        looked: Is given the nodes whenever they were looked at; raises `InputError` for one that cannot be used.
        clock: Gives seconds.
    """

    def __init__(
        self,
        client: ClusterClient,
        send: Callable[[WorkUnit], bytes],
        reporter: Reporter,
        looked: Callable[[list[NodeResources]], object] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client, self._send, self._reporter, self._looked, self._clock = client, send, reporter, looked, clock
        self._running: dict[int, _Attempt] = {}
        self._numbers = iter(range(1 << 62))
        self._guilty: dict[str, ToldError] = {}  # by key of a recipe
        self._suspect: UnitTicket | None = None  # what is lost again and again, until it is known who does it
        self._held: list[_Attempt] = []  # what was lost like it, and waits for that
        self._nodes = client.nodes()
        self._total = self._done = 0
        self._start = self._said = self._seen = clock()
        self._unplaced: dict[Needs, float] = {}  # since when no node has what is asked

    @property
    def nodes(self) -> Sequence[NodeResources]:
        """The nodes that were alive when they were last looked at."""
        return self._nodes

    def begin_stage(self, total: int) -> None:
        """Count from nothing again, to so many units; everything is tried again, as it is other work."""
        self._guilty.clear()
        self._total, self._done = total, 0
        self._start = self._said = self._clock()

    def give_out(self, unit: WorkUnit) -> UnitTicket:
        """Have a unit computed, without those detectors that brought a process down before."""
        ticket = UnitTicket(unit)
        self._give(ticket, unit, 1)
        self._count(ticket)
        return ticket

    def ends(self, ticket: UnitTicket) -> list[UnitEnd]:
        """Wait for a unit. Raises `InputError` where one of a run's units does, or no node can run it."""
        while ticket.open:
            self._turn()
        return ticket.ends

    def in_order(self, groups: Iterable[Sequence[WorkUnit]], window: Callable[[], int]) -> Iterator[list[UnitEnd]]:
        """Give units out, and give the ends of each group in order.

        Args:
            groups: Units in groups; one is made when it is given out.
            window: How many units are given out beside those of the group that is waited for; asked again and again,
                as nodes join.
        """
        waiting: deque[list[UnitTicket]] = deque()
        for group in groups:
            waiting.append([self.give_out(unit) for unit in group])
            while waiting and (sum(map(len, waiting)) > window() or not any(ticket.open for ticket in waiting[0])):
                yield self._ends_of(waiting.popleft())
        while waiting:
            yield self._ends_of(waiting.popleft())

    def _ends_of(self, tickets: Sequence[UnitTicket]) -> list[UnitEnd]:
        return [end for ticket in tickets for end in self.ends(ticket)]

    def _give(self, ticket: UnitTicket, unit: WorkUnit, attempt: int) -> None:
        left = self._without_guilty(ticket, unit)
        if left is None:
            return
        if (known := left.known()) is not None:
            ticket.ends.append(UnitEnd(left, known))
            return
        number = next(self._numbers)
        self._running[number] = _Attempt(ticket, left, attempt)
        ticket.open += 1
        self._client.submit(number, self._send(left), left.needs)

    def _without_guilty(self, ticket: UnitTicket, unit: WorkUnit) -> WorkUnit | None:
        """A unit without what is not tried any more, which ends with its reason; None where nothing is left."""
        lost = {place: self._guilty[key] for place, key in enumerate(unit.detectors) if key in self._guilty}
        if not lost:
            return unit
        ticket.ends.append(UnitEnd(unit.only(list(lost)), UnitAnswer(failures=dict(enumerate(lost.values())))))
        kept = [place for place in range(len(unit.detectors)) if place not in lost]
        return unit.only(kept) if kept else None

    def _turn(self) -> None:
        """Wait a moment, and take what ended."""
        self._take_what_ended()
        if self._suspect is not None and not self._suspect.open:
            self._release()
        now = self._clock()
        if now - self._seen >= LOOK_EVERY:
            self._seen = now
            self._look(now)
        self._tell(now)

    def _take_what_ended(self) -> None:
        for number, reply in self._client.wait(TICK):
            attempt = self._running.pop(number)
            attempt.ticket.open -= 1
            if isinstance(reply, Loss):
                self._lost(attempt, reply)
            else:
                self._take(attempt, pickle.loads(reply))  # noqa: S301 - of Lineup's own process on a node
            self._count(attempt.ticket)

    def _release(self) -> None:
        """Give out what waited, without whoever was found."""
        held, self._held, self._suspect = self._held, [], None
        for attempt in held:
            attempt.ticket.open -= 1
            self._give(attempt.ticket, attempt.unit, attempt.number)
            self._count(attempt.ticket)

    def _count(self, ticket: UnitTicket) -> None:
        """Count a unit that has ended, once, however many parts it was divided into."""
        if not ticket.open and not ticket.counted:
            ticket.counted = True
            self._done += 1

    def _take(self, attempt: _Attempt, answer: UnitAnswer) -> None:
        if answer.error is not None and isinstance(error := answer.error.error(), InputError):
            raise error
        attempt.ticket.ends.append(UnitEnd(attempt.unit, answer))

    def _lost(self, attempt: _Attempt, loss: Loss) -> None:
        """Give a unit out again, or divide it, or let it fail."""
        unit, number = attempt.unit, attempt.number
        if number < ATTEMPTS:
            again = f"attempt {number + 1} of {ATTEMPTS}"
            self._reporter.say(f"cluster: {unit.text} is given out again ({again}): {loss.how}")
            self._try_again(_Attempt(attempt.ticket, unit, number + 1))
            return
        kinds = list(dict.fromkeys(unit.detectors))
        if len(kinds) > 1:
            self._reporter.say(f"cluster: {unit.text} came to no end {ATTEMPTS} times ({loss.how}): each one alone now")
            for kind in kinds:
                places = [place for place, one in enumerate(unit.detectors) if one == kind]
                self._give(attempt.ticket, unit.only(places), 1)
            return
        error = ToldError(ProcessDied.__name__, f"{loss.how}, {ATTEMPTS} times, in the middle of its work on a cluster")
        self._reporter.say(f"cluster: {unit.text} is given up: {loss.how}, {ATTEMPTS} times")
        self._guilty[unit.detectors[0]] = error
        attempt.ticket.ends.append(UnitEnd(unit, UnitAnswer(error=error)))

    def _try_again(self, attempt: _Attempt) -> None:
        """Give a unit out once more; one that was lost twice waits where another such shows who does it."""
        if attempt.number > 2 and len(set(attempt.unit.detectors)) > 1:
            self._suspect = self._suspect or attempt.ticket
            if attempt.ticket is not self._suspect:
                attempt.ticket.open += 1
                self._held.append(attempt)
                return
        self._give(attempt.ticket, attempt.unit, attempt.number)

    def _look(self, now: float) -> None:
        """Look at the nodes. Raises `InputError` where for `PATIENCE` none has had what is asked."""
        self._nodes = self._client.nodes()
        self._looked(self._nodes)
        asked = {attempt.unit.needs for attempt in self._running.values()}
        self._unplaced = {
            needs: self._unplaced.get(needs, now)
            for needs in asked
            if not any(node.can_run(needs) for node in self._nodes)
        }
        for needs, since in self._unplaced.items():
            if now - since >= PATIENCE:
                there = "; ".join(node.text for node in self._nodes) or "no node that is alive"
                msg = f"no node of the cluster can run what asks {needs.text}: for {PATIENCE:.0f} s there was {there};"
                raise InputError(f"{msg} add such a node, and run the same command again: what is done is kept")

    def _tell(self, now: float) -> None:
        """Say how far it is, if it is time."""
        if now - self._said < max(EVERY, SHARE * (now - self._start)):
            return
        self._said = now
        nodes = f"{len(self._nodes)} node{'s' * (len(self._nodes) != 1)}"
        given = f"{len(self._running)} given out to {nodes}"
        missing = ", none of which has what they ask" if self._unplaced else ""
        self._reporter.say(f"cluster: {self._done} of {self._total} units done, {given}{missing}")
