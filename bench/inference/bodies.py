"""Bodies of networks as a backend computes them, each of which can be computed by torch in float32 as well."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.inference.graphs import Shapes, graph_of
from detectors.types import NetworkPrecision

MOST_SHAPES = 8  # of inputs that a body is exported for: each takes seconds and memory
Session = Callable[..., Tensor]  # from inputs to outputs, on the CPU


class BackendBody(ABC):
    """A body as a backend computes it."""

    def __init__(self, body: nn.Module) -> None:
        self.network = body
        self.by_torch = False

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Outputs (N, D) of tensors (N, ...)."""
        observed = _REFERENCE.get()
        if observed is not None:
            observed.append(self)
        if self.by_torch or observed is not None:
            outputs: Tensor = self.network(*inputs)
            return outputs
        return self.compute(*inputs)

    @abstractmethod
    def compute(self, *inputs: Tensor) -> Tensor:
        """Outputs by the backend."""


_REFERENCE: ContextVar[list[BackendBody] | None] = ContextVar("reference", default=None)


@contextmanager
def float32_by_torch() -> Iterator[list[BackendBody]]:
    """A context in which all bodies are computed by torch in float32; gives those that were, with repetitions."""
    observed: list[BackendBody] = []
    token = _REFERENCE.set(observed)
    try:
        yield observed
    finally:
        _REFERENCE.reset(token)


class TorchBody(BackendBody):
    """A body in mixed precision.

    Args:
        body: The body.
        precision: Of its products and convolutions.
    """

    def __init__(self, body: nn.Module, precision: NetworkPrecision) -> None:
        super().__init__(body)
        self._enabled = precision == "bfloat16"

    def compute(self, *inputs: Tensor) -> Tensor:
        """Outputs by torch."""
        with torch.autocast(inputs[0].device.type, dtype=torch.bfloat16, enabled=self._enabled):
            outputs: Tensor = self.network(*inputs)
            return outputs


class ExportedBody(BackendBody):
    """A body that is exported at its first use, anew for every shape of its inputs.

    One that cannot be exported, or is shown images of too many shapes, is computed by torch, and it is noted why.

    Args:
        body: The body.
        library: That computes it, in the precision that it has there.
        graphs: The folder where graphs are kept.
        notes: What a user should know, to which a line is added.
    """

    def __init__(self, body: nn.Module, library: tuple[str, NetworkPrecision], graphs: Path, notes: list[str]) -> None:
        super().__init__(body)
        self._library, self._precision = library
        self._graphs = graphs
        self._notes = notes
        self._sessions: dict[Shapes, Session] = {}

    def compute(self, *inputs: Tensor) -> Tensor:
        """Outputs by the library."""
        if not inputs[0].shape[0]:
            outputs: Tensor = self.network(*inputs)
            return outputs
        shapes = tuple(tuple(one.shape[1:]) for one in inputs)
        if shapes not in self._sessions:
            self._open(shapes)
        return self.network(*inputs) if self.by_torch else self._sessions[shapes](*inputs)

    def _open(self, shapes: Shapes) -> None:
        """Make a session for inputs of these shapes, or leave the body to torch."""
        if len(self._sessions) == MOST_SHAPES:
            self._leave_to_torch(f"its images have more than {MOST_SHAPES} sizes")
            return
        try:
            self._sessions[shapes] = self._session(partial(graph_of, self.network, shapes, self._graphs))
        except Exception as error:  # noqa: BLE001 - whatever an exporter cannot do, torch can
            self._leave_to_torch(f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}")

    def _session(self, graph: Callable[[], bytes]) -> Session:
        if self._library == "openvino":
            from bench.inference.openvino_session import OpenVinoSession

            return OpenVinoSession(graph(), self._precision)
        from bench.inference.onnxruntime_session import OnnxRuntimeSession

        return OnnxRuntimeSession(graph)

    def _leave_to_torch(self, reason: str) -> None:
        self.by_torch = True
        self._sessions.clear()
        name = type(getattr(self.network, "network", self.network)).__name__
        note = f"{name} is computed by torch in float32 and not by {self._library}: {reason}"
        self._notes.append(note)
