"""Which library computes the bodies of networks, by a fixed table: the same machine always chooses the same.

A choice by timing would change scores and keys from run to run. On two cores onnxruntime computes convolutions in a
third to four fifths of torch's time, by processor, and transformers hardly faster: "auto" takes it for the former
alone.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from bench.inference.open_sessions import OpenSessions
from bench.platform.errors import InputError
from bench.platform.installed import ABSENT, installed_version
from bench.platform.processor import cpu_features
from detectors.api import Recipe, Runtime
from detectors.network_kinds import network_kinds
from detectors.types import NetworkBackend, NetworkKind, NetworkPrecision

if TYPE_CHECKING:
    from torch import Tensor, nn

NetworkLibrary = Literal["torch", "onnxruntime", "openvino", "inductor"]
BackendName = Literal["auto", "torch", "onnxruntime", "openvino", "inductor"]
BACKENDS: tuple[BackendName, ...] = get_args(BackendName)
BY_KIND: Mapping[NetworkKind, NetworkLibrary] = {"convolutional": "onnxruntime", "transformer": "torch"}
# of a processor: with any of them it multiplies bfloat16 by itself, and libraries round elsewhere
BFLOAT16_FEATURES = ("amx_bf16", "avx512_bf16", "bf16")


@dataclass(frozen=True)
class LibraryBackend(NetworkBackend):
    """The backend of a run.

    Attributes:
        name: As a user named it.
        precision: Of the bodies.
        graphs: The folder where exported graphs are kept.
        notes: What a user should know of what could not be computed as asked, one line each.
        sessions: Of the bodies that another library than torch computes.
    """

    name: BackendName
    precision: NetworkPrecision
    graphs: Path
    notes: list[str] = field(default_factory=list, compare=False)
    sessions: OpenSessions = field(default_factory=OpenSessions, compare=False)

    def library(self, kind: NetworkKind) -> NetworkLibrary:
        """The library that computes networks of a kind."""
        return BY_KIND[kind] if self.name == "auto" else self.name

    def compile(self, body: nn.Module, kind: NetworkKind) -> Callable[..., Tensor]:
        """As `detectors.types.NetworkBackend.compile`."""
        from bench.inference.bodies import CompiledBody, ExportedBody, TorchBody

        library = self.library(kind)
        if library == "torch":
            return TorchBody(body, self.precision)
        if library == "inductor":
            return CompiledBody(body, self.precision, self.notes)
        return ExportedBody(body, (library, self.precision), self.graphs, self.sessions, self.notes)


def choose_backend(name: str, device: str, precision: NetworkPrecision, graphs: Path) -> LibraryBackend | None:
    """The backend of a run; None where torch computes everything in float32.

    Args:
        name: One of `BACKENDS`, as a user named it.
        device: Where networks are computed.
        precision: Of their bodies.
        graphs: The folder where exported graphs are kept.

    Raises:
        InputError: It is not installed, or does not compute so.
    """
    chosen = next(known for known in BACKENDS if known == name)
    on_cpu = device == "cpu"
    if precision == "tf32" and on_cpu:
        msg = "--precision tf32 is a rounding of NVIDIA GPUs, and networks are computed on the CPU: choose float32 or"
        raise InputError(f"{msg} bfloat16, or --device cuda")
    if chosen in {"onnxruntime", "openvino"} and not on_cpu:
        msg = f"--backend {chosen} computes on the CPU and not on {device}: choose --backend torch or --device cpu"
        raise InputError(msg)
    if chosen == "onnxruntime" and precision == "bfloat16":
        msg = "--backend onnxruntime computes in float32 alone: choose --backend torch or openvino for bfloat16"
        raise InputError(msg)
    if chosen == "inductor":
        _require_compiler(device)
        return LibraryBackend("inductor", precision, graphs)
    if chosen == "torch" or not on_cpu or (chosen == "auto" and precision == "bfloat16"):
        return None if precision == "float32" else LibraryBackend("torch", precision, graphs)
    _require_installed(chosen)
    if precision == "bfloat16":
        _require_bfloat16()
    return LibraryBackend(chosen, precision, graphs)


def _require_installed(name: BackendName) -> None:
    """Raise `InputError` unless the library of a backend is installed."""
    library = "onnxruntime" if name == "auto" else name
    if installed_version(library) == ABSENT:
        extra = "'lineup-bench[openvino]'" if library == "openvino" else library
        msg = f"--backend {name} needs the package {library}, which is not installed: run pip install {extra}, or"
        raise InputError(f"{msg} choose --backend torch")


def _require_compiler(device: str) -> None:
    """Raise `InputError` where there is nothing that makes code of what torch's own compiler writes."""
    if device != "cpu":
        if installed_version("triton") == ABSENT:
            msg = "--backend inductor needs the package triton on a GPU, which is not installed: run pip install triton"
            raise InputError(f"{msg}, or choose --backend torch")
        return
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except InvalidCxxCompiler as error:
        msg = "--backend inductor needs a C++ compiler on the CPU, and there is none: install g++, or choose"
        raise InputError(f"{msg} --backend onnxruntime") from error


def _require_bfloat16() -> None:
    """Raise `InputError` where OpenVINO would compute in float32 though bfloat16 was asked for."""
    from bench.inference.openvino_session import multiplies_bfloat16

    if not multiplies_bfloat16():
        msg = "--backend openvino has no bfloat16 on this processor and would compute in float32: choose --precision"
        raise InputError(f"{msg} float32, or --backend torch, which emulates bfloat16 slowly")


def runtime_for(recipe: Recipe, runtime: Runtime) -> Runtime:
    """The runtime of a recipe: without a backend for one that does not say that it uses it, whose keys lack it."""
    return runtime if network_kinds(recipe) else replace(runtime, backend=None)


def backend_notes(runtime: Runtime) -> list[str]:
    """What a user should know of what could not be computed as asked, each line once."""
    return list(dict.fromkeys(runtime.backend.notes)) if isinstance(runtime.backend, LibraryBackend) else []


def backend_key(runtime: Runtime, kinds: frozenset[NetworkKind]) -> str:
    """Identity of what computes networks of these kinds, as far as it changes scores; empty for torch in float32."""
    backend = runtime.backend
    if not isinstance(backend, LibraryBackend):
        return ""
    features = "+".join(bfloat16_features()) if backend.precision == "bfloat16" and runtime.device == "cpu" else ""
    libraries = sorted({library for kind in kinds if (library := backend.library(kind)) != "torch"})
    names = [f"{_with_version(library)} {backend.precision}" for library in libraries]
    return " ".join([*names, features]).strip() if kinds else ""


def library_name(runtime: Runtime, kinds: frozenset[NetworkKind]) -> str:
    """What computes networks of these kinds, as a user reads it: libraries with their versions; empty for none."""
    backend = runtime.backend
    libraries = {backend.library(kind) if isinstance(backend, LibraryBackend) else "torch" for kind in kinds}
    return ", ".join(map(_with_version, sorted(libraries)))


def _with_version(library: NetworkLibrary) -> str:
    """A library as a user reads it; inductor is torch's own compiler and comes with it."""
    return f"{library} {installed_version('torch' if library == 'inductor' else library)}"


def bfloat16_features() -> tuple[str, ...]:
    """The features of this processor by which it multiplies bfloat16; its architecture where they are not known."""
    known = cpu_features()
    return tuple(name for name in BFLOAT16_FEATURES if name in known) or (platform.machine(),)
