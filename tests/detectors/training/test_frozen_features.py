"""Features of frozen layers that are kept: the same weights to the last bit, and nothing kept that may change."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from detectors import catalogue
from detectors.api import Runtime
from detectors.checks import ToyTrainSet, same_state
from detectors.training import loop
from detectors.training.fine_tuning import FineTuning
from detectors.training.frozen_features import with_features_kept

RECIPE = catalogue.recipe("yu_deit", "small")
STAGES = (("head",), ("body",))


class Counting(nn.Sequential):
    """A network that counts the images that go through what is below its head."""

    def __init__(self, *below):
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), *below)
        self.head = nn.Linear(12, 1)
        self.images = 0

    def forward(self, images):
        self.images += len(images)
        return self.head(self.body(images))


@pytest.fixture
def images():
    train = ToyTrainSet(8)
    return [train[index].pixels[:2, :2].copy() for index in range(8)]


@pytest.fixture
def show():
    """Show images twice to a network, as they are trained on with some tuning and view; gives how many went through."""

    def shown(images, network, tuning, view=RECIPE.view):
        network.train()
        log_odds = with_features_kept(
            lambda batch: network(torch.stack([torch.from_numpy(one).float() for one in batch]))[:, 0],
            network,
            tuning,
            view,
            Runtime(),
        )
        first, again = log_odds(images), log_odds(images[::-1])
        assert torch.equal(first.flip(0), again)
        return network.images

    return shown


def test_a_frozen_network_is_computed_once_per_image(images, show):
    assert show(images, Counting(), FineTuning("top", STAGES)) == len(images)


@pytest.mark.parametrize("tune", ["all", "staged"])
def test_what_is_trained_is_computed_anew(images, show, tune):
    assert show(images, Counting(), FineTuning(tune, STAGES)) == 2 * len(images)


def test_images_that_vary_are_not_kept(images, show):
    mirrored = replace(RECIPE.view, mirror=True)
    assert show(images, Counting(), FineTuning("top", STAGES), mirrored) == 2 * len(images)


def test_nothing_is_kept_behind_statistics_of_the_batch(images, show):
    normalised = Counting(nn.BatchNorm1d(12, affine=False))
    assert show(images, normalised, FineTuning("top", STAGES)) == 2 * len(images)


@pytest.mark.slow
def test_weights_are_those_of_a_training_that_keeps_nothing(monkeypatch):
    train, kept = ToyTrainSet(40), RECIPE.fit(ToyTrainSet(40), 0, Runtime())
    monkeypatch.setattr(loop, "with_features_kept", lambda log_odds, *_: log_odds)
    anew = RECIPE.fit(train, 0, Runtime())
    assert same_state(kept.state(), anew.state())
    numbers = [[row[name] for name in ("train_loss", "validation_loss")] for row in (*kept.history, *anew.history)]
    assert numbers[: len(kept.history)] == numbers[len(kept.history) :]
