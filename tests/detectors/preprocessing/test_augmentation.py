"""The published augmentation: what is sampled, and what libraries make of it."""

import dataclasses
import io

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage
from scipy.ndimage import gaussian_filter
from torchvision import transforms

from detectors.checks import texture
from detectors.preprocessing.augmentation import (
    AugmentationDraw,
    BlurJpeg,
    image_rng,
    padded_centre,
    resize_shorter_side,
)

VIEW = BlurJpeg(probability=0.5, resize=None, crop=32, test_crop=48, pad=False)
PAPER = BlurJpeg(probability=0.5, resize=256, crop=224, test_crop=224, pad=True)
NOTHING = AugmentationDraw(sigma=None, quality=None, encoder="pillow", top=0.5, left=0.5, mirrored=False)


def test_augmentations_follow_name_epoch_and_seed_alone():
    first = VIEW.draw(image_rng(0, "a.png", 3))
    VIEW.draw(image_rng(0, "b.png", 3))
    assert VIEW.draw(image_rng(0, "a.png", 3)) == first
    others = [VIEW.draw(image_rng(*key)) for key in ((1, "a.png", 3), (0, "b.png", 3), (0, "a.png", 4))]
    assert first not in others


def test_augmentations_have_the_published_distribution():
    sampled = [PAPER.draw(image_rng(0, f"{index}.png", 0)) for index in range(4000)]
    sigmas = [one.sigma for one in sampled if one.sigma is not None]
    qualities = [one.quality for one in sampled if one.quality is not None]
    both = sum(one.sigma is not None and one.quality is not None for one in sampled)
    assert [len(sigmas) / 4000, len(qualities) / 4000] == pytest.approx([0.5, 0.5], abs=0.03)
    assert both / 4000 == pytest.approx(0.25, abs=0.03)  # each on its own
    assert min(sigmas) < 0.05
    assert 2.95 < max(sigmas) < 3
    assert set(qualities) == set(range(30, 101))
    assert sum(one.encoder == "pillow" for one in sampled) / 4000 == pytest.approx(0.5, abs=0.03)
    assert sum(one.mirrored for one in sampled) / 4000 == pytest.approx(0.5, abs=0.03)
    assert all(0 <= place < 1 for one in sampled for place in (one.top, one.left))


@pytest.mark.parametrize("size", [(128, 200), (300, 256), (400, 257), (31, 47), (256, 256)])
def test_resize_is_torchvisions(size):
    pixels = texture("resize", *size)
    expected = np.asarray(transforms.Resize(256)(PillowImage.fromarray(pixels)))
    assert np.array_equal(resize_shorter_side(pixels, 256), expected)


@pytest.mark.parametrize("size", [(1, 1), (31, 47), (223, 300), (300, 223), (224, 224), (225, 226), (227, 401)])
def test_padded_centre_is_torchvisions(size):
    pixels = texture("centre", *size)
    expected = np.asarray(transforms.CenterCrop(224)(PillowImage.fromarray(pixels)))
    assert np.array_equal(padded_centre(pixels, 224), expected)


def test_blur_is_scipys_on_each_channel():
    pixels = texture("blur", 48, 48)
    view = dataclasses.replace(VIEW, crop=48)
    shown = view.apply(pixels, dataclasses.replace(NOTHING, sigma=1.7))
    for channel in range(3):
        assert np.array_equal(shown[:, :, channel], gaussian_filter(pixels[:, :, channel], sigma=1.7))


@pytest.mark.parametrize("quality", [30, 71, 100])
def test_jpeg_is_that_of_each_library(quality):
    pixels = texture("jpeg", 48, 48)
    view = dataclasses.replace(VIEW, crop=48)
    with_pillow = view.apply(pixels, dataclasses.replace(NOTHING, quality=quality))
    with_opencv = view.apply(pixels, dataclasses.replace(NOTHING, quality=quality, encoder="opencv"))
    stream = io.BytesIO()
    PillowImage.fromarray(pixels).save(stream, format="jpeg", quality=quality)
    assert np.array_equal(with_pillow, np.asarray(PillowImage.open(stream)))
    bgr = np.ascontiguousarray(pixels[:, :, ::-1])
    _, data = cv2.imencode(".jpg", bgr, [int(cv2.IMWRITE_JPEG_QUALITY), quality])
    assert np.array_equal(with_opencv, cv2.imdecode(data, 1)[:, :, ::-1])


def test_crop_and_mirror_take_the_sampled_place():
    pixels = texture("crop", 40, 60)
    shown = VIEW.apply(pixels, dataclasses.replace(NOTHING, top=0.999, left=0, mirrored=True))
    assert np.array_equal(shown, pixels[8:40, :32][:, ::-1])
    assert VIEW.apply(texture("small", 10, 60), NOTHING).shape == (32, 32, 3)


def test_order_is_resize_blur_jpeg_crop():
    pixels = texture("order", 100, 140)
    sampled = AugmentationDraw(sigma=1.2, quality=50, encoder="pillow", top=0.5, left=0.25, mirrored=False)
    image = np.asarray(transforms.Resize(256)(PillowImage.fromarray(pixels)))
    image = np.stack([gaussian_filter(image[:, :, channel], sigma=1.2) for channel in range(3)], axis=2)
    stream = io.BytesIO()
    PillowImage.fromarray(image).save(stream, format="jpeg", quality=50)
    image = np.asarray(PillowImage.open(stream))
    left = int(0.25 * (image.shape[1] - 224 + 1))
    assert np.array_equal(PAPER.apply(pixels, sampled), image[16:240, left : left + 224])


def test_validation_is_fixed_in_strength_and_place():
    pixels = texture("validation", 260, 300)
    blurred = gaussian_filter(resize_shorter_side(pixels, 256), (1.5, 1.5, 0))
    shown = [PAPER.validation(pixels, image_rng(0, f"{index}", 0)) for index in range(40)]
    plain = padded_centre(resize_shorter_side(pixels, 256), 224)
    assert any(np.array_equal(one, plain) for one in shown)
    assert any(np.array_equal(one, padded_centre(blurred, 224)) for one in shown)
    assert len({one.tobytes() for one in shown}) == 4  # with and without blur, with and without JPEG
