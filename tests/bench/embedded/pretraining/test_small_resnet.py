"""The small residual network's pretraining repeats, grades what it says it grades, and ships under its own hash."""

import json

import numpy as np
import pytest

from bench.embedded.pretraining.labelled_scenes import TASKS, render_labelled_scenes
from bench.embedded.pretraining.small_resnet import FIRST_SCENE, train_small_resnet
from bench.embedded.scenes.scene import render
from detectors.architectures.small_networks import SmallResNet
from detectors.weight_file import hashed_file
from detectors.weights import locations
from detectors.weights.loading import load_strict, read

EFFORT = 0.0008


def silent(name, done, total):
    assert name
    assert 0 < done <= total


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    out = tmp_path_factory.mktemp("pretrained")
    train_small_resnet(out, silent, EFFORT)
    return out


def test_training_repeats(trained, tmp_path):
    train_small_resnet(tmp_path, silent, EFFORT)
    for name in ("small_resnet.safetensors", "small_resnet.json"):
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes()


def test_result_loads_strictly_and_its_card_knows_it(trained):
    found = hashed_file(trained / "small_resnet.safetensors")
    load_strict(SmallResNet(sum(TASKS.values())), read(found), found.path)
    card = json.loads((trained / "small_resnet.json").read_text())
    assert card["sha256"] == found.sha256
    assert card["outputs"] == TASKS
    assert found.path.stat().st_size < 1_000_000


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


def test_shipped_weights_come_from_this_training():
    card = locations.shipped_card("small_resnet")
    assert card["outputs"] == TASKS
    assert all(task["accuracy"] > task["majority"] for task in card["accuracy_on_held_out_scenes"].values())
