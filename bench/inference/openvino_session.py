"""A graph in OpenVINO on the CPU, in a precision that is always stated: by itself it takes bfloat16 where it can."""

from __future__ import annotations

import openvino
import torch
from torch import Tensor

from detectors.types import NetworkPrecision

PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


def multiplies_bfloat16() -> bool:
    """Whether OpenVINO computes in bfloat16 on this processor; where it does not, it takes float32 without a word."""
    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


class OpenVinoSession:
    """A graph that OpenVINO computes.

    Args:
        graph: An ONNX model.
        precision: Of its products and convolutions.
    """

    def __init__(self, graph: bytes, precision: NetworkPrecision) -> None:
        core = openvino.Core()
        settings = {
            "INFERENCE_PRECISION_HINT": PRECISIONS[precision],
            "INFERENCE_NUM_THREADS": torch.get_num_threads(),
            "PERFORMANCE_HINT": "LATENCY",  # one batch at a time on all threads
        }
        self._compiled = core.compile_model(core.read_model(graph, b""), "CPU", settings)

    def __call__(self, *inputs: Tensor) -> Tensor:
        """Outputs of tensors on the CPU."""
        (outputs,) = self._compiled([one.contiguous().numpy() for one in inputs]).values()
        return torch.from_numpy(outputs.copy())
