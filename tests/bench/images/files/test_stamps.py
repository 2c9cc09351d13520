"""The stamps of many files are those of each, and a file that is not there has one too."""

import os
import subprocess
import sys
from functools import partial

import numpy as np

from bench.images.files.stamps import stamps_of
from bench.images.files.tree import Folder, stamp_local


def test_stamps_are_those_of_each_file_by_name_and_by_path(tmp_path):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(name.encode() * 3)
    folder, names = Folder(tmp_path), ["b.png", "gone.png", "a.png"]
    found = stamps_of(folder.stamp, names)
    assert found[[0, 2]].tolist() == [list(folder.stamp(name)) for name in ("b.png", "a.png")]
    assert found[1].tolist() == [-1, 0]
    by_path = partial(stamps_of, stamp_local)([str(folder.local_path(name)) for name in names])
    assert (by_path == found).all()


def test_no_file_at_all_has_no_stamps():
    assert stamps_of(stamp_local, []).shape == (0, 2)
    assert stamps_of(stamp_local, []).dtype == np.int64


def test_a_state_changes_with_each_fact_of_a_file_and_is_the_same_in_every_process(tmp_path):
    file = tmp_path / "a.png"
    file.write_bytes(b"abc")
    os.utime(file, ns=(1, 1))
    states, changed = {stamp_local(file)[1]}, file.stat().st_ctime_ns
    while file.stat().st_ctime_ns == changed:  # nobody can set it, and clocks of disks tick
        os.utime(file, ns=(1, 1))
    states.add(stamp_local(file)[1])
    os.utime(file, ns=(1, 2))
    states.add(stamp_local(file)[1])
    assert len(states) == 3
    code = "import sys; from bench.images.files.tree import stamp_local; print(stamp_local(sys.argv[1]))"
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code, file],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        assert done.stdout.strip() == str(stamp_local(file))
