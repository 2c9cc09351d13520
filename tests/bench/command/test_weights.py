"""`lineup weights`: what the registry lists, and what is downloaded from a server."""

import socket
import time
from functools import partial
from hashlib import sha256
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from detectors.weights import downloads, hub, released
from detectors.weights.released import Checkpoint
from tests.support.command_line import call, one_line

CONTENT = b"\x80\x02 weights of a network"  # begins as a file of torch.save does


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def address(tmp_path):
    """A server of one file, net.pth."""
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "net.pth").write_bytes(CONTENT)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "served"))
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def entry(name, url, digest=None, **more):
    return Checkpoint(
        detector="cnnspot",
        name=name,
        file="net.pth",
        page="https://example.org/code",
        licence="MIT",
        layout="state dict",
        training="ProGAN",
        url=url,
        sha256=sha256(CONTENT).hexdigest() if digest is None else digest,
        **more,
    )


@pytest.fixture(autouse=True)
def _nothing_cached(monkeypatch, tmp_path):
    """What the download folders of this machine hold is not seen, and no server is known to be silent."""
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda *_: None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(downloads, "_unreachable", {})


@pytest.fixture
def registry(monkeypatch):
    def use(*entries):
        monkeypatch.setattr(released, "released_checkpoints", lambda: entries)

    return use


def row(done, title):
    return next(line for line in done.stdout.splitlines() if line.strip().startswith(title)).split()


def test_the_list_says_what_is_there_and_what_is_missing(registry, tmp_path):
    nowhere = "https://example.org/net.pth"
    registry(entry("here", nowhere, bytes=len(CONTENT)), entry("away", nowhere, "0" * 64, bytes=3 << 20))
    (tmp_path / "of_another_name.bin").write_bytes(CONTENT)
    done = call({"COLUMNS": "300"}, "weights", "list", "--weights-dir", tmp_path)
    assert done.returncode == 0
    assert row(done, "cnnspot@here") == ["cnnspot@here", "0.0", "KiB", str(tmp_path / "of_another_name.bin"), nowhere]
    assert row(done, "cnnspot@away") == ["cnnspot@away", "3.0", "MiB", "MISSING", nowhere]
    assert "2 checkpoints, 1 missing; 3.0 MiB in the 2 of known size" in done.stdout
    start = row(done, "timm/legacy_xception.tf_in1k")
    assert start[1:] == ["MISSING", "f3net,", "f3net_genimage"]


def test_what_paper_settings_start_from_is_got_by_its_name(lineup, monkeypatch, tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(CONTENT)
    held = {}
    monkeypatch.setattr("huggingface_hub.try_to_load_from_cache", lambda repository, name: held.get(repository))
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", refuse)
    get = ("weights", "get", "timm/legacy_xception.tf_in1k")
    done = lineup(*get)
    assert done.returncode == 1
    assert "of hub repository timm/legacy_xception.tf_in1k (the hub cannot be reached (no network))" in done.stderr
    held["timm/legacy_xception.tf_in1k"] = str(path)
    assert lineup(*get).stdout.strip() == f"{get[-1]}: {path}, sha256 {sha256(CONTENT).hexdigest()}"


def refuse(*_, **__):
    raise OSError("no network")


def test_what_is_got_is_checked_kept_and_not_got_again(lineup, registry, address, tmp_path):
    registry(entry("known", f"{address}/net.pth"))
    get = ("weights", "get", "cnnspot@known", "--weights-dir", tmp_path / "weights")
    done = lineup(*get)
    assert done.returncode == 0, done.stderr
    path = tmp_path / "weights" / "cnnspot" / "known" / "net.pth"
    assert path.read_bytes() == CONTENT
    assert f"{path}, sha256 {sha256(CONTENT).hexdigest()}, as the registry has it" in done.stdout
    assert "licence: MIT; trained on: ProGAN" in done.stdout
    assert f"cnnspot@known net.pth: {len(CONTENT)} bytes done" in done.stderr
    registry(entry("known", "http://127.0.0.1:9/net.pth", bytes=len(CONTENT)))
    assert "cnnspot@known is there" in lineup(*get).stdout


def test_the_files_that_go_with_it_are_got_too(lineup, registry, address, tmp_path, monkeypatch):
    monkeypatch.setattr(hub, "hub_address", lambda repository, name: f"{address}/{repository}/{name}")
    served = tmp_path / "served" / "owner" / "name" / "in"
    served.mkdir(parents=True)
    for name in ("net.pth", "mean"):
        (served / name).write_bytes(CONTENT)
    registry(entry("several", "", "", hub="owner/name/in/net.pth", companions=("mean", "var")))
    get, folder = ("weights", "get", "cnnspot@several", "--weights-dir", tmp_path), tmp_path / "cnnspot" / "several"
    done = lineup(*get)
    assert done.returncode == 1
    assert "has no such file (status 404): put net.pth and mean and var from" in done.stderr.replace("))", ")")
    (served / "var").write_bytes(CONTENT)
    (served / "mean").unlink()
    (served / "net.pth").unlink()
    assert lineup(*get).returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == ["mean", "net.pth", "var"]


def test_a_server_that_does_not_answer_is_waited_for_once(lineup, registry, tmp_path, monkeypatch):
    monkeypatch.setattr(downloads, "FIRST_BYTE", 0.5)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(5))
    registry(*(entry(name, "http://weights.invalid/net.pth") for name in "abcdef"))
    start = time.monotonic()
    done = lineup("weights", "get", *(f"cnnspot@{name}" for name in "abcdef"), "--weights-dir", tmp_path)
    assert time.monotonic() - start < 2
    assert done.stderr.count("weights.invalid did not answer within") == 6


def test_a_folder_that_cannot_be_written_is_said_and_no_source_blamed(lineup, registry, address, tmp_path):
    registry(entry("known", f"{address}/net.pth", hub="owner/name/net.pth"))
    (tmp_path / "file").write_text("")
    done = lineup("weights", "get", "cnnspot@known", "--weights-dir", tmp_path / "file")
    assert done.returncode == 1
    path = tmp_path / "file" / "cnnspot" / "known" / "net.pth"
    assert f"cnnspot@known could not be had: {path} cannot be written (Not a directory)" in done.stderr
    assert "hub" not in done.stderr


def test_a_digest_that_is_not_known_is_said(lineup, registry, address, tmp_path):
    registry(entry("unknown", f"{address}/net.pth", ""))
    done = lineup("weights", "get", "cnnspot@unknown", "--weights-dir", tmp_path / "weights")
    assert f"sha256 {sha256(CONTENT).hexdigest()}, which the registry does not know" in done.stdout


def test_one_that_cannot_be_had_is_one_line_and_the_others_come(lineup, registry, address, tmp_path):
    registry(
        entry("other", f"{address}/net.pth", "0" * 64),
        entry("absent", f"{address}/absent.pth"),
        entry("unpublished", ""),
        entry("known", f"{address}/net.pth"),
    )
    names = ("cnnspot@other", "cnnspot@absent", "cnnspot@unpublished", "cnnspot@known")
    folder = tmp_path / "weights"
    done = lineup("weights", "get", *names, "--weights-dir", folder)
    assert done.returncode == 1
    refusals = [line for line in done.stderr.splitlines() if line.startswith("lineup: ")]
    assert len(refusals) == 3
    for line, name, reason in zip(refusals, names, ("sha256", "absent.pth", "no address"), strict=False):
        assert line.startswith(f"lineup: {name} could not be had (")
        assert reason in line
        assert line.endswith(f" into {folder / name.replace('@', '/')}")
    assert [path.parent.name for path in folder.glob("*/*/*")] == ["known"]


def test_a_name_that_is_not_known_is_one_clear_line(lineup, registry, tmp_path):
    registry(entry("known", ""))
    refused = one_line(lineup("weights", "get", "cnnspot@knwon", "--weights-dir", tmp_path))
    assert "cnnspot@knwon" in refused
    assert "cnnspot@known" in refused
