"""Memory of the process."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from bench.platform.memory import KEEPING_VARIABLES, is_want_of_memory

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


def _page_faults(mode: str, **variables: str) -> int:
    environment = {name: value for name, value in os.environ.items() if name not in KEEPING_VARIABLES} | variables
    command = [sys.executable, "-c", FAULTS, mode]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_memory_that_is_freed_is_used_again() -> None:
    assert _page_faults("keep") * 10 < _page_faults("leave")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no such setting")
def test_a_process_that_is_started_with_the_variables_uses_freed_memory_again() -> None:
    assert _page_faults("leave", **KEEPING_VARIABLES) * 10 < _page_faults("leave")


@pytest.mark.parametrize(
    ("error", "want"),
    [
        (MemoryError(), True),
        (OSError(12, "Cannot allocate memory"), True),
        (RuntimeError("can't start new thread"), True),
        (ImportError("libtorch_cpu.so: failed to map segment from shared object"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"), True),
        (RuntimeError("shapes differ"), False),
    ],
)
def test_want_of_memory_is_told_by_type_or_text(error: Exception, want: bool) -> None:  # noqa: FBT001
    assert is_want_of_memory(error) == want
