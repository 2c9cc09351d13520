"""A lock is one process's own, ends with it, and is told from none where the file system has no locks."""

import errno
import fcntl
import json
import subprocess
import sys
import threading
from contextlib import ExitStack

import pytest

from bench.platform.locks import LockTaken, held, is_held, take_lock
from bench.platform.processes.endings import this_process

HOLDER = """
import sys
from pathlib import Path
from bench.platform.locks import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["ENOLCK", "EOPNOTSUPP", "ENOSYS"])
def no_locks(request, monkeypatch):
    def fail(*_):
        raise OSError(getattr(errno, request.param), "no locks here")

    monkeypatch.setattr(fcntl, "flock", fail)


@pytest.fixture
def other_process(tmp_path):
    """Another process that holds `tmp_path / "lock"`."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, tmp_path / "lock"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_process_is_told_of_the_first_until_that_is_killed(tmp_path, other_process):
    with pytest.raises(LockTaken, match=f"process {other_process.pid} on "), held(tmp_path / "lock"):
        pass
    assert (tmp_path / "lock").is_file(), "who is refused takes the file of the holder away"
    other_process.kill()
    other_process.wait()
    with held(tmp_path / "lock"):
        pass
    assert not (tmp_path / "lock").exists()


def test_whether_a_file_is_held_is_seen_without_touching_it(tmp_path, other_process):
    path = tmp_path / "lock"
    before = path.read_bytes()
    assert is_held(path)
    assert path.read_bytes() == before
    other_process.kill()
    other_process.wait()
    assert path.is_file()
    assert not is_held(path)
    assert not is_held(tmp_path / "nowhere")
    path.write_text("no process")
    assert not is_held(path)


def test_without_locks_a_second_process_is_told_of_the_first_until_that_is_killed(tmp_path, other_process, no_locks):
    path = tmp_path / "lock"
    with pytest.raises(LockTaken, match=f"process {other_process.pid} on .*delete {path}"), held(path):
        pass
    assert path.is_file()
    other_process.kill()
    other_process.wait()
    with held(path):
        pass
    assert not path.exists()


def test_without_locks_a_process_of_another_machine_may_still_run(tmp_path, no_locks):
    (tmp_path / "lock").write_text(json.dumps({"host": "elsewhere", "number": 1, "started": ""}) + "\nhalf a li")
    with pytest.raises(LockTaken, match="process 1 on elsewhere"), held(tmp_path / "lock"):
        pass


def test_who_waits_says_so_once_and_has_it_next_though_the_file_went(tmp_path):
    told, order, waits = [], [], threading.Event()

    def second():
        with held(tmp_path / "lock", lambda holder: (told.append(holder), waits.set())):
            order.append("second")

    thread = threading.Thread(target=second)
    with held(tmp_path / "lock"):
        thread.start()
        assert waits.wait(10)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert told == [f"process {this_process().number} on {this_process().host}"]
    assert not (tmp_path / "lock").exists()


def test_those_who_share_a_lock_keep_out_who_wants_it_alone(tmp_path):
    with ExitStack() as shared:
        for _ in range(2):
            shared.callback(take_lock(tmp_path / "lock", shared=True).release)
        with pytest.raises(LockTaken):
            take_lock(tmp_path / "lock")
    take_lock(tmp_path / "lock").release()
