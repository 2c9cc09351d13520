"""The small DINO's training repeats, minimises what DINO minimises, and ships under its own hash."""

import json

import numpy as np
import pytest
import torch

from bench.embedded.pretraining import small_dino
from bench.embedded.pretraining.determinism import seeded
from bench.embedded.pretraining.small_dino import (
    CONFIG,
    STUDENT_TEMPERATURE,
    TEACHER_TEMPERATURE,
    DistillationNetwork,
    _update_teacher,
    distillation_loss,
    random_crops,
    train_small_dino,
)
from detectors.api import Runtime
from detectors.embedders.dino_tower import DinoTower, load_tower
from detectors.weight_file import hashed_file
from detectors.weights import locations

EFFORT = 0.0005


def silent(name, done, total):
    assert name
    assert 0 < done <= total


@pytest.fixture(scope="module")
def brief():
    """Train for twenty small steps."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_dino, "BATCH", 8)
        yield lambda out: train_small_dino(out, silent, EFFORT)


@pytest.fixture(scope="module")
def trained(brief, tmp_path_factory):
    out = tmp_path_factory.mktemp("distilled")
    brief(out)
    return out


@pytest.mark.slow
def test_training_repeats(brief, trained, tmp_path):
    brief(tmp_path)
    for name in ("small_dino.safetensors", "small_dino.json"):
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes()


def test_result_loads_strictly_and_its_card_knows_it(trained):
    card = json.loads((trained / "small_dino.json").read_text())
    found = hashed_file(trained / "small_dino.safetensors")
    load_tower(DinoTower("small_dino", card["network"], found, 128), Runtime())
    assert card["sha256"] == found.sha256
    assert card["network"] == CONFIG
    assert found.path.stat().st_size < 350_000


def test_distance_is_the_cross_entropy_of_different_crops():
    rng = np.random.default_rng(0)
    student, teacher, centre = rng.normal(size=(4, 3, 5)), rng.normal(size=(2, 3, 5)), rng.normal(size=5)
    losses = []
    for one in range(2):
        for other in range(4):
            if one != other:
                wanted = np.exp((teacher[one] - centre) / TEACHER_TEMPERATURE)
                said = np.exp(student[other] / STUDENT_TEMPERATURE)
                share, guess = wanted / wanted.sum(1, keepdims=True), said / said.sum(1, keepdims=True)
                losses.append(-(share * np.log(guess)).sum(1).mean())
    found = distillation_loss(*(torch.from_numpy(array) for array in (student, teacher, centre)))
    assert float(found) == pytest.approx(np.mean(losses))


def test_the_teacher_follows_the_student():
    teacher, student = seeded(0, DistillationNetwork), seeded(1, DistillationNetwork)
    before = teacher.first.weight.detach().clone()
    _update_teacher(teacher, student, 0.9)
    assert torch.allclose(teacher.first.weight, 0.9 * before + 0.1 * student.first.weight)


def test_crops_lie_on_the_grid_of_jpeg_and_half_are_mirrored():
    place = np.zeros((64, 128, 128, 3), np.uint8)
    place[..., 0] = (np.arange(128) // 8 % 2 * 100 + 50)[:, None]
    place[..., 1] = np.arange(128)
    made = random_crops(np.random.default_rng(0), place, 48)
    assert made.shape == (64, 48, 48, 3)
    bands = made[:, :, 0, 0].reshape(64, 6, 8)
    assert (bands == bands[:, :, :1]).all()
    assert (bands[:, 1:, 0] != bands[:, :-1, 0]).all()
    assert len(np.unique(bands[:, 0, 0])) > 20  # of many brightnesses
    mirrored = made[:, 0, 0, 1] > made[:, 0, -1, 1]
    assert 16 < mirrored.sum() < 48


def test_shipped_weights_come_from_this_training():
    card = locations.shipped_card("small_dino")
    assert card["network"] == CONFIG
    measured = card["linear_probes_commonest_class_or_not_on_held_out_scenes"]
    assert measured["kind"]["accuracy"] > measured["kind"]["majority"] + 0.1
    assert locations.shipped_file("small_dino").path.stat().st_size < 350_000
