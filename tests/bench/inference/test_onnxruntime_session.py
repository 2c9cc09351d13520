"""Sessions of onnxruntime."""

import torch
from torch import nn

from bench.inference import onnxruntime_session
from bench.inference.graphs import graph_of
from bench.inference.onnxruntime_session import MOST_THREADS, OnnxRuntimeSession


def test_it_computes_with_the_threads_of_torch_and_not_with_hundreds(tmp_path, monkeypatch):
    network, opened = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten()).eval(), []
    graph, real = graph_of(network, ((3, 8, 8),), tmp_path), onnxruntime_session.onnxruntime.InferenceSession

    def watched(graph, options, **further):
        opened.append(options.intra_op_num_threads)
        return real(graph, options, **further)

    monkeypatch.setattr(onnxruntime_session.onnxruntime, "InferenceSession", watched)
    for count in (1, 2, 500):
        monkeypatch.setattr(torch, "get_num_threads", lambda count=count: count)
        OnnxRuntimeSession(graph)
    assert opened == [1, 2, MOST_THREADS]


def test_a_session_keeps_no_second_copy_of_the_weights(tmp_path):
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten()).eval()
    session = OnnxRuntimeSession(graph_of(network, ((3, 8, 8),), tmp_path))
    held = [value for value in vars(session._session).values() if isinstance(value, bytes)]
    assert held == []
