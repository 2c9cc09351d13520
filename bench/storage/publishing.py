"""A command that writes results to a store: it works in a local copy, which another thread publishes meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from bench.platform.errors import InputError
from bench.platform.locks import held
from bench.storage.claim import BEAT, Claim, give_back, read_claim, renewed, take_claim
from bench.storage.object_store import ObjectStore, StoreFault
from bench.storage.result_copy import LAST, ResultCopy

EVERY = 5.0  # seconds between two looks at what is new, at least
SHARE = 10  # times as long as a look takes, the next one waits
WHILE_IT_RUNS = (0.5, 1.0, 2.0)  # pauses between attempts: the next look tries it again
FETCHING = ".fetching"  # the lock of a copy that is brought into step for reading

Say = Callable[[str], object]


@contextmanager
def published(folder: Path, url: str, say: Say) -> Iterator[None]:
    """Work in the copy of a folder on a store: it is claimed and fetched now, and published until the context is left.

    A store that does not answer meanwhile costs nothing: what is written stays in the copy, and is published later.

    Args:
        folder: The local copy, which this process holds.
        url: The folder on the store.
        say: Prints a line.

    Raises:
        InputError: Another run writes into it, or the store does not answer well.
    """
    store = ObjectStore(url)
    publisher = _Publisher(ResultCopy(folder, store), take_claim(store, say), say)
    try:
        if count := publisher.copy.fetch():
            say(f"Fetched {count:,} files of {url}, to go on with them")
        publisher.start()
        try:
            yield
        except BaseException:
            publisher.stop()
            publisher.publish_what_is_there()
            raise
        publisher.stop()
        publisher.publish_all()
        say(f"Published: {url}")
    finally:
        publisher.release()


def reading_copy(folder: Path, url: str) -> Path:
    """Bring a local copy of a folder on a store into step, for reading; nothing on the store is changed.

    Args:
        folder: The local copy.
        url: The folder on the store.

    Raises:
        InputError: The store does not answer well.
    """
    store = ObjectStore(url)
    with held(folder / FETCHING, waiting=lambda _: None):
        ResultCopy(folder, store).fetch(exact=True)
    if not any(folder.rglob(LAST)):
        claim = read_claim(store)
        what = f"a run that goes on ({claim.text})" if claim else f"no run ({LAST} is missing)"
        msg = f"{url} holds {what}; give the URL that `lineup run --out` was given, when it has finished"
        raise InputError(msg)
    return folder


class _Publisher:
    """Publishes a copy in a thread of its own while a command works in it.

    Args:
        copy: The copy.
        claim: The claim of this process.
        say: Prints a line.
    """

    def __init__(self, copy: ResultCopy, claim: Claim, say: Say) -> None:
        self.copy = copy
        self._say = say
        self._claim = claim
        self._lost: InputError | None = None  # why nothing may be published any more
        self._silent = False  # whether the store did not answer when it was last asked
        self._end = Event()
        self._thread = Thread(target=self._work, daemon=True, name=f"publishing {copy.store.url}")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def publish_all(self) -> None:
        """Publish everything, the manifest last. Raises `InputError` where the store is not up to date then."""
        try:
            if not self._lost:
                self._renew()  # this process may have stood still for long
                self.copy.publish(ended=True)
        except StoreFault as fault:
            msg = f"{fault}; what was found is kept in {self.copy.folder}, and is not computed again"
            raise StoreFault(msg) from fault
        except InputError as taken_over:
            self._lost = taken_over
        if self._lost:
            msg = f"{self._lost}; what this run found is kept in {self.copy.folder}"
            raise InputError(msg)

    def publish_what_is_there(self) -> None:
        """The same of a command that ends early and is not to wait long: a fault is a line."""
        self.copy.store = ObjectStore(self.copy.store.url, WHILE_IT_RUNS)
        try:
            self.publish_all()
        except InputError as fault:
            self._say(str(fault))

    def release(self) -> None:
        """Give the claim back; one that cannot be is taken over in time."""
        try:
            if not self._lost:
                give_back(ObjectStore(self.copy.store.url, WHILE_IT_RUNS), self._claim)
        except StoreFault as fault:
            self._say(f"{fault}; this run does not hold it any more, and another takes it over")

    def _renew(self) -> None:
        """Show that this process lives. Raises `InputError` where another run has taken it over, and `StoreFault`."""
        self._claim = renewed(self.copy.store, self._claim)

    def _work(self) -> None:
        patient, taken = self.copy.store, 0.0
        self.copy.store = ObjectStore(patient.url, WHILE_IT_RUNS)
        while not self._lost and not self._end.wait(max(EVERY, SHARE * taken)):
            start = time.monotonic()
            try:
                if abs(time.time() - self._claim.seen) > BEAT:  # `monotonic` sleeps with its machine
                    self._renew()
                self.copy.publish()
                self._tell_silence("")
            except StoreFault as fault:
                self._tell_silence(str(fault))
            except InputError as taken_over:
                self._lost = taken_over
                self._say(str(taken_over))
            except OSError as error:  # a file that changes while it is read is read again
                self._tell_silence(f"{self.copy.folder} cannot be read ({error})")
            taken = time.monotonic() - start
        self.copy.store = patient

    def _tell_silence(self, fault: str) -> None:
        """Say once that the store does not answer, and once that it does again."""
        if bool(fault) != self._silent:
            self._silent = bool(fault)
            kept = f"the run goes on, and what it writes is kept in {self.copy.folder} until it can be published"
            self._say(f"{fault}: {kept}" if fault else f"{self.copy.store.url} answers again")
