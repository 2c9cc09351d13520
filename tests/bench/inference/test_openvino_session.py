"""Sessions of OpenVINO, which no usual installation has."""

import pytest
import torch
from torch import nn

from bench.inference.graphs import graph_of

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("precision", "largest"), [("float32", 1e-5), ("bfloat16", 0.1)])
def test_it_computes_in_the_precision_that_is_stated(tmp_path, precision, largest):
    pytest.importorskip("openvino", reason="pip install 'lineup-bench[openvino]'")
    from bench.inference.openvino_session import OpenVinoSession

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 2, 3), nn.Flatten()).eval()
    session = OpenVinoSession(graph_of(network, ((3, 12, 12),), tmp_path), precision)
    for size in (1, 3):
        images = torch.rand(size, 3, 12, 12)
        change = (session(images) - network(images)).abs().max()
        assert change < largest
