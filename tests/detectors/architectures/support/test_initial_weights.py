"""Networks without weights are those with weights but for the numbers, and draw none."""

import re

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from detectors.architectures.support.initial_weights import on_meta_device, random_init


def network():
    made = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))
    nn.init.kaiming_normal_(tensor=made[0].weight)
    nn.init.normal_(made[2].bias, std=0.1)
    return made


def test_a_network_without_weights_has_the_parts_of_one_with_them():
    without, drawn = on_meta_device(network).state_dict(), random_init(network, 0)
    assert {name: (one.shape, one.dtype) for name, one in without.items()} == {
        name: (one.shape, one.dtype) for name, one in drawn.items()
    }
    assert {one.device.type for one in without.values()} == {"meta"}


class Seen(TorchDispatchMode):
    """Keeps the names of what is computed."""

    def __init__(self):
        super().__init__()
        self.names = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        self.names.append(function.__name__)
        return function(*args, **(kwargs or {}))


def test_nothing_is_drawn_for_it_and_drawing_goes_on_after_it():
    expected = random_init(network, 0)
    with Seen() as without:
        on_meta_device(network)
    with Seen() as drawn:
        again = random_init(network, 0)
    drawing = re.compile("normal_|uniform_")
    assert any(map(drawing.match, drawn.names))
    assert without.names
    assert not any(map(drawing.match, without.names))
    assert all(torch.equal(expected[name], one) for name, one in again.items())
