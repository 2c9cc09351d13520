"""Contexts in which torch computes: precision, determinism, threads; import this module inside functions only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from itertools import product
from threading import RLock

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from detectors.api import Runtime
from detectors.types import AnyValue

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
    """A context in which convolutions of an accelerator are deterministic and float32 is not rounded on any device.

    One thread is in it at a time: the flags are those of the whole process, and whoever leaves first resets them.
    """
    cudnn = torch.backends.cudnn
    with _FLAGS, _unrounded_float32():
        before = cudnn.enabled, cudnn.benchmark, cudnn.deterministic
        cudnn.enabled, cudnn.benchmark, cudnn.deterministic = True, False, True
        try:
            yield
        finally:
            cudnn.enabled, cudnn.benchmark, cudnn.deterministic = before


@contextmanager
def _unrounded_float32() -> Iterator[None]:
    """A context in which no switch of torch lets products of float32 be rounded, whoever set it, and by which name.

    There are two generations of switches. They set the same, and reading one of the older generation raises where a
    newer one was set to something else: so both are set, the newer ones last.
    """
    backends = torch.backends
    places = [(backends.cuda, "matmul"), *product((backends.cudnn, backends.mkldnn), ("matmul", "conv", "rnn"))]
    switches = [getattr(backend, name) for backend, name in places if hasattr(backend, name)]
    before = [switch.fp32_precision for switch in switches]
    matmul = _older_switch(torch.get_float32_matmul_precision)
    tf32 = _older_switch(lambda: backends.cudnn.allow_tf32)
    try:
        torch.set_float32_matmul_precision("highest")
        backends.cudnn.allow_tf32 = False
        for switch in switches:
            switch.fp32_precision = "ieee"
        yield
    finally:
        if matmul is not None:
            torch.set_float32_matmul_precision(matmul)
        if tf32 is not None:
            backends.cudnn.allow_tf32 = tf32
        for switch, value in zip(switches, before, strict=True):
            switch.fp32_precision = value


def _older_switch(read: Callable[[], AnyValue]) -> AnyValue | None:
    """The value of a switch of the older generation; None where the newer one holds."""
    try:
        return read()
    except RuntimeError:
        return None


@contextmanager
def torch_threads(count: int | None) -> Iterator[None]:
    """A context in which torch computes on this many CPU threads; None leaves their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
