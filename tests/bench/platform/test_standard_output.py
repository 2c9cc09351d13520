"""What detectors print does not reach standard output."""

import os
import subprocess
import sys

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
