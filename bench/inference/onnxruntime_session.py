"""A graph in onnxruntime, in float32 on the CPU."""

from __future__ import annotations

from typing import Any

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
        self._graph = graph
        self._threads = 0
        self._session: Any = None

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Outputs of tensors on the CPU."""
        if self._threads != torch.get_num_threads():
            self._open(torch.get_num_threads())
        arrays = {name: one.contiguous().numpy() for name, one in zip(input_names(len(inputs)), inputs, strict=True)}
        return torch.from_numpy(self._session.run([OUTPUT], arrays)[0])

    def _open(self, threads: int) -> None:
        """Make the session for as many threads as torch has now."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads = threads
        options.log_severity_level = 3  # errors alone: warnings would go to the terminal
        # threads that wait by spinning take the cores of what is computed by torch or decoded beside it
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(self._graph, options, providers=["CPUExecutionProvider"])
