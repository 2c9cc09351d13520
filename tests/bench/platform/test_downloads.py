"""Files from servers that drop, lie, stall, refuse and answer with a page: whole, or one sentence and nothing kept."""

import hashlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from bench.platform import downloads
from bench.platform.downloads import Download, NotDownloaded, fetch

CONTENT = bytes(range(256)) * 2000
DIGEST = hashlib.sha256(CONTENT).hexdigest()
HALF = len(CONTENT) // 2


class Handler(BaseHTTPRequestHandler):
    """Answers as the path asks; `server.asked` has the path and the range of every request."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Range"), self.headers.get("Authorization")))
        getattr(self, "serve_" + self.path.strip("/").partition("/")[0])()

    def send(self, data, status=200, length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(len(data) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(data)

    def start(self):
        text = self.headers.get("Range")
        return int(text.removeprefix("bytes=").removesuffix("-")) if text else 0

    def serve_whole(self):
        rest = CONTENT[self.start() :]
        self.send(rest, 206 if self.start() else 200)

    def serve_drops(self):
        """Half of what is missing each time, then it hangs up."""
        rest = CONTENT[self.start() :]
        part = rest if len(rest) < 40_000 else rest[: len(rest) // 2]
        self.send(part, 206 if self.start() else 200, length=len(rest))

    def serve_forgets(self):
        """Knows no ranges: the first time half, then all."""
        first = len(self.server.asked) == 1
        self.send(CONTENT[:HALF] if first else CONTENT, length=len(CONTENT))

    def serve_stalls(self):
        """The same half each time, then silence."""
        if not self.start():
            self.send(CONTENT[:HALF], length=len(CONTENT))
            self.wfile.flush()
        self.server.released.wait(5)

    def serve_lies(self):
        self.send(b"another file")

    def serve_page(self):
        self.send(b"\n <!DOCTYPE html><html>Sign in</html>")

    def serve_silent(self):
        self.server.released.wait(5)

    def serve_status(self):
        self.send(b"", int(self.path.rpartition("/")[2]), Retry_After="7")

    def serve_hub(self):
        code = self.path.rpartition("/")[2]
        self.send(b"", 403 if code == "GatedRepo" else 404, X_Error_Code=code)

    def serve_moved(self):
        self.send(b"", 302, Location="/whole")

    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    served = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.daemon_threads = True
    served.asked, served.released = [], threading.Event()
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield served
    served.released.set()
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """The same waits, shorter."""
    monkeypatch.setattr(downloads, "FIRST_BYTE", 0.4)
    monkeypatch.setattr(downloads, "STOPPED", 0.8)
    monkeypatch.setattr(downloads, "PAUSE", 0.05)


def wanted(server, path, sha256=DIGEST, **headers):
    return Download(f"http://127.0.0.1:{server.server_port}/{path}", sha256, headers)


def refusal(download, path):
    start = time.monotonic()
    with pytest.raises(NotDownloaded) as raised:
        fetch(download, path, lambda *_: None)
    assert time.monotonic() - start < 4
    assert not path.exists()
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("path", ["whole", "drops", "forgets", "moved"])
@pytest.mark.parametrize("digest", [DIGEST, ""])
def test_a_file_is_whole_whatever_the_server_does(server, tmp_path, path, digest):
    seen = []
    target = tmp_path / "deep" / "net.pth"
    found = fetch(wanted(server, path, digest), target, lambda done, total: seen.append((done, total)))
    assert found == DIGEST
    assert target.read_bytes() == CONTENT
    assert [item.name for item in target.parent.iterdir()] == ["net.pth"]
    assert seen[-1] == (len(CONTENT), len(CONTENT))


def test_what_was_dropped_is_not_asked_for_again(server, tmp_path):
    fetch(wanted(server, "drops"), tmp_path / "net.pth", lambda *_: None)
    starts = [int(text.removeprefix("bytes=").removesuffix("-")) for _, text, _ in server.asked[1:]]
    assert starts[0] == HALF
    assert starts == sorted(set(starts))


def test_a_transfer_that_stops_is_given_up_and_gone_on_with_later(server, tmp_path):
    path = tmp_path / "net.pth"
    said = refusal(wanted(server, "stalls"), path)
    assert f"stopped after {HALF} bytes" in said
    server.asked.clear()
    fetch(wanted(server, "whole"), path, lambda *_: None)
    assert [text for _, text, _ in server.asked] == [f"bytes={HALF}-"]
    assert path.read_bytes() == CONTENT


def test_without_a_digest_nothing_of_an_earlier_try_is_used(server, tmp_path):
    (tmp_path / ".net.pth.partial").write_bytes(b"of another file")
    fetch(wanted(server, "whole", ""), tmp_path / "net.pth", lambda *_: None)
    assert (tmp_path / "net.pth").read_bytes() == CONTENT


def test_another_file_than_the_digest_says_is_thrown_away(server, tmp_path):
    said = refusal(wanted(server, "lies"), tmp_path / "net.pth")
    assert hashlib.sha256(b"another file").hexdigest() in said
    assert DIGEST in said
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("page", "answered with a web page and not with the file"),
        ("silent", "did not answer within"),
        ("status/429", "too many requests and asks to wait (status 429, after 7 s)"),
        ("status/503", "out of service for now (status 503"),
        ("status/404", "has no such file (status 404"),
        ("status/418", "refuses it (status 418"),
        ("hub/GatedRepo", "accepted its licence"),
        ("hub/RepoNotFound", "has no such repository"),
        ("hub/EntryNotFound", "has no such file in the repository"),
    ],
)
def test_every_refusal_is_a_sentence_of_its_own(server, tmp_path, path, said):
    assert said in refusal(wanted(server, path), tmp_path / "net.pth")
    assert len(server.asked) == 1


def test_a_server_that_is_not_there_is_a_sentence(tmp_path, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = refusal(Download(f"http://127.0.0.1:{port}/net.pth"), tmp_path / "net.pth")
    assert "cannot be reached (Connection refused)" in said

    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    said = refusal(Download("http://weights.invalid/net.pth"), tmp_path / "net.pth")
    assert "weights.invalid cannot be reached (Name or service not known)" in said


def test_a_search_for_a_name_that_takes_for_ever_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(30))
    assert "did not answer within" in refusal(Download("http://weights.invalid/net.pth"), tmp_path / "net.pth")


def test_a_secret_goes_to_the_first_server_alone(server, tmp_path):
    fetch(wanted(server, "moved", Authorization="Bearer secret"), tmp_path / "net.pth", lambda *_: None)
    assert [(path, secret) for path, _, secret in server.asked] == [("/moved", "Bearer secret"), ("/whole", None)]
