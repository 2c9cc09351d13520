"""`lineup sweep`: from a file to runs, each as a run of its own would be, and one board."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pandas as pd
import pytest

from bench.platform.processes.commands import CommandEnd
from tests.support.command_line import call, one_line

PROGRAM = 5  # arguments before those of `lineup`
RUN_COMMANDS = "bench.platform.processes.commands.run_commands"
TEXT = """
[run]
detectors = ["checkerboard"]
baselines = false
setting = "small"
device = "cpu"
data = "{data}"
"""
TWO = '[[runs]]\nname = "first"\n[[runs]]\nname = "second"\nlimit = 5\n'


def write(folder, data, text, common=TEXT):
    """A file that asks for a sweep."""
    path = folder / "sweep.toml"
    path.write_text(common.format(data=data) + text)
    return path


@pytest.fixture
def sweep_file(data, tmp_path):
    return partial(write, tmp_path, data)


def called_here(environment):
    """What calls the runs of a sweep in this process, where the libraries are loaded."""

    def run_commands(commands, count, began, ended):
        ends = []
        for command in commands:
            began(command.name)
            done = call(environment, *list(command.arguments)[PROGRAM:])
            command.log.write_text(done.stdout + done.stderr)
            ends.append(CommandEnd(command.name, done.returncode, 1.0))
            ended(ends[-1])
        return ends

    return run_commands


@pytest.fixture
def begun(monkeypatch):
    """Every run of a sweep fails at once; gives how many would run at a time, and the arguments of each."""
    found = []

    def run_commands(commands, count, began, ended):
        found.extend((count, list(command.arguments)[PROGRAM:]) for command in commands)
        for command in commands:
            command.log.write_text("lineup: not this time\n")
        return [CommandEnd(command.name, 2, 1.0) for command in commands]

    monkeypatch.setattr(RUN_COMMANDS, run_commands)
    return found


@pytest.fixture(scope="module")
def swept(lineup, environment, data, tmp_path_factory):
    """A sweep of two runs, and one that fails: its folder, and what was printed."""
    place = tmp_path_factory.mktemp("swept")
    for path in list(shutil.copytree(data, place / "broken").rglob("*.png")):
        path.write_bytes(b"no image")
    file = write(
        place, data, '[[runs]]\nname = "a"\n[[runs]]\nname = "b"\nseed = 1\n[[runs]]\nname = "c"\ndata = "broken"'
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RUN_COMMANDS, called_here(environment))
        return place / "out", lineup("sweep", file, "--out", place / "out")


def scores(folder):
    table = pd.concat(map(pd.read_parquet, sorted((folder / "scores").glob("*.parquet"))))
    return table.sort_values(["key", "name"], ignore_index=True)


def test_runs_stand_on_one_board_and_score_as_alone(swept, finished):
    out, done = swept
    (board,) = json.loads((out / "leaderboard.json").read_text())
    assert [row["detector"] for row in board["rows"]] == ["checkerboard"]
    assert board["rows"][0]["seeds"] == 2
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["a", "finished", "0", "1"] in rows
    own, alone = scores(out / "runs/a"), scores(finished[0] / "cross_generator")
    assert set(own["key"]) < set(alone["key"])
    same = alone[alone["key"].isin(own["key"])].reset_index(drop=True)
    pd.testing.assert_frame_equal(own, same, check_exact=True)


def test_a_sweep_is_one_json_document_with_how_each_run_ended(lineup, sweep_file, begun, tmp_path):
    done = lineup("sweep", sweep_file(TWO), "--out", tmp_path, "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["leaderboard"] == []
    first = document["runs"][0]
    assert (first["name"], first["state"], first["code"], first["said"]) == ("first", "failed", 2, "not this time")
    assert "--dry-run starts none" in one_line(lineup("sweep", sweep_file(TWO), "--json", "--dry-run"))


def test_a_failed_run_leaves_the_others_and_is_named_with_its_line(swept):
    out, done = swept
    assert done.returncode == 1
    assert ["c", "failed", "2", "1"] in [line.split() for line in done.stdout.splitlines()]
    told = (out / "logs/c.log").read_text().splitlines()[-1]
    assert told.startswith("lineup: ")
    assert f"c failed: {told.removeprefix('lineup: ')}" in done.stdout.splitlines()
    assert "1 of 3 runs failed; the same command runs them again" in done.stdout


def test_a_sweep_is_checked_listed_and_removed_as_any_run(swept, lineup, tmp_path):
    out = shutil.copytree(swept[0], tmp_path / "out")
    assert "files with a checksum are whole" in lineup("check", out).stdout
    found = json.loads(lineup("runs", "list", out, "--json").stdout)
    assert [(run["name"], run["state"]) for run in found] == [("runs/a", "finished"), ("runs/b", "finished")]
    assert lineup("runs", "remove", out, "--yes").returncode == 0
    assert not out.exists()


def test_another_question_in_a_folder_is_refused_before_anything_starts(swept, lineup, sweep_file, begun):
    file = sweep_file('[[runs]]\nname = "a"\n[[runs]]\nname = "b"\nseed = 1\nlimit = 6')
    line = one_line(lineup("sweep", file, "--out", swept[0]))
    assert "run 'b': OUT" in line
    assert "the limit 6, not none" in line
    assert begun == []


def test_the_folder_of_a_run_is_refused(lineup, sweep_file, begun, finished):
    out = finished[0] / "cross_generator"
    assert "holds a run, whose own tables stay as they are" in one_line(lineup("sweep", sweep_file(TWO), "--out", out))
    assert begun == []


def test_cores_are_divided_and_what_a_run_states_stays(lineup, sweep_file, begun, tmp_path, monkeypatch):
    monkeypatch.setattr("bench.command.runs.sweep.CORES", 8)
    file = sweep_file('[[runs]]\nname = "a"\n[[runs]]\nname = "b"\nworkers = 1\n')
    done = lineup("sweep", file, "--out", tmp_path / "out", "--jobs", 4)
    assert (done.returncode, "not this time" in done.stdout) == (1, True)
    assert [count for count, _ in begun] == [4, 4]
    workers = [given[given.index("--workers") + 1] if "--workers" in given else "" for _, given in begun]
    assert workers == ["4", ""]  # two runs on eight cores
    assert not (tmp_path / "out/leaderboard.json").exists()


def test_a_dry_run_sums_all_up_and_writes_nothing(lineup, sweep_file, begun, tmp_path):
    done = lineup("sweep", sweep_file(TWO), "--out", tmp_path / "out", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert begun == []
    assert not (tmp_path / "out").exists()
    lines = [line for line in done.stderr.splitlines() if "To answer: " in line]
    cells = [int(line.partition("To answer: ")[2].split()[0]) for line in lines]
    assert len(cells) == 3
    assert cells[2] == cells[0] + cells[1]
    assert lines[2].startswith("All 2 runs. ")


@pytest.mark.parametrize(
    ("text", "given", "words"),
    [
        (
            '[[runs]]\nname = "a"\ndetectrs = "x"',
            (),
            "run 'a': option 'detectrs' is not known; did you mean detectors?",
        ),
        ('[[runs]]\nname = "a"\nlimit = "many"', (), "run 'a': Invalid value for '--limit'"),
        ('[[runs]]\nname = "a"\ndetectors = "hog"', (), "run 'a': no detector is named 'hog'"),
        ('[[runs]]\nname = "a"\nprotocol = "what"', (), "run 'a': no protocol is named 'what'"),
        ('[[runs]]\nname = "a"\nreplace = true', (), "run 'a': option 'replace' is not known"),
        ('[[runs]]\nname = "a"\n[runs.options.hog_svm]\nc = 1', (), "run 'a': options are given for 'hog_svm'"),
        ('[[runs]]\nname = "a"\ndata = "nowhere"', (), "run 'a': "),
        (TWO, ("--jobs", 100_000), "--jobs 100000 is more than the"),
        (TWO, ("--measure",), "add --dry-run"),
    ],
)
def test_all_is_checked_before_anything_starts(lineup, sweep_file, begun, text, given, words):
    file = sweep_file(text if given else f'[[runs]]\nname = "fine"\n{text}')
    assert words in one_line(lineup("sweep", file, *given, "--out", file.parent / "out"))
    assert begun == []
    assert not (file.parent / "out").exists()


def process(environment, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "lineup_bench", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


REAL = """
[run]
protocol = "degradation"
train_on = "even"
degradations = "jpeg:65"
detectors = ["checkerboard", "npr"]
setting = "small"
device = "cpu"
data = "{data}"
"""


@pytest.mark.slow
def test_two_at_a_time_score_as_one_after_the_other_and_as_runs_of_their_own(environment, sweep_file, data, tmp_path):
    file = sweep_file('[cross]\nseed = [0, 1]\n[[runs]]\nname = "all"\n[[runs]]\nname = "few"\nlimit = 5\n', REAL)
    for jobs in (1, 2):
        own = environment | {"LINEUP_CACHE": str(tmp_path / f"cache{jobs}")}
        done = process(own, "sweep", file, "--out", tmp_path / f"out{jobs}", "--jobs", jobs)
        printed, told = done.communicate(timeout=900)
        assert done.returncode == 0, printed + told
    own = environment | {"LINEUP_CACHE": str(tmp_path / "cache")}
    for seed in (0, 1):
        done = process(
            own,
            *("run", "--protocol", "degradation", "--train-on", "even", "--degradations", "jpeg:65", "--data", data),
            *("--detectors", "checkerboard,npr", "--setting", "small", "--device", "cpu"),
            *("--seed", seed, "--out", tmp_path / f"own{seed}"),
        )
        done.communicate(timeout=900)
        expected = scores(tmp_path / f"own{seed}")
        for jobs in (1, 2):
            found = scores(tmp_path / f"out{jobs}/runs/all-seed={seed}")
            pd.testing.assert_frame_equal(found, expected, check_exact=True)
    few = [scores(tmp_path / f"out{jobs}/runs/few-seed=1") for jobs in (1, 2)]
    pd.testing.assert_frame_equal(*few, check_exact=True)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_and_the_same_command_goes_on(environment, sweep_file, tmp_path, number):
    fresh = environment | {"LINEUP_CACHE": str(tmp_path / "cache"), "SWEEP": str(tmp_path)}
    file, out = sweep_file("[cross]\nseed = [0, 1]\n", REAL), tmp_path / "out"
    going = process(fresh, "sweep", file, "--out", out, "--jobs", 2)
    while not list(out.glob("runs/*/live/progress.json")) and going.poll() is None:
        time.sleep(0.05)
    going.send_signal(number)
    printed, told = going.communicate(timeout=60)
    assert going.returncode == 128 + number, printed + told
    assert "the same command goes on from there" in told
    assert processes_of(tmp_path) == []
    states = {run["state"] for run in json.loads(call(fresh, "runs", "list", out, "--json").stdout)}
    assert states == {"interrupted"}
    again = process(fresh, "sweep", file, "--out", out, "--jobs", 2)
    printed, told = again.communicate(timeout=900)
    assert again.returncode == 0, printed + told
    assert call(fresh, "check", out).returncode == 0


def processes_of(place):
    """Processes that still run, of those whose environment names a folder; the kernel needs a moment for zombies."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if f"SWEEP={place}".encode() in Path(entry.path, "environ").read_bytes():
                    found.append(entry.name)
            except OSError:
                continue
    return found
