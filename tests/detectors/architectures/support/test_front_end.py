"""Front ends of networks, whatever the precision of their bodies."""

import pytest
import torch

from detectors import catalogue
from detectors.architectures.support.front_end import BodyModule, FrontEndNetwork, body_inputs
from detectors.training.network_recipe import NORMALISED_PIXELS, NetworkRecipe

QUICK = {"cnnspot", "npr", "spec", "f3net", "deit_s"}  # one of each kind of front end, and a transformer
NETWORKS = [name for name in catalogue.names() if isinstance(catalogue.recipe(name, "small"), NetworkRecipe)]


def images_for(recipe):
    side = recipe.view.test(torch.zeros(300, 300, 3, dtype=torch.uint8).numpy()).shape[0]
    return torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    "name", [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in NETWORKS]
)
def test_mixed_precision_leaves_the_front_end_alone_and_not_the_body(name):
    recipe = catalogue.recipe(name, "small")
    network, images = recipe.network().eval(), images_for(recipe)
    assert isinstance(network, FrontEndNetwork) == (recipe.variant.front_end != NORMALISED_PIXELS)
    expected = body_inputs(network, images)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        mixed, outputs = body_inputs(network, images), network(images)
    assert all(torch.equal(one, other) for one, other in zip(mixed, expected, strict=True))
    assert all(one.dtype == torch.float32 for one in expected)
    assert outputs.dtype == torch.bfloat16
    with torch.no_grad():
        assert torch.equal(BodyModule(network)(*expected), network(images))


def test_a_network_without_a_front_end_reads_images():
    network, images = torch.nn.Flatten(), torch.rand(1, 3, 2, 2)
    assert body_inputs(network, images) == (images,)
    assert torch.equal(BodyModule(network)(images), images.flatten(1))
