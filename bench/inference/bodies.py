"""Bodies of networks as a backend computes them, each of which can be computed by torch in float32 as well."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from pathlib import Path

import torch
from torch import Tensor, nn

from bench.inference.graphs import Shapes, graph_of
from bench.inference.open_sessions import OpenSessions, Session
from detectors.types import NetworkPrecision

# of outputs, as a share of the largest one, beyond which a graph is not that of the body
LARGEST_CHANGES: Mapping[NetworkPrecision, float] = {"float32": 1e-3, "bfloat16": 0.2}
MOST_COMPILED = 128  # by torch's compiler, of all bodies, each for one kind of sizes: it counts some of them together
COMPILER_LOGS = ("torch._dynamo", "torch._inductor", "torch.utils.cpp_extension")
MOST_SHAPES = 8  # of inputs that a body is exported for: each takes seconds and memory


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
def float32_by_torch(*, wanted: bool = True) -> Iterator[list[BackendBody]]:
    """A context in which all bodies are computed by torch in float32; gives those that were, with repetitions.

    Args:
        wanted: Else nothing changes, and none is given.
    """
    observed: list[BackendBody] = []
    token = _REFERENCE.set(observed if wanted else _REFERENCE.get())
    try:
        yield observed
    finally:
        _REFERENCE.reset(token)


@contextmanager
def tf32_products() -> Iterator[None]:
    """A context inside `deterministic` in which a GPU rounds the factors of float32 products to TF32, of 10 bits."""
    cuda, cudnn = torch.backends.cuda, torch.backends.cudnn
    switches = [cuda.matmul, *(getattr(cudnn, name) for name in ("conv", "rnn") if hasattr(cudnn, name))]
    before = [switch.fp32_precision for switch in switches]
    try:
        for switch in switches:
            switch.fp32_precision = "tf32"
        yield
    finally:
        for switch, value in zip(switches, before, strict=True):
            switch.fp32_precision = value


class TorchBody(BackendBody):
    """A body in mixed precision.

    Args:
        body: The body.
        precision: Of its products and convolutions.
    """

    def __init__(self, body: nn.Module, precision: NetworkPrecision) -> None:
        super().__init__(body)
        self._precision = precision

    def compute(self, *inputs: Tensor) -> Tensor:
        """Outputs by torch."""
        with self._rounding(inputs[0].device.type):
            outputs: Tensor = self.network(*inputs)
            return outputs

    def _rounding(self, device: str) -> AbstractContextManager[object]:
        if self._precision == "tf32":
            return tf32_products()
        return torch.autocast(device, dtype=torch.bfloat16, enabled=self._precision == "bfloat16")


class CompiledBody(TorchBody):
    """A body that torch compiles at its first use, and anew for other sizes of its inputs.

    Bodies that differ in their weights alone share what was compiled. One that cannot be compiled as a whole, or is
    shown images of too many shapes, is computed by torch operation by operation in the same precision, and it is noted
    why.

    Args:
        body: The body.
        precision: Of its products and convolutions.
        notes: What a user should know, to which a line is added.
    """

    def __init__(self, body: nn.Module, precision: NetworkPrecision, notes: list[str]) -> None:
        super().__init__(body, precision)
        self._compiled: Callable[..., Tensor] | None = torch.compile(body, fullgraph=True)
        self._notes = notes
        for name in COMPILER_LOGS:
            logging.getLogger(name).setLevel(logging.ERROR)  # what goes wrong is raised, and noted

    def compute(self, *inputs: Tensor) -> Tensor:
        """Outputs by what torch compiled."""
        if self._compiled is None or not inputs[0].shape[0]:
            return super().compute(*inputs)
        try:
            with self._rounding(inputs[0].device.type), torch._dynamo.config.patch(recompile_limit=MOST_COMPILED):  # noqa: SLF001 - its only name
                return self._compiled(*inputs)
        except Exception as error:  # noqa: BLE001 - whatever a compiler cannot do, torch can without it
            self._compiled = None
            self._notes.append(f"{_name(self.network)} is computed by torch without its compiler: {_reason(error)}")
            return super().compute(*inputs)


class ExportedBody(BackendBody):
    """A body that is exported at its first use, anew for every shape of its inputs.

    One that cannot be exported, or is shown images of too many shapes, is computed by torch, and it is noted why.

    Args:
        body: The body.
        library: That computes it, in the precision that it has there.
        graphs: The folder where graphs are kept.
        sessions: Where its sessions are, beside those of others.
        notes: What a user should know, to which a line is added.
    """

    def __init__(
        self,
        body: nn.Module,
        library: tuple[str, NetworkPrecision],
        graphs: Path,
        sessions: OpenSessions,
        notes: list[str],
    ) -> None:
        super().__init__(body)
        self._library, self._precision = library
        self._graphs = graphs
        self._sessions = sessions
        self._notes = notes
        self._known: set[Shapes] = set()

    def compute(self, *inputs: Tensor) -> Tensor:
        """Outputs by the library."""
        if not inputs[0].shape[0]:
            return self._torch(*inputs)
        shapes = tuple(tuple(one.shape[1:]) for one in inputs)
        session = self._sessions.get(self, shapes) or self._opened(shapes, inputs)
        if session is None:
            return self._torch(*inputs)
        try:
            outputs: Tensor = session(*inputs)
        except Exception as error:  # noqa: BLE001 - whatever a library cannot do, torch can
            self._leave_to_torch(_reason(error))
            return self._torch(*inputs)
        return outputs

    def _opened(self, shapes: Shapes, inputs: Sequence[Tensor]) -> Session | None:
        """A session for inputs of these shapes; None where the body is left to torch.

        What the exporter and the identity of graphs miss of a body is seen in the outputs for the inputs at hand.
        """
        self._known.add(shapes)
        if len(self._known) > MOST_SHAPES:
            self._leave_to_torch(f"its images have more than {MOST_SHAPES} sizes")
            return None
        reason = ""
        for kept in (True, False):
            try:
                graph = graph_of(self.network, shapes, self._graphs, kept=kept)
                session = self._session(graph)
                change = _change(session(*inputs), self._torch(*inputs))
                reason = f"outputs differ by {change:.1g} of the largest one"
                if change <= LARGEST_CHANGES[self._precision]:
                    self._sessions.add(self, shapes, session, len(graph))
                    return session
            except Exception as error:  # noqa: BLE001 - whatever an exporter or a library cannot do, torch can
                reason = _reason(error)
        self._leave_to_torch(reason)
        return None

    def _torch(self, *inputs: Tensor) -> Tensor:
        outputs: Tensor = self.network(*inputs)
        return outputs

    def _session(self, graph: bytes) -> Session:
        if self._library == "openvino":
            from bench.inference.openvino_session import OpenVinoSession

            return OpenVinoSession(graph, self._precision)
        from bench.inference.onnxruntime_session import OnnxRuntimeSession

        return OnnxRuntimeSession(graph)

    def _leave_to_torch(self, reason: str) -> None:
        self.by_torch = True
        self._sessions.close(self)
        self._notes.append(
            f"{_name(self.network)} is computed by torch in float32 and not by {self._library}: {reason}"
        )


def _change(found: Tensor, expected: Tensor) -> float:
    """The largest difference of outputs, as a share of the largest output; NaN where one is not finite."""
    return float((found - expected).abs().max() / expected.abs().max().clamp_min(torch.finfo(torch.float32).tiny))


def _name(body: nn.Module) -> str:
    """What messages call a body: by the class of its network."""
    return type(getattr(body, "network", body)).__name__


def _reason(error: Exception) -> str:
    """The first line of what a library raised; torch's compiler raises another error around it."""
    error = getattr(error, "inner_exception", error)
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
