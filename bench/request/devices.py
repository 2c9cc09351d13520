"""From what a user writes after DEVICE= to a runtime."""

from __future__ import annotations

import re
from typing import Literal

from bench.platform.errors import InputError
from detectors.api import Runtime


def runtime(device: str, precision: Literal["float32", "bfloat16"]) -> Runtime:
    """The runtime for "auto", "cpu", "cuda" or "cuda:N". Raises `InputError` for a device that is not there."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
        msg = f"device {device!r} is not known; choose auto, cpu, cuda or cuda:N"
        raise InputError(msg)
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return Runtime("cuda" if count else "cpu", precision)
    if device.startswith("cuda") and int(device.partition(":")[2] or 0) >= count:
        msg = f"device {device!r} was asked for, but torch sees {count} CUDA devices; choose cpu or another one"
        raise InputError(msg)
    return Runtime(device, precision)


def describe(chosen: Runtime) -> str:
    """The name of the processor or card."""
    if chosen.device.startswith("cuda"):
        import torch

        return str(torch.cuda.get_device_name(chosen.device))
    return _processor()


def _processor() -> str:
    import os
    import platform
    from pathlib import Path

    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    model = models[0] if models else platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores"
