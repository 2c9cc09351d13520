"""Sessions that are open: a library holds the weights of each a second time, and a run may have many networks."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

MOST_BYTES = 2 << 30  # of the graphs of all that are open, with their weights; a library holds about twice as much
Session = Callable[..., Any]


@dataclass
class _OpenSession:
    session: Session
    size: int
    used: int


class OpenSessions:
    """The sessions of many bodies, of which those that were not used for the longest time are closed beyond a limit.

    Args:
        limit: Bytes of the graphs of all that are open; one is open whatever its size.
    """

    def __init__(self, limit: int = MOST_BYTES) -> None:
        self._limit = limit
        self._open: WeakKeyDictionary[object, dict[Hashable, _OpenSession]] = WeakKeyDictionary()
        self._clock = count()

    def __reduce__(self) -> tuple[type[OpenSessions], tuple[int]]:
        """Another process opens its own."""
        return OpenSessions, (self._limit,)

    def __len__(self) -> int:
        """How many are open."""
        return sum(map(len, self._open.values()))

    def get(self, body: object, shapes: Hashable) -> Session | None:
        """The session of a body for inputs of some shapes; None where none is open."""
        found = self._open.get(body, {}).get(shapes)
        if found is None:
            return None
        found.used = next(self._clock)
        return found.session

    def add(self, body: object, shapes: Hashable, session: Session, size: int) -> None:
        """Keep a session open, and close others where the limit is passed.

        Args:
            body: It is closed when nothing else holds this.
            shapes: Of the inputs.
            session: Computes outputs of inputs.
            size: Of its graph with the weights, in bytes.
        """
        self._open.setdefault(body, {})[shapes] = _OpenSession(session, size, next(self._clock))
        while len(self) > 1 and self._held() > self._limit:
            of, oldest = min(
                ((of, key) for of in self._open.values() for key in of), key=lambda place: place[0][place[1]].used
            )
            del of[oldest]

    def close(self, body: object) -> None:
        """Close the sessions of a body."""
        self._open.pop(body, None)

    def _held(self) -> int:
        return sum(one.size for of in self._open.values() for one in of.values())
