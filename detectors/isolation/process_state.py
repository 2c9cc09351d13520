"""What a whole process shares, and one detector could change for all others: generators, defaults, folder, handlers."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found] # what `signal` makes enumerations of: those take long
import locale
import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM", "SIGCHLD", "SIGUSR1", "SIGUSR2", "SIGPIPE")
    if hasattr(signal, name)
)
_NUMBERS = tuple(map(int, SIGNALS))
TORCH_SEED = 0  # of a torch that a detector was the first to import: nothing was drawn from it before


@dataclass(frozen=True, slots=True)
class Switch:
    """One thing that a process shares.

    Attributes:
        read: Its value.
        write: Sets it to a value that was read.
        module: Has to be imported for there to be anything to read; "" for what is always there.
        fresh: Its value where that module has just been imported; None where reading it then is right.
        in_threads: Whether it is set back after calls in other threads than the main one too: no detector of ours
            changes it for a moment, so that nobody's work there is disturbed.
        same: Whether two values are equal.
    """

    read: Callable[[], Any]
    write: Callable[[Any], object]
    module: str = ""
    fresh: Callable[[], Any] | None = None
    in_threads: bool = False
    same: Callable[[Any, Any], bool] = lambda one, other: bool(one == other)

    def is_there(self) -> bool:
        """Whether there is anything to read."""
        return not self.module or _is_imported(self.module)


def _is_imported(name: str) -> bool:
    """Whether a module is imported to its end."""
    module = sys.modules.get(name)
    return module is not None and not getattr(getattr(module, "__spec__", None), "_initializing", False)


def _attribute(module: str, name: str, *, fresh: Any = None) -> Switch:  # noqa: ANN401 - any value
    """An attribute of a module that is looked at by its readers whenever they need it."""
    return Switch(
        lambda: getattr(sys.modules[module], name),
        lambda value: setattr(sys.modules[module], name, value),
        module,
        None if fresh is None else lambda: fresh,
        in_threads=True,
    )


def _folder() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - as a text, which is compared after every call
    except OSError:
        return ""


def _enter_folder(path: str) -> None:
    if path:
        os.chdir(path)


def _environment() -> dict[Any, Any]:
    return dict(os.environ._data)  # type: ignore[attr-defined]  # noqa: SLF001 - as bytes: it is read for every image


def _set_environment(values: Mapping[Any, Any]) -> None:
    present = _environment()
    for name in present.keys() - values.keys():
        del os.environ[os.fsdecode(name)]
    for name, value in values.items():
        if present.get(name) != value:
            os.environ[os.fsdecode(name)] = os.fsdecode(value)


def _filters() -> list[Any]:
    return list(warnings.filters)


def _set_filters(values: list[Any]) -> None:
    warnings.filters[:] = values  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]  # noqa: SLF001 - as `warnings.catch_warnings` does


def _handlers() -> dict[Any, Any]:
    """Those that Python knows: one that C set cannot be set back."""
    found = {number: _signal.getsignal(number) for number in _NUMBERS}
    return {number: handler for number, handler in found.items() if handler is not None}


def _set_handlers(values: Mapping[Any, Any]) -> None:
    for number, handler in values.items():
        signal.signal(number, handler)


def _function(module: str, name: str) -> Callable[..., Any]:
    """A function of a module, looked up when it is called: it is imported by those who need it."""

    def call(*given: Any) -> Any:  # noqa: ANN401 - as that function is typed
        return getattr(sys.modules[module], name)(*given)

    return call


def _torch() -> Any:  # noqa: ANN401 - a module, which is imported by those who need it
    return sys.modules["torch"]


def _same_numpy_states(one: Any, other: Any) -> bool:  # noqa: ANN401 - tuples of numpy
    return one[2:] == other[2:] and bool((one[1] == other[1]).all())


def _of_first_thread() -> int:
    """The number of threads that a process computes with in which nobody chose: a new thread is asked, by OpenMP."""
    from threadpoolctl import threadpool_info

    found: list[int] = []

    def ask() -> None:
        found.extend(one["num_threads"] for one in threadpool_info() if one["user_api"] == "openmp")

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    return max(found, default=0) or _torch().get_num_threads()


def _fresh_torch_generator() -> Any:  # noqa: ANN401 - a tensor
    return _torch().Generator().manual_seed(TORCH_SEED).get_state()


def _torch_flags() -> tuple[Any, ...]:
    torch = _torch()
    cudnn = torch.backends.cudnn
    determinism = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    return (*determinism, cudnn.enabled, cudnn.benchmark, cudnn.deterministic)


def _set_torch_flags(values: tuple[Any, ...]) -> None:
    torch = _torch()
    torch.use_deterministic_algorithms(values[0], warn_only=values[1])
    torch.backends.cudnn.enabled, torch.backends.cudnn.benchmark, torch.backends.cudnn.deterministic = values[2:]


@cache
def _float32_switches() -> tuple[tuple[Any, str], ...]:
    """The objects by which torch lets float32 be rounded, and the value of each after an import."""
    backends = _torch().backends
    backend_values = ((backends.cudnn, "tf32"), (backends.mkldnn, "none"))
    parts = ((getattr(one, name, None), fresh) for one, fresh in backend_values for name in ("matmul", "conv", "rnn"))
    return (
        (backends.cuda.matmul, "none"),
        *((part, fresh) for part, fresh in parts if hasattr(part, "fp32_precision")),
    )


def _rounding() -> tuple[str, ...]:
    return tuple(switch.fp32_precision for switch, _ in _float32_switches())


def _set_rounding(values: tuple[str, ...]) -> None:
    for (switch, _), value in zip(_float32_switches(), values, strict=True):
        switch.fp32_precision = value


def _flushes_tiny_numbers() -> bool:
    """Whether this thread takes numbers below the least normal one for zero, which torch can ask of a processor."""
    tiny = sys.float_info.min
    return tiny / 4 == 0


def _device() -> Any:  # noqa: ANN401 - a device of torch
    """Where tensors are made by default; None for nobody's choice."""
    context = getattr(_torch()._GLOBAL_DEVICE_CONTEXT, "device_context", None)  # noqa: SLF001 - torch has no reader
    return None if context is None else context.device


SWITCHES: Mapping[str, Switch] = {
    "the working folder": Switch(_folder, _enter_folder, in_threads=True),
    "the environment": Switch(_environment, _set_environment, in_threads=True),
    "filters of warnings": Switch(_filters, _set_filters),
    "handlers of signals": Switch(_handlers, _set_handlers),
    "the limit of recursion": Switch(sys.getrecursionlimit, sys.setrecursionlimit, in_threads=True),
    "the locale": Switch(lambda: locale.setlocale(locale.LC_ALL), lambda value: locale.setlocale(locale.LC_ALL, value)),
    "Python's generator": Switch(random.getstate, random.setstate),
    "numpy's generator": Switch(
        _function("numpy.random", "get_state"),
        _function("numpy.random", "set_state"),
        "numpy.random",
        same=_same_numpy_states,
    ),
    "numpy's treatment of errors": Switch(
        _function("numpy", "geterr"), lambda value: sys.modules["numpy"].seterr(**value), "numpy", in_threads=True
    ),
    "Pillow's limit of pixels": _attribute("PIL.Image", "MAX_IMAGE_PIXELS"),
    "Pillow's reading of damaged files": _attribute("PIL.ImageFile", "LOAD_TRUNCATED_IMAGES", fresh=False),
    "torch's generator": Switch(
        _function("torch", "get_rng_state"),
        _function("torch", "set_rng_state"),
        "torch",
        _fresh_torch_generator,
        same=lambda one, other: bool((one == other).all()),
    ),
    "torch's default type": Switch(
        _function("torch", "get_default_dtype"),
        _function("torch", "set_default_dtype"),
        "torch",
        lambda: _torch().float32,
        in_threads=True,
    ),
    "torch's default device": Switch(
        _device, _function("torch", "set_default_device"), "torch", lambda: None, in_threads=True
    ),
    "torch's threads": Switch(
        _function("torch", "get_num_threads"),
        _function("torch", "set_num_threads"),
        "torch",
        _of_first_thread,
    ),
    "torch's gradients": Switch(
        _function("torch", "is_grad_enabled"),
        _function("torch", "set_grad_enabled"),
        "torch",
        lambda: True,
        in_threads=True,
    ),
    "torch's determinism": Switch(_torch_flags, _set_torch_flags, "torch", lambda: (False, False, True, False, False)),
    "torch's rounding of float32": Switch(
        _rounding, _set_rounding, "torch", lambda: tuple(fresh for _, fresh in _float32_switches())
    ),
    "torch's treatment of tiny numbers": Switch(
        _flushes_tiny_numbers, _function("torch", "set_flush_denormal"), "torch", lambda: False, in_threads=True
    ),
    "OpenCV's threads": Switch(_function("cv2", "getNumThreads"), _function("cv2", "setNumThreads"), "cv2"),
}


@dataclass(frozen=True)
class ProcessState:
    """The values of all switches at one moment.

    Attributes:
        values: By the name of the switch; of a module that is not imported yet there is none.
    """

    values: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def now(cls, *, in_threads: bool = False) -> ProcessState:
        """The present values, or those alone that are set back in every thread."""
        return cls({name: one.read() for name, one in _switches(in_threads=in_threads) if one.is_there()})

    def restore(self, present: ProcessState | None = None, *, in_threads: bool = False) -> list[str]:
        """Set everything back that differs; returns the names of what did.

        What belongs to a module that was imported since is set to what it is after an import, and remembered.

        Args:
            present: The present values, where they were read already: reading them takes longest.
            in_threads: Whether to set back those alone that are set back in every thread.
        """
        known = {} if present is None else present.values
        changed = []
        for name, switch in _switches(in_threads=in_threads):
            if not switch.is_there():
                continue
            if name not in self.values:
                self.values[name] = switch.fresh() if switch.fresh else switch.read()
            if not switch.same(known[name] if name in known else switch.read(), self.values[name]):
                switch.write(self.values[name])
                changed.append(name)
        return changed


def _switches(*, in_threads: bool) -> Iterator[tuple[str, Switch]]:
    return ((name, one) for name, one in SWITCHES.items() if one.in_threads or not in_threads)


@contextmanager
def kept_state(state: ProcessState | None = None) -> Iterator[None]:
    """A context in which the process is in a given state, and that leaves it as it was, whatever is done in it.

    In another thread than the main one, beside which others compute, what may be set back there is set to that state
    at the end, and nothing else is touched: the next context in the main thread begins with it.

    Args:
        state: The state; None for the present one.
    """
    if threading.current_thread() is not threading.main_thread():
        try:
            yield
        finally:
            if state is not None:
                state.restore(in_threads=True)
        return
    before = ProcessState.now()
    if state is not None:
        state.restore(before)
    try:
        yield
    finally:
        before.restore()
