"""The recipes for several machines, carried out on this one as far as it can: Slurm and ssh are stand-ins, Ray is not.

Ray is started in a namespace of processes of its own: its `stop`, which the recipes call, ends all that it sees.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.documents import DOCS, ROOT, blocks
from tests.support.stand_in_trees import write_trees

PAGE = DOCS / "how-to" / "slurm-and-ssh.md"
STAND_INS = {
    "scontrol": "echo 127.0.0.1",
    "srun": 'exec "$@"',
    "ssh": 'shift; exec bash -c "$*"',
    "hostname": "echo 127.0.0.1",
}
ALONE = ["unshare", "--pid", "--fork", "--mount-proc"]
LINEUP = shutil.which("lineup", path=f"{sys.prefix}/bin") or "lineup"
MINUTES = 10

pytestmark = pytest.mark.slow


def scripts():
    """The scripts that the page writes, by name."""
    return {one.about: one.text for one in blocks(PAGE) if one.kind == "file"}


@pytest.fixture
def shared(tmp_path):
    """What all nodes see, with the images that the page names."""
    write_trees(tmp_path)
    (tmp_path / "data" / "GenImage").rename(tmp_path / "GenImage")
    return tmp_path


@pytest.fixture
def typed(shared, tmp_path, monkeypatch):
    """Starts a script of the page with `/shared` here; the commands of Slurm and ssh are stand-ins."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name, text in STAND_INS.items():
        (tools / name).write_text(f"#!/bin/bash\n{text}\n")
        (tools / name).chmod(0o755)
    (tools / "lineup").symlink_to(LINEUP)
    paths = [str(tools), f"{sys.prefix}/bin", *(f"{path}/../../../bin" for path in sys.path if "site-packages" in path)]
    monkeypatch.setenv("PATH", ":".join([*paths, os.environ["PATH"]]))
    monkeypatch.setenv("LINEUP_CACHE", str(shared / "lineup-cache"))
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # a node has the Lineup of this checkout, whichever Python Ray is of

    def start(name, *words, alone=False, **variables):
        path = tmp_path / name
        path.write_text(scripts()[name].replace("/shared/", f"{shared}/"))
        program = [sys.executable] if path.suffix == ".py" else ["bash"]
        return subprocess.Popen(
            [*(ALONE if alone else []), *program, str(path), *words], cwd=tmp_path, env={**os.environ, **variables},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip

    return start


def ended(process):
    """The exit code and what was printed; a process that does not end is ended."""
    try:
        said = process.communicate(timeout=60 * MINUTES)[0]
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, said


def is_whole(folder):
    done = subprocess.run([LINEUP, "check", folder], capture_output=True, check=False)
    return done.returncode == 0


def require_ray_alone():
    """Skip where there is no Ray, or no namespace of processes can be made."""
    pytest.importorskip("ray", reason="the extra of clusters is not installed")
    tried = subprocess.run([*ALONE, "true"], capture_output=True, check=False) if shutil.which(ALONE[0]) else None
    if tried is None or tried.returncode:
        pytest.skip("no namespace of processes can be made here, and the recipe ends every Ray that it sees")


def test_options_of_ray_are_those_that_it_has():
    pytest.importorskip("ray", reason="the extra of clusters is not installed")
    from ray.scripts.scripts import cli

    text = " ".join(scripts().values())
    of_start = {flag for one in cli.commands["start"].params for flag in one.opts}
    of_symmetric = {flag for one in cli.commands["symmetric-run"].params for flag in one.opts} | of_start
    for name, known in (("start", of_start), ("symmetric-run", of_symmetric)):
        lines = re.findall(rf"ray {name} ((?:[^\n\\]|\\\n)*?)(?: --\s|\n)", text)
        assert lines, name
        assert {flag for line in lines for flag in re.findall(r"--[\w-]+", line)} <= known


def test_one_job_of_slurm_on_one_node(typed, shared):
    require_ray_alone()
    code, said = ended(
        typed("board.sbatch", alone=True, SLURM_JOB_NODELIST="node", SLURM_JOB_NUM_NODES="1", SLURM_CPUS_PER_TASK="1")
    )
    assert code == 0, said
    assert "Running command on head node" in said
    assert is_whole(shared / "board")


def test_a_job_of_slurm_whose_ray_does_not_start_fails(typed, shared):
    """As the page says: `symmetric-run` itself exits with 0."""
    require_ray_alone()
    code, said = ended(
        typed("board.sbatch", alone=True, SLURM_JOB_NODELIST="node", SLURM_JOB_NUM_NODES="1", SLURM_CPUS_PER_TASK="no")
    )
    assert code == 2
    assert "Failed to start Ray" in said
    assert "board holds no run" in said


def test_plain_ssh_to_one_more_node(typed, shared):
    require_ray_alone()
    code, said = ended(typed("cluster.sh", alone=True, NODES="node1", HEAD="127.0.0.1"))
    assert code == 0, said
    assert said.count("Ray runtime started") == 2
    assert is_whole(shared / "board")
    assert (shared / "lineup-token").stat().st_mode & 0o077 == 0


def test_an_array_of_jobs(typed, shared):
    for task in ("0", "1"):
        code, said = ended(typed("parts.sbatch", SLURM_ARRAY_TASK_ID=task))
        assert code == 0, said
    assert is_whole(shared / "part-0")
    assert is_whole(shared / "part-1")


def test_a_part_whose_job_is_killed_is_submitted_again(typed, shared):
    pytest.importorskip("submitit", reason="it is not installed")
    started = typed("parts.py", "--local")
    victim = _run_of(shared / "part-0")
    os.kill(victim, signal.SIGKILL)
    code, said = ended(started)
    assert code == 0, said
    assert is_whole(shared / "part-0")
    assert is_whole(shared / "part-1")
    assert len(list(shared.glob("submitit/*_submitted.pkl"))) == 3


def _run_of(folder):
    """The process of `lineup run` into a folder, once there is one."""
    for _ in range(60 * 10):
        for place in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (place / "cmdline").read_text().split("\0")
                if str(folder) in words and "run" in words and not any("submitit" in word for word in words):
                    return int(place.name)
        time.sleep(0.1)
    msg = "no run began"
    raise AssertionError(msg)
