"""Tasks in processes: what runs and what is queued ends when the work is left, and when its parent is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench.platform.errors import InputError
from bench.platform.processes.executors import in_processes, map_in_order
from bench.platform.processes.worker_processes import ProcessDied


def touch(path):
    """A task that takes a moment and leaves a file."""
    if path.name == "0":
        raise KeyError("the first fails")
    if path.name == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.3)
    path.write_text("done")
    return path.name


def tasks(folder, count):
    return {str(index): folder / str(index) for index in range(count)}


def test_tasks_run_and_their_errors_come_through(tmp_path):
    with in_processes(touch, tasks(tmp_path, 3), 2) as futures:
        with pytest.raises(KeyError, match="the first fails"):
            futures["0"].result()
        assert [futures[name].result() for name in "12"] == ["1", "2"]
    assert {path.name for path in tmp_path.iterdir()} == {"1", "2"}


def test_leaving_by_an_exception_drops_what_is_queued(tmp_path):
    def leave():
        with in_processes(touch, tasks(tmp_path, 30), 2) as futures:
            futures["0"].result()

    with pytest.raises(KeyError):
        leave()
    done = len(list(tmp_path.iterdir()))
    time.sleep(1)
    assert len(list(tmp_path.iterdir())) == done < 10


def test_a_process_that_is_killed_costs_its_own_task_alone(tmp_path):
    with in_processes(touch, {"die": tmp_path / "die", **tasks(tmp_path, 4)}, 2) as futures:
        with pytest.raises(ProcessDied, match=r"its process was ended by SIGKILL, most likely for want of memory"):
            futures["die"].result()
        assert [futures[name].result() for name in "123"] == ["1", "2", "3"]


def test_one_task_or_one_process_is_none(tmp_path):
    with in_processes(touch, tasks(tmp_path, 1), 2) as futures:
        assert futures == {}
    with in_processes(touch, tasks(tmp_path, 3), 1) as futures:
        assert futures == {}


def test_what_cannot_be_handed_over_is_left_out(tmp_path):
    with (tmp_path / "open").open("w") as file, in_processes(touch, {"file": file, **tasks(tmp_path, 3)}, 2) as futures:
        assert futures.keys() == {"0", "1", "2"}


CODE = """
import sys
from pathlib import Path
from bench.platform.processes.executors import in_processes
from tests.bench.platform.processes.test_executors import tasks, touch
if __name__ == "__main__":
    with in_processes(touch, tasks(Path(sys.argv[1]), 200), 2) as futures:
        futures["1"].result()
        print("ready", flush=True)
        futures["199"].result()
"""


@pytest.mark.slow
def test_tasks_end_with_a_parent_that_is_killed(tmp_path):
    script = tmp_path / "run.py"
    script.write_text(CODE)
    out = tmp_path / "out"
    out.mkdir()
    root = Path(__file__).parents[4]
    parent = subprocess.Popen(
        [sys.executable, script, out], stdout=subprocess.PIPE, cwd=root, env={**os.environ, "PYTHONPATH": str(root)}
    )
    assert parent.stdout.readline() == b"ready\n"
    parent.kill()
    parent.wait()
    parent.stdout.close()
    time.sleep(2)
    done = len(list(out.iterdir()))
    time.sleep(1)
    assert len(list(out.iterdir())) == done


@pytest.mark.parametrize("processes", [False, True])
def test_results_come_in_the_order_of_the_items_and_errors_in_their_turn(tmp_path, processes):
    paths = [tmp_path / name for name in "34102"]
    found = map_in_order(touch, paths, 2, processes=processes)
    assert [next(found) for _ in range(3)] == ["3", "4", "1"]
    with pytest.raises(KeyError, match="the first fails"):
        next(found)


def test_a_process_that_is_killed_is_one_line(tmp_path):
    line = "looking at files: its process was ended by SIGKILL, most likely for want of memory; run again with fewer"
    with pytest.raises(InputError, match=line):
        list(map_in_order(touch, [tmp_path / "die"], 2, processes=True, doing="looking at files"))
