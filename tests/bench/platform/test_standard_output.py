"""What detectors print does not reach standard output, and a pipe that is closed ends a command as shells know it."""

import os
import subprocess
import sys
from pathlib import Path

from bench.platform.standard_output import output_aside


def test_everything_goes_to_the_stream_of_errors(capfd):
    print("before", flush=True)  # noqa: T201
    with output_aside():
        print("by Python")  # noqa: T201
        os.write(1, b"by a library\n")
        subprocess.run([sys.executable, "-c", "print('by a process')"], check=True)
    print("after", flush=True)  # noqa: T201
    out, err = capfd.readouterr()
    assert out.split() == ["before", "after"]
    assert all(f"by {who}" in err for who in ("Python", "a library", "a process"))


def test_a_pipe_that_nobody_reads_ends_a_command_without_a_word():
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "lineup_bench", "--help"]
    done = subprocess.run(command, stdout=theirs, stderr=subprocess.PIPE, check=False, cwd=Path(__file__).parents[3])
    os.close(theirs)
    assert done.stderr == b""
    assert done.returncode == 128 + 13


def test_a_closed_output_is_no_fault():
    code = "import os, sys; os.close(1); os.execv(sys.executable, [sys.executable, '-m', 'lineup_bench', '--version'])"
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, check=False, cwd=root)
    assert (done.returncode, done.stderr) == (0, b"")
