"""A graph in onnxruntime, in float32 on the CPU."""

from __future__ import annotations

from functools import cache

import onnxruntime
import torch
from torch import Tensor

from bench.inference.graphs import OUTPUT, input_names


class OnnxRuntimeSession:
    """A graph that onnxruntime computes.

    Args:
        graph: An ONNX model.
    """

    def __init__(self, graph: bytes) -> None:
        _share_threads()
        options = onnxruntime.SessionOptions()
        options.use_per_session_threads = False
        options.enable_cpu_mem_arena = False  # each session would keep memory for its largest maps
        options.log_severity_level = 4  # what goes wrong is raised: lines of its log would go to the terminal
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._session._model_bytes = None  # noqa: SLF001 - it would keep all weights twice, for other providers

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Outputs of tensors on the CPU."""
        arrays = {name: one.contiguous().numpy() for name, one in zip(input_names(len(inputs)), inputs, strict=True)}
        return torch.from_numpy(self._session.run([OUTPUT], arrays)[0])


@cache
def _share_threads() -> None:
    """Let all sessions of this process compute on the same threads, as many as torch has: a run may hold hundreds."""
    onnxruntime.set_global_thread_pool_sizes(torch.get_num_threads(), 1)
