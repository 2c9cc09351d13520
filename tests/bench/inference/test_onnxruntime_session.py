"""Sessions of onnxruntime."""

from functools import partial

import torch
from torch import nn

from bench.inference import onnxruntime_session
from bench.inference.graphs import graph_of
from bench.inference.onnxruntime_session import OnnxRuntimeSession
from detectors.architectures.support.torch_contexts import torch_threads


def test_it_computes_with_as_many_threads_as_torch(tmp_path, monkeypatch):
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten()).eval()
    opened = []
    real = onnxruntime_session.onnxruntime.InferenceSession

    def watched(graph, options, **further):
        opened.append(options.intra_op_num_threads)
        return real(graph, options, **further)

    monkeypatch.setattr(onnxruntime_session.onnxruntime, "InferenceSession", watched)
    images = torch.rand(2, 3, 8, 8)
    with torch_threads(1):
        session = OnnxRuntimeSession(partial(graph_of, network, ((3, 8, 8),), tmp_path))
    for count in (1, 2, 1):
        with torch_threads(count):
            session(images)
    assert opened == [1, 2, 1]
