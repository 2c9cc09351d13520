"""One folder of an object store: whole objects are read and written, again and again until the store answers well.

Stores have no rename and no folders. An object appears as a whole when it is put, so whatever others may find is put
under its own name at once. A store may answer with an error, slowly, not at all, or with a part of an object: every
call has a time limit and is tried `ATTEMPTS` times with growing pauses between, and what is read is checked by whoever
knows how long it is, or has a checksum of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import Any, TypeVar

from bench.platform.errors import InputError
from bench.platform.printable import printable
from bench.storage.connection import connect

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # seconds, between one attempt and the next
ATTEMPTS = len(PAUSES) + 1
MOST_DAMAGED = 3  # attempts at an object that comes as another than it should be: it may have changed
LASTING = 1  # attempts where the answer would be the same
TIME_LIMIT = 120.0  # seconds of one attempt
PATIENCE = 300.0  # seconds after which no further attempt is made: a silent store takes the time limit each time
SLOWEST = 500_000  # bytes a second that a large object may take in addition
PARALLEL = 16  # objects that are read or written at a time
READING = "reading"
ADVICE: dict[type[Exception], str] = {
    FileNotFoundError: "make the bucket, or mend the address",
    PermissionError: "check your credentials and rights",
}
USUAL_ADVICE = "check the store and your credentials, and run the same command again"
Given = TypeVar("Given")


class StoreFault(InputError):
    """A store did not do what it was asked, however often."""


class DamagedObject(StoreFault):
    """An object was read as another than it was written, however often."""


@dataclass(frozen=True)
class ObjectStore:
    """A folder of an object store, by its URL alone: other processes and machines open it themselves.

    Attributes:
        url: Its URL, without a slash at the end.
        pauses: Seconds between the attempts of a call.
    """

    url: str
    pauses: tuple[float, ...] = PAUSES

    def where(self, name: str) -> str:
        """How messages name an object."""
        return printable(f"{self.url}/{name}")

    def infos(self, below: str = "") -> dict[str, Mapping[str, Any]]:
        """What the store says of every object, by its name; nothing where there are none.

        Args:
            below: Of those alone whose names begin with this folder.

        Raises:
            StoreFault: The store does not say it.
        """

        def find() -> dict[str, Mapping[str, Any]]:
            system, root = connect(self.url)
            system.invalidate_cache()  # other processes write, too
            try:
                found: dict[str, Any] = system.find(f"{root}/{below}".rstrip("/"), detail=True)
            except FileNotFoundError:
                return {}
            return {path.removeprefix(f"{root}/"): info for path, info in found.items() if path != root}

        return self._tried("listing", below, find)

    def read(
        self, name: str, fault: Callable[[bytes], str] = lambda _: "", part: tuple[int, int] | None = None
    ) -> bytes:
        """All bytes of an object, or a part of them.

        Args:
            name: Its name.
            fault: Says what is wrong with the bytes, as of half an object; empty where nothing is.
            part: Where the part begins, and where it ends; None for all.

        Raises:
            FileNotFoundError: There is none.
            DamagedObject: Something was wrong with them every time.
            StoreFault: The store does not answer well.
        """
        limits = {} if part is None else {"start": part[0], "end": part[1]}

        def fetch() -> bytes:
            system, root = connect(self.url)
            data = bytes(system.cat_file(f"{root}/{name}", **limits))
            if found := fault(data):
                raise DamagedObject(found)
            return data

        return self._tried(READING, name, fetch)

    def write(self, name: str, data: bytes) -> None:
        """Put an object in the place of any of that name. Raises `StoreFault`."""

        def put() -> None:
            system, root = connect(self.url)
            system.pipe_file(f"{root}/{name}", data)

        self._tried("writing", name, put, len(data))

    def create(self, name: str, data: bytes) -> bool:
        """Put an object if there is none of that name. Returns whether it was put.

        A store that does not know the condition puts it always; one whose answer was lost says that it is there.

        Raises:
            StoreFault: The store does not answer well.
        """

        def put() -> bool:
            system, root = connect(self.url)
            try:
                system.pipe_file(f"{root}/{name}", data, mode="create")
            except FileExistsError:
                return False
            return True

        return self._tried("writing", name, put)

    def delete(self, name: str) -> None:
        """Delete an object, if it is there. Raises `StoreFault`."""

        def remove() -> None:
            system, root = connect(self.url)
            try:
                system.rm_file(f"{root}/{name}")
            except FileNotFoundError:
                return

        self._tried("deleting", name, remove)

    def _tried(self, doing: str, name: str, call: Callable[[], Given], size: int = 0) -> Given:
        """What a call gives, tried again and again. Raises `StoreFault`, and `FileNotFoundError` of reading."""
        limit, start = TIME_LIMIT + size / SLOWEST, time.monotonic()
        for attempt, pause in enumerate((*self.pauses, None), 1):
            try:
                return within(limit, call)
            except Exception as error:
                if (isinstance(error, FileNotFoundError) and doing == READING) or _is_ours(error):
                    raise
                damaged = isinstance(error, DamagedObject)
                most = MOST_DAMAGED if damaged else LASTING if isinstance(error, tuple(ADVICE)) else ATTEMPTS
                if pause is None or attempt >= most or time.monotonic() - start > PATIENCE:
                    kind = DamagedObject if damaged else StoreFault
                    raise kind(self._line(doing, name, error, attempt)) from error
            time.sleep(pause)
        raise AssertionError  # the last attempt returns or raises

    def _line(self, doing: str, name: str, error: Exception, attempts: int) -> str:
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        times = f" {attempts} times" if attempts > 1 else ""
        advice = next((text for kind, text in ADVICE.items() if isinstance(error, kind)), USUAL_ADVICE)
        return printable(f"{doing} {self.url}/{name} failed{times} ({reason}); {advice}")


def _is_ours(error: Exception) -> bool:
    """Whether an error is that of a URL that cannot be opened at all, and no answer of a store."""
    return isinstance(error, InputError) and not isinstance(error, DamagedObject)


def length_fault(data: bytes, size: int) -> str:
    """What is wrong with the bytes of an object of some size, 0 where that is not known; empty where nothing is."""
    return f"{len(data):,} of {size:,} bytes came" if size and len(data) != size else ""


def within(seconds: float, call: Callable[[], Given]) -> Given:
    """What a call gives, if it does so in time; whatever hangs is left behind.

    Raises:
        TimeoutError: It took longer. Whatever else the call raises.
    """
    outcome: Future[Given] = Future()

    def work() -> None:
        try:
            outcome.set_result(call())
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            outcome.set_exception(error)

    Thread(target=work, daemon=True, name="object store").start()
    try:
        return outcome.result(seconds)
    except TimeoutError as error:
        if outcome.done():
            raise
        msg = f"no answer within {seconds:.0f} s"
        raise TimeoutError(msg) from error
