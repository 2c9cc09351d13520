"""What a processor is called and can do, as its operating system says."""

from __future__ import annotations

import os
import platform
from functools import cache
from pathlib import Path

CPU_INFORMATION = Path("/proc/cpuinfo")


def cpu_name() -> str:
    """The name of the processor, and how many cores there are."""
    models = _entries("model name")
    model = models[0] if models else platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores"


def cpu_features() -> frozenset[str]:
    """Names of the features of the processor as Linux has them; none where they are not known."""
    return frozenset(" ".join(_entries("flags") or _entries("Features")).split())


@cache
def _entries(name: str) -> tuple[str, ...]:
    """What is said under a name, of each core."""
    if not CPU_INFORMATION.is_file():
        return ()
    lines = (line.partition(":") for line in CPU_INFORMATION.read_text(encoding="utf-8").splitlines())
    return tuple(value.strip() for key, _, value in lines if key.strip() == name)
