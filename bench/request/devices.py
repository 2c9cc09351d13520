"""The runtime for a device as a user names it."""

from __future__ import annotations

import ctypes
import sys
from typing import Literal

from bench.platform.errors import InputError
from bench.request.early_checks import check_device
from detectors.api import Runtime

DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"


def runtime(device: str, precision: str) -> Runtime:
    """The runtime for "auto", "cpu", "cuda" or "cuda:N". Raises `InputError` for a device that is not there."""
    check_device(device, precision)
    known_precision: Literal["float32", "bfloat16"] = "bfloat16" if precision == "bfloat16" else "float32"
    count = 0 if device == "cpu" else _cuda_devices()
    if device == "auto":
        return Runtime("cuda" if count else "cpu", known_precision)
    if device.startswith("cuda") and int(device.partition(":")[2] or 0) >= count:
        msg = f"device {device!r} was asked for, but torch sees {count} CUDA devices; choose cpu or another one"
        raise InputError(msg)
    return Runtime(device, known_precision)


def _cuda_devices() -> int:
    """Number of CUDA devices; without a driver there are none, and torch, slow to import, is not asked."""
    try:
        ctypes.CDLL(DRIVER)
    except OSError:
        return 0
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def processor_name(runtime: Runtime) -> str:
    """The name of the processor or card."""
    if runtime.device.startswith("cuda"):
        import torch

        return str(torch.cuda.get_device_name(runtime.device))
    return _cpu_name()


def _cpu_name() -> str:
    import os
    import platform
    from pathlib import Path

    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores"
