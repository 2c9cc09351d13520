"""The server over real HTTP: what it shows, and whom and what it refuses."""

import json
import socket
from http.client import HTTPConnection
from threading import Thread
from types import SimpleNamespace

import pytest

from bench.live.server import LiveServer
from bench.platform.errors import InputError
from bench.records.manifest import DetectorRecord
from tests.support.live_runs import begun_run, record_cells
from tests.support.result_folders import store_run
from tests.support.synthetic_runs import make_run, with_data, with_manifest

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def serve():
    """Serve a folder at a free port."""
    servers = []

    def start(folder):
        server = LiveServer(folder, 0)
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(server, path="/", method="GET", **headers):
    connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.request(method, path, headers={"Host": f"127.0.0.1:{server.server_port}", **headers})
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


@pytest.fixture
def finished(tmp_path):
    return store_run(make_run(detectors=("alpha",)), tmp_path / "run")


def test_the_page_and_its_state_are_served(serve, finished):
    server = serve(finished)
    answer, page = ask(server)
    assert answer.status == 200
    assert b"Made up: train (rows), test (columns)" in page
    assert b"16 of 16 cells" in page
    answer, body = ask(server, "/state.json")
    found = json.loads(body)
    assert found["state"]["counts"]["scored"] == 16
    assert found["parts"]["first"].encode() in page
    for path, kind in (("/page.css", "text/css"), ("/page.js", "text/javascript"), ("/?a=b", "text/html")):
        answer, _ = ask(server, path)
        assert (answer.status, answer.getheader("Content-Type")) == (200, f"{kind}; charset=utf-8")


def test_the_page_follows_the_run(serve, tmp_path):
    run = make_run(detectors=("alpha",))
    server = serve(tmp_path)
    assert b"waiting for one to be planned" in ask(server)[1]
    store = begun_run(run, tmp_path)
    server._next_read = float("-inf")
    assert b"0 of 16 cells" in ask(server)[1]
    record_cells(run, store, list(run.cells["key"][:5]))
    server._next_read = float("-inf")
    assert b"5 of 16 cells" in ask(server)[1]


def test_texts_of_others_are_escaped(serve, tmp_path):
    run = make_run(detectors=(SCRIPT,))
    run = with_data(run, title=SCRIPT)
    run = with_manifest(run, detectors={SCRIPT: DetectorRecord(SCRIPT, 1, "", {})}, setting="small")
    cells = run.cells.assign(train=SCRIPT, test=run.cells["test"] + "<img src=x onerror=alert(1)>")
    begun_run(run.__class__(run.manifest, cells, run.score_table, run.throughput), tmp_path, notices=(SCRIPT, '"><b>'))
    server = serve(tmp_path)
    page = ask(server)[1].decode()
    assert "&lt;script&gt;alert(1)" in page
    for text in (page, *json.loads(ask(server, "/state.json")[1])["parts"].values()):
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "<b>\n" not in text
    assert page.count("<script") == 1  # its own
    assert ask(server)[0].getheader("Content-Security-Policy").startswith("default-src 'none'")


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LocalHost"])
def test_this_machine_may_ask_by_each_of_its_names(serve, finished, name):
    server = serve(finished)
    assert ask(server, Host=f"{name}:{server.server_port}")[0].status == 200


@pytest.mark.parametrize("path", ["/", "/state.json"])
@pytest.mark.parametrize("name", ["evil.example:{}", "127.0.0.1:1", "localhost", "127.0.0.1.evil.example:{}", ""])
def test_pages_of_other_names_read_nothing(serve, finished, name, path):
    server = serve(finished)
    answer, body = ask(server, path, Host=name.format(server.server_port))
    assert answer.status == 403
    assert b"alpha" not in body


def test_the_usual_port_may_be_left_out():
    usual, other = SimpleNamespace(server_port=80), SimpleNamespace(server_port=8000)
    for host in ("localhost", "localhost:80", "127.0.0.1", "[::1]"):
        assert LiveServer.is_own_host(usual, host)
    assert not LiveServer.is_own_host(usual, "evil.example")
    assert not LiveServer.is_own_host(other, "localhost")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_nothing_can_be_changed(serve, finished, method):
    server = serve(finished)
    answer, _ = ask(server, method=method)
    assert (answer.status, answer.getheader("Allow")) == (405, "GET, HEAD")


def test_a_head_has_no_body(serve, finished):
    server = serve(finished)
    answer, body = ask(server, method="HEAD")
    assert (answer.status, body) == (200, b"")
    assert int(answer.getheader("Content-Length")) > 1000


@pytest.mark.parametrize(
    "path",
    [
        "/../manifest.json",
        "/manifest.json",
        "/%2e%2e/manifest.json",
        "//etc/passwd",
        "/page.css/../page.py",
        "/page.py",
    ],
)
def test_no_path_reaches_a_file(serve, finished, path):
    answer, body = ask(serve(finished), path)
    assert answer.status == 404
    assert b"schema" not in body


def test_it_listens_on_this_machine_alone(serve, finished):
    assert serve(finished).server_address[0] == "127.0.0.1"


def test_a_port_in_use_is_one_line(finished):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} is in use; give another one with --port"):
            LiveServer(finished, port)
