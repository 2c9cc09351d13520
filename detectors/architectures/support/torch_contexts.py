"""Contexts in which torch computes: precision, determinism, threads; import this module inside functions only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import RLock

import torch
from torch import Tensor

from detectors.api import Runtime

_FLAGS = RLock()


def autocast(runtime: Runtime) -> AbstractContextManager[object]:
    """A context of mixed precision where the runtime asks for bfloat16."""
    device = torch.device(runtime.device).type
    return torch.autocast(device, dtype=torch.bfloat16, enabled=runtime.precision == "bfloat16")


def full_precision(images: Tensor) -> AbstractContextManager[object]:
    """A context of float32 inside one of mixed precision, on the device of images, for fixed transforms.

    Their small differences are what a network looks for, and spectra span more than mixed precision can hold.
    """
    device = images.device.type
    return nullcontext() if device == "meta" else torch.autocast(device, enabled=False)


@contextmanager
def deterministic() -> Iterator[None]:
    """A context in which convolutions of an accelerator are deterministic and not rounded to TF32.

    One thread is in it at a time: the flags are those of the whole process, and whoever leaves first resets them.
    """
    with _FLAGS, torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False):
        yield


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """A context in which torch computes on this many CPU threads; None leaves their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
