"""Memory of the process."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource
import sys

import numpy as np

from bench.platform.memory import keep_freed_memory

if sys.argv[1] == "keep":
    assert keep_freed_memory()


def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def allocate():
    np.ones(1 << 26, np.uint8)


allocate()
before = faults()
for _ in range(10):
    allocate()
print(faults() - before)
"""


def _page_faults(mode: str) -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS, mode], check=True, capture_output=True, text=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_memory_that_is_freed_is_used_again() -> None:
    assert _page_faults("keep") * 10 < _page_faults("leave")
