"""Runs on nodes of Ray: the scores are those of one machine, whatever dies; `make test-slow` runs these."""

import os
import random
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.hostile_plugins import ROOT, install, lineup, scores_of
from tests.support.miniature import write_folder

pytestmark = pytest.mark.slow

DETECTORS = ("hog_svm", "clip_probe", "checkerboard")  # on pixels, on embeddings, of a plug-in
LIMIT = 280  # seconds
LOOPBACK = "127.0.0.2"
DYING = """
import os
from dataclasses import dataclass, replace
from lineup_checkerboard import Checkerboard, CheckerboardDetector

class Dying(CheckerboardDetector):
    def score(self, batch):
        os._exit(7)

@dataclass(frozen=True)
class dies(Checkerboard):
    card = replace(Checkerboard.card, name="dies")
    def fit(self, train, seed, runtime):
        found = super().fit(train, seed, runtime)
        return Dying(found._cut, found._slope)
    def restore(self, state, runtime):
        found = super().restore(state, runtime)
        return Dying(found._cut, found._slope)
"""
# a cluster of its own: a node of so many CPUs, then what is asked on standard input
HEAD = """
import sys
from ray.cluster_utils import Cluster
cluster = Cluster(shutdown_at_exit=True)
shared = {"node_ip_address": sys.argv[3], "include_dashboard": False, "object_store_memory": 100 << 20}
cluster.add_node(num_cpus=int(sys.argv[1]), temp_dir=sys.argv[2], **shared)
print(cluster.address, flush=True)
for line in sys.stdin:
    cluster.add_node(num_cpus=int(line), **shared)
cluster.shutdown()
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("images"), 20, 20)


def arguments(data, out, detectors=DETECTORS, *further):
    asked = ("--data", data, "--detectors", ",".join(detectors), "--no-baselines", "--batch-size", 5)
    return ("run", *asked, "--setting", "small", "--out", out, *further)


def found(place, detectors):
    """The recorded scores, as texts that no rounding makes equal."""
    return {key: repr(score) for key, score in scores_of(place / "out", detectors).items()}


@pytest.fixture(scope="module")
def expected(data, tmp_path_factory):
    """The scores of one machine."""
    place = tmp_path_factory.mktemp("here")
    done = lineup(*arguments(data, place / "out"), cache=place / "cache", seconds=LIMIT)
    assert done.returncode == 0, done.stderr
    return found(place, DETECTORS)


@pytest.fixture
def begun():
    """Begins runs on a cluster, and ends them."""
    processes = []

    def begin(data, place, *further, detectors=DETECTORS, environment=None):
        command = [sys.executable, "-m", "lineup_bench", *map(str, arguments(data, place / "out", detectors, *further))]
        whole = {**os.environ, "LINEUP_CACHE": str(place / "cache"), "OMP_NUM_THREADS": "1", **(environment or {})}
        process = subprocess.Popen(
            command, env=whole, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.wait()
        process.stderr.close()


def wait_for(process, text):
    """Read what a process says until a line has a text; all lines so far."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if text in line:
            return lines
    raise AssertionError("".join(lines))


def command_lines():
    """Command lines of all processes, by number."""
    found = {}
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found[int(one.parent.name)] = one.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
    return found


def folder_of(number):
    """The folder of Ray of a run, from the command lines of its descendants."""
    while True:
        for child, line in command_lines().items():
            if "lineup-ray-" in line and "gcs_server" in line and number in ancestors(child):
                return re.search(r"/\S*lineup-ray-[^/\s]+", line)[0]
        time.sleep(0.2)


def ancestors(number):
    found = []
    while number > 1:
        try:
            number = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            break
        found.append(number)
    return found


def raylets(folder):
    return sorted(number for number, line in command_lines().items() if "raylet/raylet" in line and folder in line)


def require_end(process, expected, place, detectors=DETECTORS):
    rest = process.stderr.read()
    assert process.wait(LIMIT) == 0, rest
    assert found(place, detectors) == expected
    return rest


def require_nothing_left(folder):
    deadline = time.monotonic() + 45
    while time.monotonic() < deadline:
        if not Path(folder).exists() and not any(folder in line for line in command_lines().values()):
            return
        time.sleep(0.5)
    raise AssertionError([line for line in command_lines().values() if folder in line] or f"{folder} is left")


def test_scores_are_those_of_one_machine_and_nothing_is_left(begun, data, expected, tmp_path):
    process = begun(data, tmp_path, "--cluster", "local:2")
    folder = folder_of(process.pid)
    told = "".join(wait_for(process, "cluster: 2 nodes"))
    require_end(process, expected, tmp_path)
    assert "Traceback" not in told
    require_nothing_left(folder)


@pytest.mark.parametrize("moment", range(5))
def test_a_node_dies(begun, data, expected, tmp_path, moment):
    process = begun(data, tmp_path, "--cluster", "local:2")
    folder = folder_of(process.pid)
    wait_for(process, "cluster: 2 nodes")
    time.sleep(random.Random(moment).uniform(0, 8))  # noqa: S311 - of a test
    os.kill(raylets(folder)[-1], signal.SIGKILL)  # the one that was started last is not the head
    killed = time.monotonic()
    for line in process.stderr:
        if "is given out again" in line:
            assert "died" in line
            assert time.monotonic() - killed < 60
    require_end(process, expected, tmp_path)
    require_nothing_left(folder)


def test_a_detector_that_ends_its_process_fails_alone(begun, data, expected, tmp_path):
    (tmp_path / "plugins").mkdir()
    plugins = install(tmp_path / "plugins", ["dies"], DYING)
    path = {"PYTHONPATH": os.pathsep.join([str(plugins), str(ROOT / "tests/plugin"), str(ROOT)])}
    process = begun(data, tmp_path, "--cluster", "local:2", detectors=("hog_svm", "dies"), environment=path)
    said = process.stderr.read()
    assert process.wait(LIMIT) == 1
    assert "came to no end 4 times (its process died)" in said
    assert found(tmp_path, ["hog_svm", "dies"]) == {
        key: score for key, score in expected.items() if key[0] == "hog_svm"
    }
    reasons = (tmp_path / "out" / "manifest.json").read_text()
    assert "ProcessDied: its process died, 4 times" in reasons


def test_the_run_is_killed_twice_and_repeated(begun, data, expected, tmp_path):
    for seconds in (4, 8):
        process = begun(data, tmp_path, "--cluster", "local:2")
        folder = folder_of(process.pid)
        wait_for(process, "cluster: 2 nodes")
        time.sleep(seconds)
        process.kill()
        process.wait()
        require_nothing_left(folder)
    require_end(begun(data, tmp_path, "--cluster", "local:2"), expected, tmp_path)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_as_on_one_machine(begun, data, tmp_path, number, code):
    process = begun(data, tmp_path, "--cluster", "local:2")
    folder = folder_of(process.pid)
    wait_for(process, "cluster: 2 nodes")
    os.kill(process.pid, number)
    assert process.wait(60) == code
    assert "what was finished is kept" in process.stderr.read()
    require_nothing_left(folder)


@contextmanager
def own_cluster():
    """A cluster whose first node has no CPU: folder, input for CPUs of further nodes, environment of its runs."""
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    folder = tempfile.mkdtemp(prefix="lineup-test-")  # in a long path no socket has room
    (Path(folder) / "ray").mkdir()  # where the address is noted; Ray does not make it
    head = subprocess.Popen(
        [sys.executable, "-c", HEAD, "0", folder, LOOPBACK],
        env={**os.environ, **token, "RAY_TMPDIR": folder},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield folder, head.stdin, {**token, "RAY_ADDRESS": head.stdout.readline().strip()}
    finally:
        head.stdin.close()
        head.wait(60)
        head.stdout.close()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_node_that_joins_late_does_the_work_of_a_cluster_without_any(begun, data, expected, tmp_path):
    with own_cluster() as (_, joining, environment):
        process = begun(data, tmp_path, "--cluster", "auto", environment=environment)
        wait_for(process, "none of which has what they ask")
        print(2, file=joining, flush=True)
        require_end(process, expected, tmp_path)
        wrong = {**environment, "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        refused = begun(data, tmp_path / "refused", "--cluster", "auto", environment=wrong)
        assert "has this machine its token" in refused.stderr.read()
        assert refused.wait(LIMIT) == 2


@pytest.mark.parametrize("had", [False, True])
def test_what_no_node_has_or_no_longer_has_ends_the_run_with_a_sentence(begun, data, expected, tmp_path, had):
    with own_cluster() as (folder, joining, environment):
        if had:
            print(1, file=joining, flush=True)
            while len(raylets(folder)) < 2:
                time.sleep(0.2)
        process = begun(data, tmp_path, "--cluster", "auto", environment=environment)
        if had:
            wait_for(process, "cluster: 2 nodes")
            os.kill(raylets(folder)[-1], signal.SIGKILL)
        said = process.stderr.read()
        assert process.wait(LIMIT) == 2
        (line,) = [line for line in said.splitlines() if line.startswith("lineup: ")]
        assert "no node of the cluster can run what asks 1 CPU and 1.0 GiB of memory: for 60 s there was" in line
        assert line.endswith("run the same command again: what is done is kept")
    require_end(begun(data, tmp_path), expected, tmp_path)


@pytest.mark.parametrize("address", [f"ray://{LOOPBACK}:9", "auto"])
def test_a_cluster_that_is_not_there_is_one_line(begun, data, tmp_path, address):
    environment = {"RAY_ADDRESS": f"{LOOPBACK}:9"}
    process = begun(data, tmp_path, "--cluster", address, environment=environment)
    said = process.stderr.read()
    assert process.wait(LIMIT) == 2
    (line,) = [line for line in said.splitlines() if line.startswith("lineup: ")]
    assert f"the cluster {address} cannot be reached (" in line
    assert "Traceback" not in said
