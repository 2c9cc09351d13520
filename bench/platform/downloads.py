"""Getting a file from the network: whole and with the digest that it should have, or an error in one sentence.

A server that says nothing is given up after a few seconds, a transfer that stops is gone on with where it stopped.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

FIRST_BYTE = 5.0  # seconds until a server answers, the search for its name included
STOPPED = 30.0  # seconds without a new byte after which a transfer is given up
PAUSE = 1.0  # seconds before a transfer that stopped is gone on with
PART = 1 << 16  # bytes that are read at a time
PARTIAL_CONTENT = 206
PAGE_STARTS = (b"<!doctype html", b"<html")
STATUSES = {
    401: "wants to know who asks",
    403: "does not let everybody have it",
    404: "has no such file",
    410: "has no such file any more",
    429: "has had too many requests and asks to wait",
    500: "is out of order",
    502: "is out of order",
    503: "is out of service for now",
    504: "is out of order",
}
# what the Hugging Face hub says in a header of its own
HUB_ERRORS = {
    "GatedRepo": "gives it to those alone who accepted its licence: accept it on the page of the repository, then log"
    " in with `hf auth login` or set HF_TOKEN",
    "RepoNotFound": "has no such repository",
    "RevisionNotFound": "has no such revision of the repository",
    "EntryNotFound": "has no such file in the repository",
}

Report = Callable[[int, int], object]  # bytes so far, and bytes in all, 0 where they are not known


class NotDownloaded(Exception):
    """A file could not be had. The message says why, in one sentence."""


@dataclass(frozen=True)
class Download:
    """A file that is to be had.

    Attributes:
        url: Its address.
        sha256: Of its content; empty where it is not known.
        headers: For the server at that address alone, and not for one that it sends us on to.
    """

    url: str
    sha256: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def host(self) -> str:
        """Name of the server."""
        return urlsplit(self.url).netloc


def fetch(wanted: Download, path: Path, report: Report) -> str:
    """Write the file to a path, which then is whole, and return the hash of its content.

    What was had of a file with a known digest is kept for another try.

    Raises:
        NotDownloaded: It could not be had.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    if not wanted.sha256:  # nobody would know whether the rest is of the same file
        partial.unlink(missing_ok=True)
    _transfer(wanted, partial, report)
    with partial.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if wanted.sha256 and found != wanted.sha256:
        partial.unlink()
        msg = f"{wanted.url} gave a file of sha256 {found}, not {wanted.sha256}: it was thrown away"
        raise NotDownloaded(msg)
    partial.replace(path)
    return found


def _transfer(wanted: Download, partial: Path, report: Report) -> None:
    """Fill the partial file, going on where it ends until a while brings nothing new."""
    most, last_new = -1, time.monotonic()
    while True:
        with suppress(OSError, HTTPException):
            with _open(wanted, _size(partial), first=most < 0) as response:
                whole = _append(wanted, response, partial, report)
            if not whole or _size(partial) == whole:
                return
        if _size(partial) > most:
            most, last_new = _size(partial), time.monotonic()
        elif time.monotonic() - last_new > STOPPED:
            msg = f"the transfer from {wanted.host} stopped after {most} bytes; ask again to go on with it"
            raise NotDownloaded(msg)
        time.sleep(PAUSE)


def _append(wanted: Download, response: HTTPResponse, partial: Path, report: Report) -> int:
    """Write what a server sends to the partial file. Returns the size of the whole file, 0 where it is not known."""
    goes_on = response.status == PARTIAL_CONTENT
    whole = int(response.headers.get("Content-Length") or 0)
    with partial.open("ab" if goes_on else "wb") as file:
        whole += file.tell() if goes_on and whole else 0
        while part := response.read1(PART):
            if not file.tell() and part.lstrip().lower().startswith(PAGE_STARTS):
                msg = f"{wanted.host} answered with a web page and not with the file, as where one has to log in first"
                raise NotDownloaded(msg)
            file.write(part)
            report(file.tell(), whole)
    return whole


def _open(wanted: Download, have: int, *, first: bool) -> HTTPResponse:
    """The answer of the server, from the first byte that is missing.

    Raises:
        NotDownloaded: It refuses; or, the first time, it cannot be reached.
        OSError: It cannot be reached any more.
    """
    request = Request(wanted.url, headers={"User-Agent": "lineup"})  # noqa: S310 - addresses of the registry alone
    for name, value in wanted.headers.items():
        request.add_unredirected_header(name, value)
    if have:
        request.add_header("Range", f"bytes={have}-")
    found: Queue[HTTPResponse | Exception] = Queue()
    # the search for a server's name knows no time limit: it goes on beside us, and is left alone when ours is over
    Thread(target=_answer, args=(request, found), daemon=True).start()
    try:
        answer = found.get(timeout=FIRST_BYTE)
    except Empty:
        answer = TimeoutError()
    if isinstance(answer, HTTPError):
        with answer:
            raise NotDownloaded(_refusal(wanted, answer))
    if isinstance(answer, Exception):
        if first:
            raise NotDownloaded(_unreachable(wanted, answer)) from answer
        raise OSError from answer
    return answer


def _answer(request: Request, found: Queue[HTTPResponse | Exception]) -> None:
    try:
        found.put(urlopen(request, timeout=FIRST_BYTE))  # noqa: S310 - see `_open`
    except Exception as error:  # noqa: BLE001 - it is raised again by the thread that waits
        found.put(error)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _refusal(wanted: Download, error: HTTPError) -> str:
    """What a server said in place of the file."""
    said = HUB_ERRORS.get(error.headers.get("X-Error-Code", "")) or STATUSES.get(error.code, "refuses it")
    wait = error.headers.get("Retry-After", "")
    return f"{wanted.host} {said} (status {error.code}{f', after {wait} s' if wait.isdigit() else ''})"


def _unreachable(wanted: Download, error: Exception) -> str:
    """Why a server did not answer."""
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, TimeoutError):
        return f"{wanted.host} did not answer within {FIRST_BYTE:.0f} s"
    text = reason.strerror if isinstance(reason, OSError) and reason.strerror else str(reason)
    return f"{wanted.host} cannot be reached ({text})"
