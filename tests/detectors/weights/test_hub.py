"""The hub is asked once, and whatever it answers is one sentence."""

import hashlib
import json
import socket
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import huggingface_hub
import pytest

from detectors.api import Unavailable
from detectors.weight_file import hashed_file
from detectors.weights import downloads, hub
from detectors.weights.hub import hub_file

CONTENT = b"\x80\x02 as a file of torch.save begins"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
LARGE = {"rfilename": "b.bin", "lfs": {"sha256": DIGEST, "size": len(CONTENT), "pointerSize": 1}, "blobId": "0" * 40}
FILES = {"siblings": [LARGE, {"rfilename": "README.md"}], "id": "owner/name"}


class Handler(BaseHTTPRequestHandler):
    """The hub: `server.status` and `server.code` of its answer about a repository, and how it gives the file."""

    def do_HEAD(self):
        self.send(200, b"")

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.path.startswith("/api/"):
            self.server.wait.wait(self.server.delay)
            body = json.dumps(FILES if self.server.status == 200 else {"error": "no"}).encode()
            self.send(self.server.status, body)
        elif self.server.gives == "nothing":
            self.server.wait.wait(20)
        elif self.server.gives == "half":
            self.send(200, CONTENT[:10])
            self.wfile.flush()
            self.server.wait.wait(20)
        else:
            self.send(200, CONTENT if self.server.gives == "all" else b"<html>")

    def send(self, status, body):
        api = self.path.startswith("/api/")
        self.send_response(status)
        if self.server.code:
            self.send_header("X-Error-Code", self.server.code)
        if not api:
            self.send_header("X-Repo-Commit", "c" * 40)
            self.send_header("ETag", f'"{DIGEST}"')
        self.send_header("Content-Type", "application/json" if api else "application/octet-stream")
        self.send_header("Content-Length", str(len(body) if api else len(CONTENT)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def served(monkeypatch, hub_cache, tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.asked, server.status, server.code, server.delay, server.wait = [], 200, "", 0, threading.Event()
    server.gives = "all"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    server.address = f"http://127.0.0.1:{server.server_port}"
    api = partial(huggingface_hub.hf_api.HfApi, endpoint=server.address, token=False)
    monkeypatch.setattr(huggingface_hub, "HfApi", api)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(downloads, "_unreachable", {})
    yield server
    server.wait.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def hub_cache(monkeypatch):
    """What the hub's cache holds, by file name."""
    held = {}
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda repository, name: held.get(name))
    return held


@pytest.fixture
def saved(tmp_path):
    (tmp_path / "net.bin").write_bytes(b"weights")
    return tmp_path / "net.bin"


def refusal(server, *names):
    names = names or ("a.safetensors", "c.bin")
    start = time.monotonic()
    with pytest.raises(Unavailable) as raised:
        hub_file("owner/name", *names)
    assert time.monotonic() - start < 3
    message = str(raised.value)
    assert message.startswith(f"could not get {' or '.join(names)} of hub repository owner/name (")
    assert f"{server.address}/owner/name" in message
    assert "\n" not in message
    return message


def says_how_to_do_without(message, folder):
    return "ask again later, or run `hf download owner/name" in message and message.endswith(
        f"and copy the folder models--owner--name from its cache into {folder}"
    )


def test_the_cache_of_the_hub_needs_no_network(hub_cache, saved, served):
    hub_cache["b.bin"] = str(saved)
    assert hub_file("owner/name", "a.safetensors", "b.bin") == hashed_file(saved)
    assert not served.asked


def test_one_question_finds_the_first_file_that_there_is_and_the_client_finds_it_in_its_cache(
    served, tmp_path, monkeypatch
):
    found = hub_file("owner/name", "a.safetensors", "b.bin")
    assert found.sha256 == DIGEST
    assert found.path.read_bytes() == CONTENT
    asked = [path.partition("?")[0] for path in served.asked]
    assert asked == ["/api/models/owner/name", "/owner/name/resolve/main/b.bin"]
    monkeypatch.undo()
    cached = huggingface_hub.try_to_load_from_cache("owner/name", "b.bin", cache_dir=tmp_path / "hub")
    assert cached == str(found.path)


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (200, "", "the repository has no such file): see"),
        (401, "RepoNotFound", "there is no such repository, or it is private): see"),
        (404, "RepoNotFound", "there is no such repository, or it is private): see"),
        (403, "GatedRepo", "it is for those alone who accepted its licence): accept it on"),
        (429, "", "the hub has had too many requests and asks to wait (status 429)): ask again later"),
        (503, "", "the hub is out of service for now (status 503)): ask again later"),
    ],
)
def test_every_refusal_is_a_sentence_of_its_own(served, status, code, said):
    served.status, served.code = status, code
    assert said in refusal(served)
    assert len(served.asked) == 1


def test_a_silent_hub_is_given_up_and_not_waited_for_again(served, monkeypatch, tmp_path):
    monkeypatch.setattr(hub, "TIMEOUT", 0.3)
    served.delay = 20
    said = refusal(served)
    assert "did not answer within" in said
    assert says_how_to_do_without(said, tmp_path / "hub")
    asked, start = len(served.asked), time.monotonic()
    assert refusal(served) == said
    assert time.monotonic() - start < 0.2
    assert len(served.asked) == asked


@pytest.mark.parametrize(
    ("gives", "said"), [("nothing", "did not answer within"), ("half", "stopped after 10 bytes"), ("page", "web page")]
)
def test_a_server_of_files_that_is_silent_or_stops_or_lies_is_given_up(served, monkeypatch, tmp_path, gives, said):
    for name, seconds in (("FIRST_BYTE", 0.3), ("STOPPED", 0.6), ("PAUSE", 0.05)):
        monkeypatch.setattr(downloads, name, seconds)
    served.gives = gives
    found = refusal(served, "b.bin")
    assert said in found
    assert says_how_to_do_without(found, tmp_path / "hub")


def test_a_search_for_the_hubs_name_is_not_waited_for(served, monkeypatch):
    monkeypatch.setattr(hub, "TIMEOUT", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(10))
    assert "did not answer within" in refusal(served)


def test_a_hub_that_is_not_there_is_a_sentence(served, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "the hub cannot be reached" in refusal(served)


def test_what_fails_on_the_way_is_a_sentence(served, monkeypatch, tmp_path):
    def fails(*_, **__):
        raise OSError("connection reset")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fails)
    assert "(the hub cannot be reached (connection reset)): ask again later" in refusal(served, "b.bin")


def test_a_cache_that_cannot_be_written_is_not_blamed_on_the_hub(served, tmp_path):
    (tmp_path / "hub").write_text("")
    with pytest.raises(Unavailable, match=r"cannot be written \(.*\)\): free some space, or set HF_HOME"):
        hub_file("owner/name", "b.bin")
