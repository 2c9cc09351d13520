"""Trainings in epochs: how many there are at most, and a detector that is there before any."""

import numpy as np
import pytest

from detectors import catalogue
from detectors.api import Runtime
from detectors.checks import ToyTrainSet, sample, texture
from detectors.epochs import TrainedInEpochs


def test_what_has_a_training_in_epochs_says_how_many_at_most():
    found = {name: catalogue.recipe(name, "small") for name in catalogue.names()}
    trained = {name for name, recipe in found.items() if isinstance(recipe, TrainedInEpochs)}
    assert {"cnnspot", "resnet18", "coding_cost", "f3net"} <= trained
    assert not trained & {"hog_svm", "clip_probe", "checkerboard", "ensemble_mean"}
    assert catalogue.recipe("cnnspot", "paper").most_epochs == 10_000
    assert all(found[name].most_epochs >= 1 for name in trained)


def test_a_training_calls_after_no_more_epochs_than_it_says():
    recipe, numbers = catalogue.recipe("resnet18", "small"), []
    recipe.fit(ToyTrainSet(16), 0, Runtime(on_epoch=lambda number, _: numbers.append(number)))
    assert numbers == list(range(len(numbers)))
    assert 1 <= len(numbers) <= recipe.most_epochs


@pytest.mark.parametrize("name", ["resnet18", "fredect_net", "aot_pixelnet"])
def test_an_untrained_network_scores_images(name):
    detector = catalogue.recipe(name, "small").untrained(Runtime())
    scores = detector.score([detector.prepare(sample(texture(text))) for text in "abc"])
    assert scores.shape == (3,)
    assert np.isfinite(scores).all()
    assert detector.history == ()


def test_a_coder_has_none_before_its_training():
    assert catalogue.recipe("coding_cost", "small").untrained(Runtime()) is None
