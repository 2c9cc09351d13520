"""Sessions of onnxruntime."""

import os

import pytest
import torch
from torch import nn

from bench.inference import onnxruntime_session
from bench.inference.graphs import graph_of
from bench.inference.onnxruntime_session import OnnxRuntimeSession


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="threads are counted on Linux")  # noqa: PTH112
def test_sessions_share_their_threads_where_there_are_many(tmp_path, monkeypatch):
    monkeypatch.setattr(onnxruntime_session, "SHARED_FROM", 1)
    network, images = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten()).eval(), torch.rand(2, 3, 8, 8)
    graph, sessions, threads = graph_of(network, ((3, 8, 8),), tmp_path), [], []
    for _ in range(6):
        sessions.append(OnnxRuntimeSession(graph))
        assert sessions[-1](images).allclose(network(images), atol=1e-6)
        threads.append(len(os.listdir("/proc/self/task")))  # noqa: PTH208
    assert threads[0] == threads[-1]


def test_a_session_keeps_no_second_copy_of_the_weights(tmp_path):
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten()).eval()
    session = OnnxRuntimeSession(graph_of(network, ((3, 8, 8),), tmp_path))
    held = [value for value in vars(session._session).values() if isinstance(value, bytes)]
    assert held == []
