"""The runtime for a device as a user names it."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

from bench.inference.backends import choose_backend
from bench.platform.errors import InputError
from bench.platform.processor import cpu_name
from bench.request.early_checks import PRECISIONS, check_device
from detectors.api import Runtime

# One of these is there where torch may see a device that it calls "cuda".
NVIDIA_DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
AMD_DRIVER = Path("/dev/kfd")  # of ROCm, which is supported on Linux


def runtime(device: str, precision: str, backend: str, cache: Path) -> Runtime:
    """The runtime as a user asks for it.

    Args:
        device: "auto", "cpu", "cuda" or "cuda:N".
        precision: "float32", "tf32" or "bfloat16".
        backend: As `bench.inference.backends.BACKENDS`.
        cache: The cache folder, which keeps what a backend exports.

    Raises:
        InputError: The device is not there, or the backend cannot be used.
    """
    check_device(device, precision, backend)
    known_precision = next(known for known in PRECISIONS if known == precision)
    if device == "auto":
        device = "cuda" if _any_driver() and _cuda_devices() else "cpu"
    elif device.startswith("cuda") and int(device.partition(":")[2] or 0) >= (count := _cuda_devices()):
        msg = f"device {device!r} was asked for, but torch sees {count} CUDA devices; choose cpu or another one"
        raise InputError(msg)
    return Runtime(device, known_precision, choose_backend(backend, device, known_precision, cache / "graphs"))


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
    return cpu_name()
