"""Sessions of OpenVINO, which no usual installation has."""

import pytest
import torch
from torch import nn

from bench.inference.backends import choose_backend
from bench.inference.graphs import graph_of
from bench.platform.errors import InputError

pytestmark = pytest.mark.slow


@pytest.fixture
def openvino_session():
    pytest.importorskip("openvino", reason="pip install 'lineup-bench[openvino]'")
    from bench.inference import openvino_session

    return openvino_session


def test_bfloat16_that_the_processor_lacks_is_refused(openvino_session, monkeypatch, tmp_path):
    monkeypatch.setattr(openvino_session, "multiplies_bfloat16", lambda: False)
    with pytest.raises(InputError, match="has no bfloat16 on this processor and would compute in float32: choose"):
        choose_backend("openvino", "cpu", "bfloat16", tmp_path)
    monkeypatch.setattr(openvino_session, "multiplies_bfloat16", lambda: True)
    assert choose_backend("openvino", "cpu", "bfloat16", tmp_path).library("transformer") == "openvino"


@pytest.mark.parametrize(("precision", "largest"), [("float32", 1e-5), ("bfloat16", 0.1)])
def test_it_computes_in_the_precision_that_is_stated(openvino_session, tmp_path, precision, largest):
    if precision == "bfloat16" and not openvino_session.multiplies_bfloat16():
        pytest.skip("a processor without bfloat16")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 2, 3), nn.Flatten()).eval()
    session = openvino_session.OpenVinoSession(graph_of(network, ((3, 12, 12),), tmp_path), precision)
    for size in (1, 3):
        images = torch.rand(size, 3, 12, 12)
        change = (session(images) - network(images)).abs().max()
        assert change < largest
        assert precision == "float32" or change > 1e-4
