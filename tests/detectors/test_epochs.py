"""Trainings in epochs: how many there are at most, and a detector that is there before any."""

import numpy as np
import pytest
import torch

from detectors import catalogue
from detectors.api import Runtime
from detectors.checks import ToyTrainSet, same_state, sample, texture
from detectors.epochs import FineTunable, TrainedInEpochs, training_follows_threads
from detectors.training import network_recipe


def test_what_has_a_training_in_epochs_says_how_many_at_most():
    found = {name: catalogue.recipe(name, "small") for name in catalogue.names()}
    trained = {name for name, recipe in found.items() if isinstance(recipe, TrainedInEpochs)}
    assert {"cnnspot", "resnet18", "coding_cost", "f3net"} <= trained
    assert not trained & {"hog_svm", "clip_probe", "checkerboard", "ensemble_mean"}
    assert catalogue.recipe("cnnspot", "paper").most_epochs == 10_000
    assert all(found[name].most_epochs >= 1 for name in trained)


def test_no_small_training_depends_on_the_number_of_cores():
    recipes = (catalogue.recipe(name, "small") for name in catalogue.names())
    assert not [recipe.card.name for recipe in recipes if training_follows_threads(recipe)]


@pytest.mark.parametrize("name", ["fredect_net", "yu_deit", "npr"])
def test_a_small_training_learns_the_same_whatever_the_number_of_cores(name):
    states = []
    for threads in (1, 2):
        torch.set_num_threads(threads)  # the fixture of all detectors' tests puts it back
        states.append(catalogue.recipe(name, "small").fit(ToyTrainSet(16), 0, Runtime()).state())
    assert same_state(*states)


def test_large_trainings_compute_with_all_threads():
    for name in ("cnnspot", "coding_cost", "swin_t"):
        assert training_follows_threads(catalogue.recipe(name, "paper")), name
    assert training_follows_threads(catalogue.recipe("two_stage", "paper", second="cnnspot"))
    for name in ("hog_svm", "clip_probe", "clip_mlp"):
        assert not training_follows_threads(catalogue.recipe(name, "paper")), name


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


QUICK = {"cnnspot", "f3net", "npr", "resnet18_pairs", "deit_s"}
TUNED = [name for name in catalogue.names() if isinstance(catalogue.recipe(name, "small"), FineTunable)]


def test_networks_alone_can_be_fine_tuned():
    assert {"cnnspot", "resnet18_pairs", "f3net", "npr"} <= set(TUNED)
    assert not set(TUNED) & {"hog_svm", "clip_probe", "rine", "ensemble_mean", "coding_cost", "checkerboard"}


@pytest.fixture
def three_epochs(monkeypatch):
    """Fine-tuning of three epochs: what is asserted of ten holds of them."""
    assert network_recipe.FINE_TUNING_EPOCHS == 10
    monkeypatch.setattr(network_recipe, "FINE_TUNING_EPOCHS", 3)


@pytest.mark.usefixtures("three_epochs")
@pytest.mark.parametrize("name", [one if one in QUICK else pytest.param(one, marks=pytest.mark.slow) for one in TUNED])
def test_a_network_goes_on_from_its_weights_with_one_image_of_each_class_and_keeps_its_statistics(name):
    recipe, train = catalogue.recipe(name, "small"), ToyTrainSet(2)
    before = recipe.untrained(Runtime()).state()
    first, again = (recipe.fine_tune(before, train, 0, Runtime()) for _ in range(2))
    assert same_state(first.state(), again.state())
    assert len(first.history) == recipe.fine_tuning_epochs == 3
    assert np.isnan([row["validation_accuracy"] for row in first.history]).all()
    assert len({row["rate"] for row in first.history}) == 1
    changed = {key for key, array in first.state().items() if not np.array_equal(array, before[key])}
    assert changed
    assert not [key for key in changed if "running_" in key or "num_batches" in key]
    other = recipe.fine_tune(first.state(), train, 0, Runtime())
    assert not same_state(other.state(), first.state())
