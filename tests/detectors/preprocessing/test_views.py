"""Views: sampled first, then applied by pure functions; sizes, channel orders and filters are the published ones."""

import cv2
import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from torchvision import transforms

from detectors.checks import texture
from detectors.preprocessing.augmentation import image_rng
from detectors.preprocessing.views import (
    QuarterTurnView,
    RescaledView,
    RotatedView,
    SquareView,
    resize_to_square,
    rotate_and_scale,
)

SQUARED = SquareView(64, 48, 48, mirror=True)
BGR = SquareView(64, 48, 40, mirror=False, library="opencv", channels="bgr")
VIEWS = [SQUARED, BGR, RescaledView(64, 16, 32), RotatedView(64, 20, 0.2), QuarterTurnView(64, 48)]
SIZES = [(1, 1), (2, 300), (64, 64), (63, 65), (200, 90)]


@pytest.mark.parametrize("view", VIEWS, ids=["rgb", "bgr", "rescaled", "rotated", "turned"])
@pytest.mark.parametrize("size", SIZES)
def test_any_size_becomes_one_size(view, size):
    image = texture("size", *size)
    kept = image.copy()
    image.flags.writeable = False
    rng = np.random.default_rng(0)
    for shown in (view.training(image, rng), view.validation(image, rng), view.test(image)):
        assert shown.dtype == np.uint8
        assert shown.flags.c_contiguous
        assert shown.shape[0] == shown.shape[1] in {40, 48, 64}
    assert (image == kept).all()


@pytest.mark.parametrize("view", VIEWS, ids=["rgb", "bgr", "rescaled", "rotated", "turned"])
def test_the_random_numbers_alone_decide(view):
    image = texture("draw", 90, 70)
    first, again, other = (view.training(image, image_rng(0, "a.png", epoch)) for epoch in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_squares_are_those_of_torchvision():
    image = texture("pillow", 90, 70)
    shown = transforms.Compose([transforms.Resize((64, 64)), transforms.CenterCrop(48)])(PillowImage.fromarray(image))
    assert np.array_equal(SQUARED.test(image), np.asarray(shown))


def test_bgr_squares_are_those_of_opencv():
    image = texture("opencv", 90, 70)
    read = cv2.resize(image[:, :, ::-1].copy(), (64, 64))  # as `cv2.imread` orders the channels
    assert np.array_equal(BGR.test(image), read[12:52, 12:52])
    assert np.array_equal(RescaledView(64, 16, 32).test(image), read)


def test_training_crops_reach_every_place_and_both_sides():
    rows, columns = np.indices((64, 64), np.uint8)
    image = np.stack([rows, columns, rows], 2)
    assert np.array_equal(SQUARED.apply(image, 16, 3, mirrored=True), image[16:64, 3:51][:, ::-1])
    shown = [SQUARED.training(image, np.random.default_rng(seed)) for seed in range(500)]
    mirrored = [bool(one[0, 0, 1] > one[0, -1, 1]) for one in shown]
    assert {one[0, 0, 0] for one in shown} == {one[0, :, 1].min() for one in shown} == set(range(17))
    assert 0.4 < np.mean(mirrored) < 0.6
    assert not any(
        np.diff(BGR.training(image, np.random.default_rng(seed))[0, :, 1].astype(int)).min() < 0 for seed in range(50)
    )


def test_a_rescaled_image_loses_detail():
    image = texture("detour", 64, 64)
    shown = RescaledView(64, 16, 16).training(image, np.random.default_rng(0))
    assert np.array_equal(shown, cv2.resize(cv2.resize(image, (16, 16)), (64, 64))[:, :, ::-1])


def test_values_go_from_0_to_255():
    view = RescaledView(64, 16, 32)
    pixels = torch.arange(256.0)
    assert torch.allclose((pixels / 255 - view.mean[0]) / view.std[0], pixels, atol=1e-4)


def test_rotation_is_about_the_centre():
    image = texture("turn", 32, 32)
    assert np.array_equal(rotate_and_scale(image, 0, 1, mirrored=False), image)
    assert np.array_equal(rotate_and_scale(image, 0, 1, mirrored=True), image[:, ::-1])
    assert np.array_equal(rotate_and_scale(image, 90, 1, mirrored=False), np.rot90(image))
    larger = rotate_and_scale(image, 0, 2, mirrored=False)
    expected = cv2.resize(image[8:24, 8:24], (32, 32))
    assert np.abs(larger[4:-4, 4:-4].astype(int) - expected[4:-4, 4:-4]).max() <= 3


def test_a_square_of_the_right_size_is_left_alone():
    image = texture("same", 64, 64)
    assert resize_to_square(image, 64, "pillow") is image
