"""A small double of an S3 store, enough for reading: listings in pages, heads, and gets of ranges."""

import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 5  # keys in one answer, so that listings need several
STAMP = "2024-01-01T00:00:00.000Z"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def _answer(self, status, body=b"", size=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if size is None else size))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def _error(self, status, code):
        self._answer(status, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def _find(self):
        address = urlsplit(self.path)
        bucket, _, key = unquote(address.path).lstrip("/").partition("/")
        self.server.requests.append((self.command, key, self.headers.get("Range")))
        return bucket, key, parse_qs(address.query)

    def do_HEAD(self):
        bucket, key, _ = self._find()
        data = self.server.buckets.get(bucket, {}).get(key)
        if data is None:
            self._answer(404)
        else:
            self._answer(200, size=len(data), Last_Modified="Mon, 01 Jan 2024 00:00:00 GMT", ETag=f'"{hash(data)}"')

    def do_GET(self):
        bucket, key, query = self._find()
        if bucket not in self.server.buckets:
            self._error(404, "NoSuchBucket")
        elif not key:
            self._list(self.server.buckets[bucket], query)
        elif key not in self.server.buckets[bucket]:
            self._error(404, "NoSuchKey")
        else:
            self._get(self.server.buckets[bucket][key])

    def _get(self, data):
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not part:
            self._answer(200, data, ETag=f'"{hash(data)}"')
            return
        start, stop = int(part[1]), min(int(part[2] or len(data)) + 1, len(data))
        self._answer(206, data[start:stop], Content_Range=f"bytes {start}-{stop - 1}/{len(data)}")

    def _list(self, objects, query):
        prefix = query.get("prefix", [""])[0]
        after = query.get("continuation-token", [""])[0]
        keys = [key for key in sorted(objects) if key.startswith(prefix) and key > after]
        shown = keys[:PAGE]
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>{STAMP}</LastModified><ETag>{hash(objects[key])}</ETag>"
            f"<Size>{len(objects[key])}</Size></Contents>"
            for key in shown
        )
        more = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if len(keys) > PAGE else ""
        cut = str(len(keys) > PAGE).lower()
        body = f"<ListBucketResult><IsTruncated>{cut}</IsTruncated>{more}<KeyCount>{len(shown)}</KeyCount>{contents}"
        self._answer(200, (body + "</ListBucketResult>").encode())


@contextmanager
def s3_store(buckets):
    """A store of these objects by bucket and key; its `server_port` and what it was `requests`."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.buckets, server.requests = buckets, []
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
