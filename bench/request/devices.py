"""The runtime for a device as a user names it."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path
from typing import Literal

from bench.platform.errors import InputError
from bench.request.early_checks import check_device
from detectors.api import Runtime

# One of these is there where torch may see a device that it calls "cuda".
NVIDIA_DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
AMD_DRIVER = Path("/dev/kfd")  # of ROCm, which is supported on Linux


def runtime(device: str, precision: str) -> Runtime:
    """The runtime for "auto", "cpu", "cuda" or "cuda:N". Raises `InputError` for a device that is not there."""
    check_device(device, precision)
    known_precision: Literal["float32", "bfloat16"] = "bfloat16" if precision == "bfloat16" else "float32"
    if device == "auto":
        return Runtime("cuda" if _any_driver() and _cuda_devices() else "cpu", known_precision)
    if device.startswith("cuda") and int(device.partition(":")[2] or 0) >= (count := _cuda_devices()):
        msg = f"device {device!r} was asked for, but torch sees {count} CUDA devices; choose cpu or another one"
        raise InputError(msg)
    return Runtime(device, known_precision)


def _any_driver() -> bool:
    """Whether there may be a device at all: torch, slow to import, need not be asked where no driver is installed."""
    if AMD_DRIVER.exists():
        return True
    try:
        ctypes.CDLL(NVIDIA_DRIVER)
    except OSError:
        return False
    return True


def _cuda_devices() -> int:
    """Number of devices that torch calls "cuda"."""
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
