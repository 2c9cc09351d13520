"""A graph in onnxruntime, in float32 on the CPU."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import onnxruntime
import torch
from torch import Tensor

from bench.inference.graphs import OUTPUT, input_names


class OnnxRuntimeSession:
    """A graph that onnxruntime computes.

    Args:
        graph: Gives an ONNX model, which is not kept: a session has its own copy of all weights.
    """

    def __init__(self, graph: Callable[[], bytes]) -> None:
        self._graph = graph
        self._threads = torch.get_num_threads()
        self._session = self._open()

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Outputs of tensors on the CPU."""
        if self._threads != torch.get_num_threads():
            self._threads = torch.get_num_threads()
            self._session = self._open()
        arrays = {name: one.contiguous().numpy() for name, one in zip(input_names(len(inputs)), inputs, strict=True)}
        return torch.from_numpy(self._session.run([OUTPUT], arrays)[0])

    def _open(self) -> Any:  # noqa: ANN401 - onnxruntime has no types
        """A session of as many threads as torch has now."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3  # errors alone: warnings would go to the terminal
        # threads that wait by spinning take the cores of what is computed by torch or decoded beside it
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(self._graph(), options, providers=["CPUExecutionProvider"])
