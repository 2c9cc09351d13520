"""The modified CNN: its growing kernels, its plan, and images that are rotated in training only."""

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from torch.nn import functional

from detectors.api import Runtime, Unavailable
from detectors.architectures.plain_cnn import PlainCnn
from detectors.architectures.support.initial_weights import random_init
from detectors.checks import ToyTrainSet, same_state, sample, texture
from detectors.networks.yu_cnn import YuCnn
from detectors.preprocessing.crops import centre_square

PAPER, SMALL = YuCnn("paper"), YuCnn("small")


def slow_probability(image, state, side):
    """The network written out, then its softmax."""
    square = np.array(PillowImage.fromarray(image).resize((128, 128), PillowImage.BILINEAR))
    pixels = torch.from_numpy(centre_square(square, side))
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    values = ((pixels / 255 - mean) / std).permute(2, 0, 1)[None]
    for number in (0, 3, 6, 9):
        weight, bias = state[f"features.{number}.weight"], state[f"features.{number}.bias"]
        values = functional.max_pool2d(functional.conv2d(values, weight, bias).clamp_min(0), 2)
    values = values.flatten(1)
    for number in (0, 3, 6):
        values = (values @ state[f"dense.{number}.weight"].T + state[f"dense.{number}.bias"]).clamp_min(0)
    return torch.softmax(values @ state["fc.weight"].T + state["fc.bias"], 1)[0, 1].item()


def test_filters_double_and_kernels_grow_by_one():
    shapes = [tuple(tensor.shape) for name, tensor in PAPER.build().state_dict().items() if name.endswith("weight")]
    assert shapes[:4] == [(32, 3, 2, 2), (64, 32, 3, 3), (128, 64, 4, 4), (256, 128, 5, 5)]
    assert shapes[4:] == [(256, 4096), (128, 256), (64, 128), (2, 64)]
    fifth = PlainCnn(side=256, filters=2, layers=5, dense=8, dropout=0).features[12]
    assert fifth.weight.shape == (32, 16, 6, 6)


@pytest.mark.parametrize(("recipe", "side", "factor"), [(PAPER, 128, 50), (SMALL, 96, 0.1)])
def test_equals_a_slow_version(recipe, side, factor):
    state = random_init(recipe.network, 3)
    state["fc.weight"] *= factor  # so that images differ and their scores are not 0 or 1
    detector = recipe.restore({name: tensor.numpy() for name, tensor in state.items()}, Runtime())
    images = [texture("wide", 90, 140), texture("flat", 128, 128) // 32 * 32]
    scores = detector.score([detector.prepare(sample(image)) for image in images])
    assert scores == pytest.approx([slow_probability(image, state, side) for image in images], abs=1e-5)
    assert abs(scores[0] - scores[1]) > 1e-4


def test_the_plan():
    plan = PAPER.plan
    assert (plan.batch, plan.epochs, plan.optimiser, plan.schedule.rate) == (32, 50, "adam", 1e-3)
    assert (PAPER.view.degrees, PAPER.view.zoom) == (20, 0.2)


def test_it_stops_after_five_epochs_without_improvement():
    state = PAPER.plan.schedule.start()
    assert [state.update(accuracy) for accuracy in (0.5, 0.6, 0.6, 0.6, 0.6, 0.6)] == [True, True] + 4 * [False]
    assert not state.stopped
    state.update(0.6)
    assert state.stopped


@pytest.mark.parametrize("recipe", [PAPER, SMALL])
def test_images_are_rotated_in_training_only(recipe):
    image = texture("turned", 128, 128)
    turned = [recipe.view.training(image, np.random.default_rng(seed)) for seed in range(8)]
    shown = recipe.view.test(image)
    assert not all(np.array_equal(one, shown) for one in turned)
    assert np.array_equal(shown, centre_square(image, shown.shape[0]))
    assert np.array_equal(recipe.view.validation(image, np.random.default_rng(0)), shown)


def test_small_images_are_cropped_turned_and_mirrored_without_resampling():
    image = np.stack(np.meshgrid(np.arange(128), np.arange(128), [7]), -1)[:, :, 0].astype(np.uint8)  # x, y, 7
    seen = [SMALL.view.training(image, np.random.default_rng(seed)) for seed in range(200)]
    ways, corners = set(), set()
    for crop in seen:
        assert crop.shape == (96, 96, 3)
        down, across = (crop[1, 0].astype(int) - crop[0, 0])[:2], (crop[0, 1].astype(int) - crop[0, 0])[:2]
        ways.add((*down, *across))
        corners.add((*crop.min((0, 1))[:2],))
    assert len(ways) == 8  # four turns, mirrored or not
    assert {abs(step) for way in ways for step in way} == {0, 1}
    assert len(corners) > 150


def test_the_first_filters_of_small_networks_see_differences_and_the_signal_does_not_fade():
    network = PlainCnn(96, 16, 4, 64, 0.0)
    network.load_state_dict(random_init(SMALL.network, 0))
    flat = torch.full((1, 3, 96, 96), 0.7)
    assert network.features[0](flat).abs().max() < 1e-4
    images = torch.stack([torch.from_numpy(texture(str(index), 96, 96)).float() / 255 for index in range(8)])
    assert network(images.permute(0, 3, 1, 2)).std(0).min() > 0.1


@pytest.mark.slow
def test_fit_repeats_and_follows_the_seed():
    first, again, other = (SMALL.fit(ToyTrainSet(8), seed, Runtime()).state() for seed in (0, 0, 1))
    assert same_state(first, again)
    assert not same_state(first, other)


def test_there_is_no_checkpoint(tmp_path):
    with pytest.raises(Unavailable, match="no published checkpoint"):
        PAPER.load(tmp_path / "any.pth", Runtime())
