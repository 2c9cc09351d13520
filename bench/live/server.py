"""Serves the page of a run to browsers on this machine, and to nobody else."""

from __future__ import annotations

import errno
import json
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock

from bench.live.page import asset, page, parts, style, title
from bench.live.run_reader import RunReader
from bench.live.state import RunState
from bench.platform.errors import InputError

ADDRESS = "127.0.0.1"
USUAL_PORT = ":80"
HOSTS = ("localhost", ADDRESS, "[::1]")
SECONDS_KEPT = 0.5  # a state, at least, for several who ask at once
SHARE_OF_TIME = 0.1  # that reading and drawing take, at most: the run needs the machine
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src data:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
ServedContent = tuple[str, bytes]  # its type, and itself


class LiveServer(ThreadingHTTPServer):
    """Answers requests for the page of one run, on this machine alone."""

    daemon_threads = True

    def __init__(self, folder: Path, port: int) -> None:
        """Listen, at any free port for 0.

        Raises:
            InputError: The port cannot be had.
        """
        self._reader, self._lock = RunReader(folder), Lock()
        self._state, self._next_read = RunState("waiting", str(folder)), float("-inf")
        try:
            super().__init__((ADDRESS, port), _Handler)
        except OSError as error:
            reason = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be had ({error.strerror})"
            msg = f"port {port} {reason}; give another one with --port, or 0 for any that is free"
            raise InputError(msg) from error

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{ADDRESS}:{self.server_port}/"

    def state(self) -> RunState:
        """The state of the run now."""
        with self._lock:
            begun = time.monotonic()
            if begun > self._next_read:
                self._state = self._reader.read()
                parts(self._state)  # what takes long to draw is kept there, for all who ask
                ended = time.monotonic()
                self._next_read = ended + max(SECONDS_KEPT, (ended - begun) / SHARE_OF_TIME)
            return self._state

    def contents(self) -> dict[str, Callable[[], ServedContent]]:
        """What is served, by path: nothing else is, and no path names a file."""
        return {
            "/": lambda: ("text/html", page(self.state()).encode("utf-8", "backslashreplace")),
            "/state.json": lambda: ("application/json", _state_json(self.state())),
            "/page.css": lambda: ("text/css", style().encode()),
            "/page.js": lambda: ("text/javascript", asset("page.js").encode()),
        }

    def is_own_host(self, host: str) -> bool:
        """Whether a Host header names this server: a page of another name that leads here is not to read it."""
        port = f":{self.server_port}"
        names = {f"{name}{port}" for name in HOSTS}
        return host.lower() in (names | set(HOSTS) if port == USUAL_PORT else names)  # browsers leave that one out


class _Handler(BaseHTTPRequestHandler):
    server: LiveServer
    server_version, sys_version = "Lineup", ""
    timeout = 30  # seconds, for who connects and asks nothing

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def _answer(self, *, with_body: bool) -> None:
        if not self.server.is_own_host(self.headers.get("Host", "")):
            self._send(HTTPStatus.FORBIDDEN, ("text/plain", b"ask for localhost\n"), with_body=with_body)
            return
        content = self.server.contents().get(self.path.partition("?")[0])
        if content is None:
            self._send(HTTPStatus.NOT_FOUND, ("text/plain", b"there is one page: /\n"), with_body=with_body)
            return
        self._send(HTTPStatus.OK, content(), with_body=with_body)

    def _refuse(self) -> None:
        self.close_connection = True  # what a request brings is not read
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, ("text/plain", b"only GET and HEAD\n"), with_body=True)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_TRACE = do_CONNECT = _refuse  # noqa: N815

    def _send(self, status: HTTPStatus, content: ServedContent, *, with_body: bool) -> None:
        kind, body = content
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            self.send_header("Allow", "GET, HEAD")
        for name, value in HEADERS.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            try:
                self.wfile.write(body)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True  # the browser has gone

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server calls it
        """Print nothing of requests."""


def _state_json(state: RunState) -> bytes:
    """The state, and the parts of the page that follow from it."""
    whole = {"state": json.loads(state.to_json()), "title": title(state), "parts": parts(state)}
    return json.dumps(whole, ensure_ascii=False).encode("utf-8", "backslashreplace")
