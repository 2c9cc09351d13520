"""The stamps of many files are those of each, and a file that is not there has one too."""

import os
import subprocess
import sys
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest

from bench.images.files.stamps import stamps_of
from bench.images.files.tree import Folder, change_of, stamp_local


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


@pytest.mark.parametrize("fact", ["st_mtime_ns", "st_ctime_ns", "st_ino"])
def test_a_state_changes_with_each_fact_of_a_file(fact):
    facts = {"st_mtime_ns": 1_700_000_000_000_000_000, "st_ctime_ns": 1_700_000_000_000_000_001, "st_ino": 12_345}
    states = {change_of(SimpleNamespace(**facts | {fact: facts[fact] + more})) for more in range(100)}
    assert len(states) == 100
    assert all(0 <= state < 2**56 for state in states)


@pytest.mark.parametrize("seed", ["1", "2"])
def test_a_state_is_the_same_in_every_process(tmp_path, seed):
    file = tmp_path / "a.png"
    file.write_bytes(b"abc")
    code = "import sys; from bench.images.files.tree import stamp_local; print(stamp_local(sys.argv[1]))"
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    done = subprocess.run(
        [sys.executable, "-c", code, file], capture_output=True, check=True, text=True, env=environment
    )
    assert done.stdout.strip() == str(stamp_local(file))
