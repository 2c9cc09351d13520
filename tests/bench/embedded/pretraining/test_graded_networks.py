"""Pretraining by grading repeats, grades what it says it grades, and its results ship under their own hashes."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from bench.embedded.pretraining.graded_networks import (
    DEIT,
    FIRST_SCENE,
    RESNET,
    SWIN,
    copy_stem,
    train_graded_network,
)
from bench.embedded.pretraining.labelled_scenes import TASKS, render_labelled_scenes
from bench.embedded.scenes.scene import render
from detectors.weight_file import hashed_file
from detectors.weights import locations
from detectors.weights.loading import load_strict
from detectors.weights.reading import read

EFFORT = 0.0008


def silent(name, done, total):
    assert name
    assert 0 < done <= total


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with a shortly trained ResNet, and a DeiT whose stem started from it."""
    out = tmp_path_factory.mktemp("pretrained")
    for graded in (RESNET, DEIT):
        train_graded_network(graded, out, out, silent, EFFORT)
    return out


@pytest.mark.slow
def test_training_repeats(trained, tmp_path):
    train_graded_network(RESNET, tmp_path, tmp_path, silent, EFFORT)
    for name in ("small_resnet.safetensors", "small_resnet.json"):
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes()


@pytest.mark.parametrize("graded", [RESNET, DEIT])
def test_result_loads_strictly_and_its_card_knows_it(trained, graded):
    found = hashed_file(trained / f"{graded.name}.safetensors")
    load_strict(graded.make(sum(TASKS.values())), read(found), found.path)
    card = json.loads((trained / f"{graded.name}.json").read_text())
    assert card["sha256"] == found.sha256
    assert card["outputs"] == TASKS
    assert found.path.stat().st_size < 1_000_000


def test_a_stem_starts_from_the_small_resnet():
    shipped = load_file(locations.shipped_file("small_resnet").path)
    for graded in (DEIT, SWIN):
        network = graded.make(1)
        copy_stem(network, graded.stem, shipped)
        state = network.state_dict()
        copied = [name for name in shipped if f"{graded.stem}{name}" in state]
        assert {"conv1.weight", "bn1.running_var", "layer1.conv2.weight"} <= set(copied)
        assert all(torch.equal(state[f"{graded.stem}{name}"].half(), shipped[name].half()) for name in copied)


def test_labels_follow_the_scene():
    scenes = render_labelled_scenes(FIRST_SCENE, 40, silent)
    first = render(FIRST_SCENE)
    tasks = list(TASKS)
    assert ("leaves", "landscape", "objects", "structure")[scenes.labels[0, 0]] == first.kind
    assert ("none", "area", "cubic", "linear")[scenes.labels[0, tasks.index("resampling")]] == first.resampling
    assert (scenes.labels[0, tasks.index("sharpening")] > 0) == (first.camera.sharpening > 0)
    assert (scenes.labels >= 0).all()
    assert (scenes.labels < np.array(list(TASKS.values()))).all()
    assert all(len(np.unique(column)) > 1 for column in scenes.labels.T)


@pytest.mark.parametrize("graded", [RESNET, DEIT, SWIN])
def test_shipped_weights_come_from_this_training(graded):
    card = locations.shipped_card(graded.name)
    assert card["outputs"] == TASKS
    training = card["training"]
    assert training["steps"] == graded.steps
    assert training["optimiser"].startswith(f"AdamW, {graded.learning_rate} in")
    assert training.get("max_gradient_norm", float("inf")) == graded.max_gradient_norm
    assert ("stem" in training) == (graded.stem is not None)
    assert all(task["accuracy"] > task["majority"] for task in card["accuracy_on_held_out_scenes"].values())
