"""An S3 server of moto that answers late, with errors, and with a part of an object, as drawn from a seed."""

import random
import time
from contextlib import contextmanager
from threading import Lock, Thread

DENSITY = {"500": 0.06, "503": 0.06, "cut": 0.04, "half": 0.04}  # of requests; the others are answered, late
ERROR = b'<?xml version="1.0"?><Error><Code>%s</Code><Message>injected</Message></Error>'
BUCKET = "bench"


class FaultyServer:
    """A WSGI application in front of another one.

    Attributes:
        faults: Share of requests by kind of fault; may be changed while it serves.
        latency: Seconds that an answer takes at most.
        counts: How often each fault was injected.
    """

    def __init__(self, app, seed, faults=DENSITY, latency=0.02):
        self._app, self._lock = app, Lock()
        self._draws = random.Random(seed)  # noqa: S311 - no secret
        self.faults, self.latency = dict(faults), latency
        self.counts = dict.fromkeys(DENSITY, 0)
        self.requests = 0

    def __call__(self, environ, start_response):
        with self._lock:
            draw, late = self._draws.random(), self._draws.random()
            self.requests += 1
        time.sleep(late * self.latency)
        kind = self._kind(draw)
        if kind in {"500", "503"}:
            self.counts[kind] += 1
            code = {"500": b"InternalError", "503": b"SlowDown"}[kind]
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response(f"{kind} {code.decode()}", [("Content-Type", "application/xml")])
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [ERROR % code]
        if kind and environ["REQUEST_METHOD"] == "GET":
            return self._part_of(environ, start_response, kind)
        return self._app(environ, start_response)

    def _kind(self, draw):
        for kind, share in self.faults.items():
            if draw < share:
                return kind
            draw -= share
        return ""

    def _part_of(self, environ, start_response, kind):
        """Half of the answer: "cut" breaks off before the length that was announced, "half" announces the half."""
        told = []

        def remember(status, headers, exc_info=None):
            told[:] = [status, headers]
            return lambda _: None

        body = b"".join(self._app(environ, remember))
        status, headers = told
        if status.startswith("20"):
            self.counts[kind] += 1
            whole, body = len(body), body[: len(body) // 2]
            headers = [
                (name, value) for name, value in headers if not name.lower().startswith(("content-len", "x-amz-c"))
            ]
            headers.append(("Content-Length", str(whole if kind == "cut" else len(body))))
        start_response(status, headers)
        return [body]


@contextmanager
def faulty_s3(seed, **options):
    """A server with an empty bucket; gives it and its address, while the context lasts."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Silent(WSGIRequestHandler):
        def log(self, *_):
            pass

    app = FaultyServer(DomainDispatcherApplication(create_backend_app), seed, **options)
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Silent)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield app, f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def access(address):
    """The environment in which tools of AWS ask that server."""
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    }
