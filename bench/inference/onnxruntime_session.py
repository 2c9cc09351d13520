"""A graph in onnxruntime, in float32 on the CPU."""

from __future__ import annotations

import onnxruntime
import torch
from torch import Tensor

from bench.inference.graphs import OUTPUT, input_names

MOST_THREADS = 16  # of a session: a run holds hundreds of them, each with its own


class OnnxRuntimeSession:
    """A graph that onnxruntime computes.

    Args:
        graph: An ONNX model.
    """

    def __init__(self, graph: bytes) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(torch.get_num_threads(), MOST_THREADS)
        # threads that wait by spinning take the cores of what torch computes in between; shared ones always do
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.enable_cpu_mem_arena = False  # each session would keep memory for its largest maps
        options.log_severity_level = 4  # what goes wrong is raised: lines of its log would go to the terminal
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        self._session._model_bytes = None  # noqa: SLF001 - it would keep all weights twice, for other providers

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Outputs of tensors on the CPU."""
        arrays = {name: one.contiguous().numpy() for name, one in zip(input_names(len(inputs)), inputs, strict=True)}
        return torch.from_numpy(self._session.run([OUTPUT], arrays)[0])
