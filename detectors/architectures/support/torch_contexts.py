"""Contexts in which torch computes: precision, determinism, threads; import this module inside functions only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import RLock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from detectors.api import Runtime

_FLAGS = RLock()
_INIT = torch.nn.init
_DRAWING = {Tensor.normal_, Tensor.uniform_, Tensor.erfinv_, _INIT.normal_, _INIT.uniform_, _INIT.kaiming_uniform_}


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


class WithoutDrawing(TorchFunctionMode):
    """A context in which tensors keep their numbers where random ones would be drawn: of a network yet to be loaded."""

    def __torch_function__(
        self,
        function: Callable[..., object],
        types: object,
        args: tuple[object, ...] = (),
        kwargs: dict[str, object] | None = None,
    ) -> object:
        """The result of a function of torch; of one that draws, the tensor as it is."""
        del types
        given = kwargs or {}
        if function in _DRAWING:
            return args[0] if args else given["tensor"]
        return function(*args, **given)


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
