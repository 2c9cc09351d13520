"""The hub is asked once, and whatever it answers is one sentence."""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import huggingface_hub
import pytest

from detectors.api import Unavailable
from detectors.weight_file import hashed_file
from detectors.weights import hub
from detectors.weights.hub import hub_file

FILES = {"siblings": [{"rfilename": "b.bin"}, {"rfilename": "README.md"}], "id": "owner/name"}


class Handler(BaseHTTPRequestHandler):
    """The hub's answer about a repository: `server.status`, `server.code`, and its files."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.wait.wait(self.server.delay)
        body = json.dumps(FILES if self.server.status == 200 else {"error": "no"}).encode()
        self.send_response(self.server.status)
        if self.server.code:
            self.send_header("X-Error-Code", self.server.code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture
def served(monkeypatch, hub_cache):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.asked, server.status, server.code, server.delay, server.wait = [], 200, "", 0, threading.Event()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda: huggingface_hub.hf_api.HfApi(endpoint=address, token=False))
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


def refusal():
    with pytest.raises(Unavailable) as raised:
        hub_file("owner/name", "a.safetensors", "c.bin")
    message = str(raised.value)
    assert message.startswith("could not get a.safetensors or c.bin of hub repository owner/name (")
    assert "give its path" in message
    assert "\n" not in message
    return message


def test_the_cache_of_the_hub_needs_no_network(hub_cache, saved, served):
    hub_cache["b.bin"] = str(saved)
    assert hub_file("owner/name", "a.safetensors", "b.bin") == hashed_file(saved)
    assert not served.asked


def test_one_question_finds_the_first_file_that_there_is(monkeypatch, saved, served):
    asked = []
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *names: asked.append(names) or str(saved))
    assert hub_file("owner/name", "a.safetensors", "b.bin") == hashed_file(saved)
    assert asked == [("owner/name", "b.bin")]
    assert served.asked == ["/api/models/owner/name"]


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (200, "", "the repository has no such file"),
        (401, "RepoNotFound", "there is no such repository, or it is private"),
        (404, "RepoNotFound", "there is no such repository, or it is private"),
        (403, "GatedRepo", "its licence has to be accepted"),
        (429, "", "asks to wait, after too many requests (status 429)"),
        (503, "", "the hub is out of order (status 503)"),
    ],
)
def test_every_refusal_is_a_sentence_of_its_own(served, status, code, said):
    served.status, served.code = status, code
    assert said in refusal()
    assert len(served.asked) == 1


def test_a_silent_hub_is_given_up(served, monkeypatch):
    monkeypatch.setattr(hub, "TIMEOUT", 0.3)
    served.delay = 20
    start = time.monotonic()
    assert "did not answer within" in refusal()
    assert time.monotonic() - start < 3


def test_a_search_for_the_hubs_name_is_not_waited_for(served, monkeypatch):
    monkeypatch.setattr(hub, "TIMEOUT", 0.3)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(10))
    assert "did not answer within" in refusal()


def test_a_hub_that_is_not_there_is_a_sentence(served, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "the hub cannot be reached" in refusal()


def test_what_fails_on_the_way_is_a_sentence(served, monkeypatch):
    def fails(*_):
        raise OSError("connection reset")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fails)
    with pytest.raises(Unavailable, match=r"\(the hub cannot be reached \(connection reset\)\)"):
        hub_file("owner/name", "b.bin")
