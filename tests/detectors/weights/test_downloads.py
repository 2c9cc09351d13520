"""Files from servers that drop, lie, stall, refuse and answer with a page: whole, or one sentence and nothing kept."""

import hashlib
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from detectors.weights import downloads
from detectors.weights.downloads import Download, NotDownloaded, NotWritable, fetch

CONTENT = b"\x80\x02" + bytes(range(256)) * 2000  # begins as a file of torch.save does
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
        if self.start() >= len(CONTENT):
            self.send(b"", 416)
            return
        rest = CONTENT[self.start() :]
        self.send(rest, 206 if self.start() else 200)

    def serve_other_part(self):
        self.send(CONTENT, 206 if self.start() else 200, Content_Range=f"bytes 0-{len(CONTENT)}/{len(CONTENT)}")

    def serve_lengthless(self):
        self.send(CONTENT, length="many")
        self.close_connection = True

    def serve_text(self):
        self.send(self.server.text)

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
    monkeypatch.setattr(downloads, "FIRST_BYTE", 0.8)
    monkeypatch.setattr(downloads, "STOPPED", 0.8)
    monkeypatch.setattr(downloads, "PAUSE", 0.05)
    monkeypatch.setattr(downloads, "_unreachable", {})


def wanted(server, path, sha256=DIGEST, **headers):
    return Download(f"http://127.0.0.1:{server.server_port}/{path}", sha256, headers=headers)


def refusal(download, path):
    start = time.monotonic()
    with pytest.raises(NotDownloaded) as raised:
        fetch(download, path, lambda *_: None)
    assert time.monotonic() - start < 4
    assert not path.exists()
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("path", ["whole", "drops", "forgets", "moved", "lengthless"])
@pytest.mark.parametrize("digest", [DIGEST, ""])
def test_a_file_is_whole_whatever_the_server_does(server, tmp_path, path, digest):
    seen = []
    target = tmp_path / "deep" / "net.pth"
    found = fetch(wanted(server, path, digest), target, lambda done, total: seen.append((done, total)))
    assert found == DIGEST
    assert target.read_bytes() == CONTENT
    assert [item.name for item in target.parent.iterdir()] == ["net.pth"]
    assert seen[-1] == (len(CONTENT), 0 if path == "lengthless" else len(CONTENT))


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


def test_giving_up_counts_from_the_last_byte(server, tmp_path):
    start = time.monotonic()
    refusal(wanted(server, "stalls"), tmp_path / "net.pth")
    assert time.monotonic() - start < downloads.STOPPED + 0.3


@pytest.mark.parametrize(
    ("kept", "asked"),
    [
        (CONTENT, []),
        (CONTENT + b"more", [f"bytes={len(CONTENT) + 4}-", None]),
        (b"of another file", ["bytes=15-", None]),
        (CONTENT[::-1], [f"bytes={len(CONTENT)}-", None]),
    ],
    ids=["whole", "too long", "of another source", "as long and another"],
)
def test_what_is_kept_of_an_earlier_try_never_blocks_the_next(server, tmp_path, kept, asked):
    (tmp_path / ".net.pth.partial").write_bytes(kept)
    assert fetch(wanted(server, "whole"), tmp_path / "net.pth", lambda *_: None) == DIGEST
    assert (tmp_path / "net.pth").read_bytes() == CONTENT
    assert [text for _, text, _ in server.asked] == asked
    assert [item.name for item in tmp_path.iterdir()] == ["net.pth"]


def test_a_part_that_was_not_asked_for_is_refused(server, tmp_path):
    (tmp_path / ".net.pth.partial").write_bytes(CONTENT[:100])
    assert "not what was asked for (status 206)" in refusal(wanted(server, "other_part"), tmp_path / "net.pth")


def test_a_page_in_place_of_the_rest_leaves_what_there_is(server, tmp_path):
    (tmp_path / ".net.pth.partial").write_bytes(CONTENT[:100])
    assert "web page" in refusal(wanted(server, "page"), tmp_path / "net.pth")
    assert (tmp_path / ".net.pth.partial").read_bytes() == CONTENT[:100]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "gave an empty file"),
        (b'{"data":{"error": "quota"}}', "gave a JSON document"),
        (b"<?xml version='1.0'?><Error/>", "gave an XML document"),
        (b"version https://git-lfs.github.com/spec/v1\n", "gave a Git LFS pointer"),
        (b"\xef\xbb\xbf<!DOCTYPE html><html>", "answered with a web page and not with the file"),
        (b"<!-- sign in --><html>", "answered with a web page and not with the file"),
        (b"Not here", "gave neither a .safetensors file nor one of torch.save"),
    ],
)
@pytest.mark.parametrize("digest", [DIGEST, ""])
def test_an_answer_that_is_no_file_of_weights_is_named(server, tmp_path, text, said, digest):
    server.text = text
    assert said in refusal(wanted(server, "text", digest), tmp_path / "net.pth")
    assert not list(tmp_path.iterdir())


def test_without_a_digest_the_size_is_compared(server, tmp_path):
    asked = Download(wanted(server, "whole").url, size=len(CONTENT) + 1)
    said = refusal(asked, tmp_path / "net.pth")
    assert f"gave a file of {len(CONTENT)} bytes, and not one of {len(CONTENT) + 1}: it was thrown away" in said
    assert not list(tmp_path.iterdir())
    fetch(Download(asked.url, size=len(CONTENT)), tmp_path / "net.pth", lambda *_: None)


def test_a_fault_of_this_machine_is_not_blamed_on_the_server(server, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "net.pth"
    with pytest.raises(NotWritable, match=r"file/net\.pth cannot be written \((Not a directory|File exists)\)"):
        fetch(wanted(server, "whole"), path, lambda *_: None)
    assert not server.asked

    class Full(downloads.FileIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(downloads, "FileIO", Full)
    start = time.monotonic()
    with pytest.raises(NotWritable, match=r"/net\.pth cannot be written \(No space left on device\)"):
        fetch(wanted(server, "whole"), tmp_path / "net.pth", lambda *_: None)
    assert time.monotonic() - start < downloads.STOPPED
    assert len(server.asked) == 1


def test_two_that_get_one_file_do_not_spoil_it(server, tmp_path):
    path = tmp_path / "net.pth"
    with downloads._partial_file(path) as (_, file):
        file.write(CONTENT[:100])
        assert f"another process is getting {path}" in refusal(wanted(server, "whole"), path)
        assert not server.asked
    assert fetch(wanted(server, "whole"), path, lambda *_: None) == DIGEST
    assert [text for _, text, _ in server.asked] == ["bytes=100-"]


def test_a_server_that_does_not_answer_is_not_waited_for_again(server, tmp_path):
    said = [refusal(wanted(server, "silent"), tmp_path / "net.pth")]
    start = time.monotonic()
    said.append(refusal(wanted(server, "whole"), tmp_path / "other.pth"))
    assert time.monotonic() - start < downloads.FIRST_BYTE
    assert said[0] == said[1]
    assert len(server.asked) == 1


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
        ("status/204", "answered without the file (status 204)"),
        ("status/416", "refuses it (status 416"),
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
