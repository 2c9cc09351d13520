"""Who writes into a folder of a store: one run at a time, for as long as it lives.

The claim is an object that is created only where there is none. Its owner writes the time into it now and then; one
whose owner has ended, as this machine can see, or was not heard of for `SILENT`, is taken over. Stores that do not know
"only where there is none" have the last of two claims: whoever made the other one sees that when it looks again.
"""

from __future__ import annotations

import getpass
import json
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from secrets import token_hex

from bench.platform.errors import InputError
from bench.platform.outside.json_text import parse_json
from bench.platform.processes.endings import ProcessMark, is_gone, this_process
from bench.platform.progress import duration_text
from bench.storage.object_store import ObjectStore

CLAIM = ".claim.json"
BEAT = 60.0  # seconds between two signs of life
SILENT = 600.0  # seconds without one after which an owner is taken for dead; clocks of machines may differ by minutes
SETTLING = 2.0  # seconds after which two claims that crossed are one


@dataclass(frozen=True)
class Claim:
    """That a run writes into a folder of a store.

    Attributes:
        mark: Which process it is, and on which machine.
        user: Whose.
        since: When it began, in seconds since 1970.
        seen: Its last sign of life, the same.
        token: Tells it from every other claim.
    """

    mark: ProcessMark
    user: str
    since: float
    seen: float
    token: str

    @property
    def text(self) -> str:
        """Who it is, for messages."""
        began = datetime.fromtimestamp(self.since, UTC).strftime("%Y-%m-%d %H:%M UTC")
        return f"process {self.mark.number} of {self.user} on {self.mark.host}, since {began}"

    def to_json(self) -> bytes:
        """The claim as the store has it."""
        return json.dumps(asdict(self)).encode()


def own_claim() -> Claim:
    """A new claim of this process."""
    user, now = "an unknown user", time.time()
    with suppress(OSError, KeyError, ImportError):
        user = getpass.getuser()
    return Claim(this_process(), user, now, now, token_hex(8))


def read_claim(store: ObjectStore) -> Claim | None:
    """The claim that a store has; None where there is none that can be read. Raises `StoreFault`."""
    try:
        values = parse_json(store.read(CLAIM))
        return Claim(**{**values, "mark": ProcessMark(**values["mark"])})
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def take_claim(store: ObjectStore, say: Callable[[str], object]) -> Claim:
    """Claim a folder of a store.

    Args:
        store: The store.
        say: Prints a line, where the claim of a dead owner is taken over.

    Raises:
        InputError: Another run writes into it.
        StoreFault: The store does not answer well.
    """
    own = own_claim()
    if not store.create(CLAIM, own.to_json()):
        other = read_claim(store)
        if other is not None and other.token != own.token:
            if not (reason := _why_dead(other)):
                raise _taken(store, other)
            say(f"{store.url} is taken over from {other.text}: {reason}")
        if other is None or other.token != own.token:
            store.write(CLAIM, own.to_json())
            time.sleep(SETTLING)  # another run may take it over at this moment
    if (found := read_claim(store)) is not None and found.token != own.token:
        raise _taken(store, found)
    return own


def renewed(store: ObjectStore, own: Claim) -> Claim:
    """The claim with a new sign of life, on the store too.

    Raises:
        InputError: Another run has taken it over.
        StoreFault: The store does not answer well.
    """
    if (found := read_claim(store)) is not None and found.token != own.token:
        raise _taken(store, found)
    new = replace(own, seen=time.time())
    store.write(CLAIM, new.to_json())
    return new


def give_back(store: ObjectStore, own: Claim) -> None:
    """Delete a claim, if it is still the own one. Raises `StoreFault`."""
    if (found := read_claim(store)) is not None and found.token == own.token:
        store.delete(CLAIM)


def _why_dead(claim: Claim) -> str:
    """Why the owner of a claim is taken for dead; empty for one that may live."""
    if is_gone(claim.mark):
        return "it has ended"
    silent = time.time() - claim.seen
    return f"it has given no sign for {duration_text(silent)}" if silent > SILENT else ""


def _taken(store: ObjectStore, claim: Claim) -> InputError:
    return InputError(
        f"{store.url} is being written by another run ({claim.text}); wait until it has ended, or give another --out."
        f" A dead one is taken over {duration_text(SILENT)} after its last sign"
    )
