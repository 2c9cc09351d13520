"""Runs that are killed, on a full disk, or short of memory: none hangs, none pretends, and the next gives all scores.

`make test-slow` runs these: some minutes.
"""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time

import pytest

from tests.support.hostile_plugins import ROOT, hostile_module, install, lineup, scores_of
from tests.support.miniature import write_folder

pytestmark = pytest.mark.slow

HONEST = ("checkerboard", "hog_svm")
NETWORK = "clip_probe"  # beside detectors that change how torch computes
LIMIT = 400  # seconds for any run: many times what one takes
KILLS = 40
FULL = """
import errno, os, pathlib
left, touch = [int(os.environ["FULL_AFTER"])], pathlib.Path.touch
def full(path, *given, **words):
    if path.name.endswith(".partial"):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    return touch(path, *given, **words)
pathlib.Path.touch = full
"""  # every file is written beside its place first
CORPUS = """
import sys
from pathlib import Path
from bench.embedded.making import make_corpus
if __name__ == "__main__":
    make_corpus(Path(sys.argv[1]), 2, None, (1, 1))
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("interrupted") / "data")


def arguments(data, out, detectors=HONEST):
    return ("run", "--data", data, "--detectors", ",".join(detectors), "--no-baselines", "--workers", 2, "--out", out)


def run(data, place, detectors=HONEST, *further, plugins=None, **options):
    asked = (*arguments(data, place / "out", detectors), *further)
    return lineup(*asked, plugins=plugins, cache=place / "cache", seconds=LIMIT, **options)


@pytest.fixture(scope="module")
def expected(data, tmp_path_factory):
    """The scores of a run that nobody disturbed."""
    place = tmp_path_factory.mktemp("undisturbed")
    done = run(data, place, (*HONEST, NETWORK))
    assert done.returncode == 0, done.stderr
    return scores_of(place / "out", (*HONEST, NETWORK))


def require_same(place, whole, detectors=HONEST):
    expected = {key: score for key, score in whole.items() if key[0] in detectors}
    found = scores_of(place / "out", detectors)
    assert found.keys() == expected.keys()
    assert all(repr(found[key]) == repr(expected[key]) for key in expected)


def is_left(group):
    """Whether a process of a group still runs, some moments after the first of it was killed."""
    for _ in range(50):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.1)
    return True


def start_and_kill(command, seconds, environment):
    """Start a command, and kill its first process after some seconds; whether it was faster."""
    process = subprocess.Popen(
        command, env=environment, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _, said = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        assert not is_left(process.pid)
        return False
    assert process.returncode == 0, said
    return True


def test_kills_at_random_moments_lose_nothing(data, expected, tmp_path):
    draw = random.Random(26)  # noqa: S311 - moments
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    kills = rounds = 0
    seconds = None
    while kills < KILLS - 4:
        place = tmp_path / str(rounds)
        environment["LINEUP_CACHE"] = str(place / "cache")
        command = [sys.executable, "-m", "lineup_bench", *map(str, arguments(data, place / "out"))]
        start = time.monotonic()
        if seconds is None:
            assert start_and_kill(command, LIMIT, environment)
            seconds = time.monotonic() - start  # of a run that has everything to do
        while not start_and_kill(command, draw.uniform(0.2, 0.9) * seconds, environment):
            kills += 1
        require_same(place, expected)
        rounds += 1
    print(f"{kills} kills in {rounds} runs of {seconds:.1f} s")  # noqa: T201 - the figure of the bar


def test_kills_while_the_corpus_is_made_leave_none_or_a_whole_one(tmp_path):
    draw, script = random.Random(27), tmp_path / "make.py"  # noqa: S311 - moments
    script.write_text(CORPUS)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(script)]
    start = time.monotonic()
    assert start_and_kill([*command, str(tmp_path / "whole")], LIMIT, environment)
    usual, kills = time.monotonic() - start, 0
    while kills < 4:
        if start_and_kill([*command, str(tmp_path / "killed")], draw.uniform(0.3, 0.9) * usual, environment):
            break
        kills += 1
        assert not (tmp_path / "killed").exists()
    if kills == 4:
        assert start_and_kill([*command, str(tmp_path / "killed")], LIMIT, environment)
    described = [json.loads((tmp_path / name / "dataset.json").read_text()) for name in ("whole", "killed")]
    assert described[0] == described[1]


@pytest.mark.parametrize("writes", [0, 1, 2, 4, 7, 12, 20, 26, 32, 38])
def test_a_full_disk_is_one_line_and_the_next_run_goes_on(data, expected, tmp_path, writes, monkeypatch):
    (tmp_path / "sitecustomize.py").write_text(FULL)
    monkeypatch.setenv("FULL_AFTER", str(writes))
    done = run(data, tmp_path, plugins=tmp_path)
    assert done.returncode == 2, done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("lineup: ")]
    assert "No space left on device" in line
    assert str(tmp_path) in line
    assert "Traceback" not in done.stderr
    assert run(data, tmp_path).returncode == 0
    require_same(tmp_path, expected)


def test_a_file_that_may_not_grow_is_one_line_too(data, expected, tmp_path):
    small = run(data, tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000)))
    assert small.returncode == 2, small.stderr
    assert "File too large" in small.stderr
    assert "Traceback" not in small.stderr
    assert run(data, tmp_path).returncode == 0
    require_same(tmp_path, expected)


@pytest.mark.parametrize("megabytes", [300, 1200, 2600, 3000, 3400])
def test_want_of_memory_never_hangs(data, expected, tmp_path, megabytes):
    size = megabytes << 20
    done = run(data, tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size)))
    print(done.returncode, done.stderr[-600:])  # noqa: T201
    if done.returncode == 0:
        require_same(tmp_path, expected)
    again = run(data, tmp_path)
    assert again.returncode == 0, again.stderr
    require_same(tmp_path, expected)


def test_hostile_detectors_change_nothing_of_others_and_end_no_run(data, expected, tmp_path):
    module = hostile_module()
    plugins = install(tmp_path, module.NAMES)
    honest = (*HONEST, NETWORK)
    done = run(data, tmp_path, (*honest, *module.TOGETHER), "--timeout", 5, plugins=plugins)
    assert done.returncode == 1, done.stderr[-3000:]
    assert "{not: json}" not in done.stdout
    cells = json.loads((tmp_path / "out" / "manifest.json").read_text())["cells"]
    statuses = {name: {cell["status"] for cell in cells if cell["detector"] == name} for name in module.TOGETHER}
    assert statuses == {name: {"scored" if name in module.HARMLESS else "failed"} for name in module.TOGETHER}
    require_same(tmp_path, expected, honest)


@pytest.mark.parametrize("name", ["ends_in_fit", "ends_in_prepare", "ends_in_score", "crashes_in_score"])
def test_a_detector_that_ends_the_process_is_named_and_given_up_after_two_runs(data, expected, tmp_path, name):
    plugins = install(tmp_path, [name])
    for _ in range(2):
        done = run(data, tmp_path, (*HONEST, name), plugins=plugins)
        assert done.returncode == (128 + signal.SIGSEGV if name == "crashes_in_score" else 3), done.stderr
        (line,) = [line for line in done.stderr.splitlines() if line.startswith("lineup: ")]
        assert name in line
    done = run(data, tmp_path, (*HONEST, name), plugins=plugins)
    assert done.returncode == 1, done.stderr
    cells = json.loads((tmp_path / "out" / "manifest.json").read_text())["cells"]
    assert {cell["status"] for cell in cells if cell["detector"] == name} == {"failed"}
    assert all("in 2 runs; delete " in cell["reason"] for cell in cells if cell["detector"] == name)
    require_same(tmp_path, expected)
