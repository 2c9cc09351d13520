"""Getting a file of weights from the network: whole and what it should be, or an error in one sentence.

A server that says nothing is given up after a few seconds and left alone for a while; a transfer that stops is gone on
with where it stopped.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from io import FileIO
from pathlib import Path
from threading import Thread
from typing import TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from detectors.weights.file_kinds import is_page, kind_of

FIRST_BYTE = 5.0  # seconds until a server answers, the search for its name included
STOPPED = 30.0  # seconds without a new byte after which a transfer is given up
PAUSE = 1.0  # seconds before a transfer that stopped is gone on with
SHORTEST = 0.1  # seconds for an answer, where a transfer is about to be given up
LEFT_ALONE = 60.0  # seconds for which a server that did not answer is not asked again
PART = 1 << 16  # bytes that are read at a time
WHOLE, PARTIAL_CONTENT, NOTHING_BEYOND = 200, 206, 416
STATUSES = {
    401: "wants to know who asks",
    403: "does not let everybody have it",
    404: "has no such file",
    410: "has no such file any more",
    429: "has had too many requests and asks to wait",
    503: "is out of service for now",
}
SERVER_FAULTS = 500  # the first of the statuses that are the server's fault
# what the Hugging Face hub says in a header of its own
HUB_ERRORS = {
    "GatedRepo": "gives it to those alone who accepted its licence: accept it on the page of the repository, then log"
    " in with `hf auth login` or set HF_TOKEN",
    "RepoNotFound": "has no such repository",
    "RevisionNotFound": "has no such revision of the repository",
    "EntryNotFound": "has no such file in the repository",
}

Reply = TypeVar("Reply")
Report = Callable[[int, int], object]  # bytes so far, and bytes in all, 0 where they are not known


class NotDownloaded(Exception):
    """A file could not be had. The message says why, in one sentence."""


class NotWritable(NotDownloaded):
    """A file could not be written on this machine: no other source would help."""


@dataclass(frozen=True)
class Download:
    """A file of weights that is to be had.

    Attributes:
        url: Its address.
        sha256: Of its content; empty where it is not known.
        size: In bytes; None where it is not known.
        headers: For the server at that address alone, and not for one that it sends us on to.
    """

    url: str
    sha256: str = ""
    size: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """Name of the server."""
        return urlsplit(self.url).netloc


_unreachable: dict[str, tuple[float, str]] = {}  # by server, when and why it did not answer


def unreachable(host: str) -> str:
    """Why a server did not answer a moment ago, as what is said of it; empty where it is to be asked."""
    when, why = _unreachable.get(host, (0.0, ""))
    return why if why and time.monotonic() - when < LEFT_ALONE else ""


def remember_unreachable(host: str, why: str) -> None:
    """Leave a server alone for a while: the waits for one that is silent would add up."""
    _unreachable[host] = time.monotonic(), why


def fetch(wanted: Download, path: Path, report: Report) -> str:
    """Write the file to a path, which then is whole, and return the hash of its content.

    What was had of a file with a known digest is kept for another try, from whatever source.

    Raises:
        NotDownloaded: It could not be had, or is no file of weights.
    """
    with _partial_file(path) as (partial, file):
        if not wanted.sha256:  # nobody would know whether the rest is of the same file
            file.truncate(0)
        begun = bool(_size(file))
        found = _digest(partial) if begun else ""
        if not begun or found != wanted.sha256:
            found = _transferred(wanted, path, file, report)
        if begun and found != wanted.sha256:  # what was there may have been of another file
            file.truncate(0)
            found = _transferred(wanted, path, file, report)
        if wrong := _wrong(wanted, found, partial):
            file.truncate(0)
            raise NotDownloaded(wrong)
        with _local(path):
            partial.replace(path)
    return found


@contextmanager
def _partial_file(path: Path) -> Iterator[tuple[Path, FileIO]]:
    """The file beside a path that is written until it is whole, for this process alone; taken away where it is empty.

    Raises:
        NotDownloaded: It cannot be written, or another process writes it.
    """
    partial = path.with_name(f".{path.name}.partial")
    with _local(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        opened = FileIO(partial, "a+")
    with opened as file:
        # the other process may have been done after our opening the file and before our asking for it
        if not (_lock(file) and partial.exists() and partial.stat().st_ino == os.fstat(file.fileno()).st_ino):
            msg = f"another process is getting {path}: wait for it, then ask again"
            raise NotDownloaded(msg)
        try:
            yield partial, file
        finally:
            if not _size(file):
                partial.unlink(missing_ok=True)


def _lock(file: FileIO) -> bool:
    """Whether this process has a file for itself from now on, until it closes it or dies."""
    try:
        import fcntl
    except ImportError:  # where there are no locks, what two processes spoil is seen by digest or content
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


@contextmanager
def _local(path: Path) -> Iterator[None]:
    """Faults of this machine, which are not the server's. Raises `NotWritable`."""
    try:
        yield
    except OSError as error:
        msg = f"{path} cannot be written ({error.strerror or error})"
        raise NotWritable(msg) from error


def _transferred(wanted: Download, path: Path, file: FileIO, report: Report) -> str:
    """Get what is missing of a file. Returns the hash of its content."""
    _Transfer(wanted, file, path, report).run()
    return _digest(Path(file.name))


def _wrong(wanted: Download, found: str, partial: Path) -> str:
    """What is wrong with a file that was had; empty for nothing."""
    if wanted.sha256 == found:
        return ""
    what, advice = f"a file of {partial.stat().st_size} bytes", "it was thrown away"
    try:
        kind_of(partial)
    except ValueError as error:
        what, _, told = str(error).partition(": ")
        advice = told or advice
    else:
        if not wanted.sha256 and wanted.size in {None, partial.stat().st_size}:
            return ""
    if wanted.sha256:
        return f"{wanted.url} gave {what}, of sha256 {found} and not {wanted.sha256}: {advice}"
    expected = f", and not one of {wanted.size}" if wanted.size is not None else ""
    return f"{wanted.url} gave {what}{expected}: {advice}"


@dataclass
class _Transfer:
    """The transfer of a file.

    Attributes:
        wanted: The file.
        file: Where it is written, open at its end, unbuffered.
        path: Where it will be in the end, for messages.
        report: Called with the progress.
        most: The most bytes that there have been.
        last_new: When the last of them came.
        begun_again: Whether the server had nothing beyond what was there, so that it began from nothing.
    """

    wanted: Download
    file: FileIO
    path: Path
    report: Report
    most: int = -1
    last_new: float = field(default_factory=time.monotonic)
    begun_again: bool = False

    def run(self) -> None:
        """Go on where the file ends, until it is whole. Raises `NotDownloaded` where a while brings nothing new."""
        first = True
        while (left := self.last_new + STOPPED - time.monotonic()) > 0:
            with suppress(OSError, HTTPException):
                with self._open(min(FIRST_BYTE, max(left, SHORTEST)), first=first) as response:
                    whole = self._append(response)
                if not whole or _size(self.file) >= whole:
                    return
            first = False
            time.sleep(PAUSE)
        kept = _size(self.file)
        msg = f"the transfer from {self.wanted.host} stopped after {kept} bytes; ask again to go on with it"
        raise NotDownloaded(msg)

    def _append(self, response: HTTPResponse) -> int:
        """Write what a server sends. Returns the size of the whole file, 0 where it is not known."""
        have = _size(self.file) if response.status == PARTIAL_CONTENT else 0
        self._check(response, have)
        said = response.headers.get("Content-Length") or ""
        whole = have + int(said) if said.isdecimal() else 0
        begins = not have
        while part := response.read1(PART):
            if begins and is_page(part):
                host = self.wanted.host
                msg = f"{host} answered with a web page and not with the file, as where one has to log in first"
                raise NotDownloaded(msg)
            self._write(part, from_start=begins)
            begins = False
            self.report(_size(self.file), whole)
        return whole

    def _check(self, response: HTTPResponse, have: int) -> None:
        """Raise `NotDownloaded` for an answer that is neither the file nor the part of it that was asked for."""
        part = response.headers.get("Content-Range", "")
        if response.status not in {WHOLE, PARTIAL_CONTENT} or (have and part and not part.startswith(f"bytes {have}-")):
            what = f"with {part}, not what was asked for" if have and part else "without the file"
            msg = f"{self.wanted.host} answered {what} (status {response.status})"
            raise NotDownloaded(msg)

    def _write(self, part: bytes, *, from_start: bool) -> None:
        with _local(self.path):
            if from_start:
                self.file.truncate(0)
            rest = memoryview(part)
            while rest:
                rest = rest[self.file.write(rest) :]
        if _size(self.file) > self.most:
            self.most, self.last_new = _size(self.file), time.monotonic()

    def _open(self, timeout: float, *, first: bool) -> HTTPResponse:
        """The answer of the server, from the first byte that is missing.

        Args:
            timeout: Seconds until the answer, and between two parts of it.
            first: Whether it is the first question.

        Raises:
            NotDownloaded: It refuses; or, the first time, it cannot be reached.
            OSError: It cannot be reached any more.
        """
        host = self.wanted.host
        if first and (why := unreachable(host)):
            msg = f"{host} {why}"
            raise NotDownloaded(msg)
        request = self._request()
        try:
            return in_time(lambda: urlopen(request, timeout=timeout), timeout)  # type: ignore[no-any-return] # noqa: S310
        except HTTPError as answer:
            with answer:
                if answer.code == NOTHING_BEYOND and _size(self.file) and not self.begun_again:
                    self.begun_again, self.most = True, -1
                    self.file.truncate(0)
                    raise OSError from answer
                raise NotDownloaded(_refusal(self.wanted, answer)) from answer
        except Exception as error:
            if first:
                remember_unreachable(host, _why_unreachable(error))
                msg = f"{host} {unreachable(host)}"
                raise NotDownloaded(msg) from error
            raise OSError from error

    def _request(self) -> Request:
        request = Request(self.wanted.url, headers={"User-Agent": "lineup"})  # noqa: S310 - of the registry or the hub
        for name, value in self.wanted.headers.items():
            request.add_unredirected_header(name, value)
        if have := _size(self.file):
            request.add_header("Range", f"bytes={have}-")
        return request


def in_time(ask: Callable[[], Reply], seconds: float) -> Reply:
    """What a question to a server returns or raises; TimeoutError where that takes too long.

    The search for a server's name knows no time limit: it goes on beside us, and is left alone when ours is over.
    """
    answered: Future[Reply] = Future()

    def answer() -> None:
        try:
            answered.set_result(ask())
        except Exception as error:  # noqa: BLE001 - it is raised again by the thread that waits
            answered.set_exception(error)

    Thread(target=answer, daemon=True).start()
    return answered.result(timeout=seconds)


def _size(file: FileIO) -> int:
    return os.fstat(file.fileno()).st_size


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def status_text(status: int) -> str:
    """What a server says by a status, in words that follow its name."""
    return STATUSES.get(status, "is out of order" if status >= SERVER_FAULTS else "refuses it")


def _refusal(wanted: Download, error: HTTPError) -> str:
    """What a server said in place of the file."""
    said = HUB_ERRORS.get(error.headers.get("X-Error-Code", "")) or status_text(error.code)
    wait = error.headers.get("Retry-After", "")
    return f"{wanted.host} {said} (status {error.code}{f', after {wait} s' if wait.isdigit() else ''})"


def _why_unreachable(error: Exception) -> str:
    """Why a server did not answer, as what is said of it."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return f"did not answer within {FIRST_BYTE:.0f} s"
    text = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
    return f"cannot be reached ({text})"
