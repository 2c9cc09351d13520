"""What cards say of networks is what the networks are."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from detectors import catalogue

NETWORKS = [name for name in catalogue.names() if hasattr(catalogue.recipe(name), "network")]


def shown_side(recipe):
    """Side of the images that the network takes."""
    if hasattr(recipe, "view"):
        return recipe.view.test(np.zeros((600, 600, 3), np.uint8)).shape[0]
    return 224 if recipe.setting == "paper" else 128


@pytest.mark.parametrize("setting", [pytest.param("paper", marks=pytest.mark.slow), "small"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_card_states_the_size_of_its_network(name, setting):
    recipe = catalogue.recipe(name, setting)
    side, stated = shown_side(recipe), recipe.variant.size
    with torch.device("meta"):
        network = recipe.network().train()
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(2, 3, side, side))
    assert stated.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert stated.gflops == pytest.approx(counter.get_total_flops() / 4e9, rel=0.01)


@pytest.mark.parametrize("name", sorted(set(catalogue.names()) - set(NETWORKS)))
def test_without_a_network_no_size_is_stated(name):
    assert all(variant.size is None for variant in catalogue.recipe(name).variants.values())
