"""A graph in onnxruntime, in float32 on the CPU."""

from __future__ import annotations

from functools import cache

import onnxruntime
import torch
from torch import Tensor

from bench.inference.graphs import OUTPUT, input_names


# threads of torch from which on all sessions share theirs, of which a run of many detectors would have thousands; shared
# ones wait by spinning, which takes the cores of what torch computes in between where there are few of them
SHARED_FROM = 8


class OnnxRuntimeSession:
    """A graph that onnxruntime computes.

    Args:
        graph: An ONNX model.
    """

    def __init__(self, graph: bytes) -> None:
        options, threads = onnxruntime.SessionOptions(), torch.get_num_threads()
        if threads < SHARED_FROM:
            options.intra_op_num_threads = threads
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        else:
            _share_threads()
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
    """Let sessions of this process compute on the same threads, as many as torch has."""
    onnxruntime.set_global_thread_pool_sizes(torch.get_num_threads(), 1)
