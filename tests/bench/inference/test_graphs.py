"""Graphs of bodies: one for all weights, and another one for whatever else differs."""

from functools import partial

import onnx
import pytest
import torch
from torch import nn

from bench.inference.graphs import graph_of
from bench.inference.onnxruntime_session import OnnxRuntimeSession

SHAPES = ((3, 16, 16),)
IMAGES = torch.rand(5, 3, 16, 16, generator=torch.Generator().manual_seed(0))


class Small(nn.Module):
    def __init__(self, gain=1.0, channels=4):
        super().__init__()
        self.conv = nn.Conv2d(3, channels, 3)
        self.first, self.second = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
        self.fc = nn.Linear(channels, 1)
        self.gain = gain

    def forward(self, images):
        return self.fc(self.second(torch.relu(self.first(self.conv(images)))).mean((2, 3))) * self.gain


def small(seed=0, **settings):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return Small(**settings).eval()


def outputs(network, folder, images=IMAGES):
    return OnnxRuntimeSession(partial(graph_of, network, SHAPES, folder))(images)


def test_networks_that_differ_in_their_weights_share_one_graph_and_keep_their_outputs(tmp_path):
    for seed in range(3):
        network = small(seed)
        assert outputs(network, tmp_path).allclose(network(IMAGES), atol=1e-6)
    (file,) = tmp_path.iterdir()
    assert not any(tensor.raw_data for tensor in onnx.load_model(file).graph.initializer if "." in tensor.name)


def test_weights_that_are_equal_in_one_network_are_not_in_another(tmp_path):
    fresh = small()  # scales of 1, biases and means of 0
    assert outputs(fresh, tmp_path).allclose(fresh(IMAGES), atol=1e-6)
    other = small()
    with torch.no_grad():
        other.first.bias += 0.3
        other.second.running_mean -= 0.2
        other.second.running_var *= 4
    assert outputs(other, tmp_path).allclose(other(IMAGES), atol=1e-6)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("other", [{"gain": -2.0}, {"channels": 5}])
def test_whatever_else_differs_makes_another_graph(tmp_path, other):
    outputs(small(), tmp_path)
    network = small(**other)
    assert outputs(network, tmp_path).allclose(network(IMAGES), atol=1e-6)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_tensor_that_is_no_weight_makes_another_graph(tmp_path):
    network, other = small(), small()
    network.gain, other.gain = torch.tensor([2.0]), torch.tensor([3.0])
    assert outputs(network, tmp_path).allclose(network(IMAGES), atol=1e-6)
    assert outputs(other, tmp_path).allclose(other(IMAGES), atol=1e-6)


@pytest.mark.parametrize("damage", [b"", b"no graph at all"])
def test_a_damaged_file_is_made_again(tmp_path, damage):
    network = small()
    graph_of(network, SHAPES, tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    assert outputs(network, tmp_path).allclose(network(IMAGES), atol=1e-6)
    assert file.read_bytes() != damage


def test_exporting_changes_neither_the_network_nor_the_global_random_state(tmp_path):
    network, state = small(), torch.random.get_rng_state()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    graph_of(network, SHAPES, tmp_path)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert not network.training


def test_outputs_depend_on_no_other_image_of_the_batch(tmp_path):
    session = OnnxRuntimeSession(partial(graph_of, small(), SHAPES, tmp_path))
    assert torch.equal(session(IMAGES), torch.cat([session(image[None]) for image in IMAGES]))
