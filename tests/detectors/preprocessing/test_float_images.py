"""Views of images as tensors: as those of 8-bit images, but for rounding, and with a gradient."""

import numpy as np
import pytest
import torch

from detectors.checks import texture
from detectors.networks.f3net import WholeImageView
from detectors.preprocessing.augmentation import BlurJpeg
from detectors.preprocessing.entry_scripts import EntryScript, ScriptView
from detectors.preprocessing.views import QuarterTurnView, RescaledView, RotatedView, SquareView, ZoomedView

PADDED = BlurJpeg(0, None, crop=32, test_crop=64, pad=True)
VIEWS = [
    PADDED,
    BlurJpeg(0, None, crop=32, test_crop=64, pad=False),
    SquareView(48, 32, 48, mirror=True),
    SquareView(48, 32, 32, mirror=True, library="opencv", channels="bgr"),
    RescaledView(48, 32, 64),
    RotatedView(48, 10, 0.1),
    QuarterTurnView(48, 40),
    ZoomedView(48, 40),
    WholeImageView(48),
    *(ScriptView(PADDED, EntryScript("", fitting, 48, 40)) for fitting in ("none", "shorter side", "square", "repeat")),
    ScriptView(PADDED, EntryScript("", "repeat", 40, None)),
]
SIZES = [(64, 64), (48, 48), (97, 70), (40, 131), (31, 20), (1, 1)]


def tensor(pixels):
    return torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 255


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("view", VIEWS, ids=repr)
def test_a_tensor_is_shown_as_the_image(view, size):
    pixels = texture("shown", *size)
    expected = view.test(pixels)
    shown = view.test_floats(tensor(pixels))[0].permute(1, 2, 0).numpy() * 255
    assert shown.shape == expected.shape
    # Pillow and OpenCV round between the two axes, where a bicubic filter overshoots white and black too
    bicubic = isinstance(view, (ZoomedView, WholeImageView))
    assert np.abs(shown - expected).max() <= (8 if bicubic else 2)
    assert np.abs(shown - expected).mean() <= 0.5


@pytest.mark.parametrize("view", VIEWS, ids=repr)
def test_gradients_flow_to_what_is_shown(view):
    images = tensor(texture("gradient", 97, 70)).requires_grad_()
    (gradient,) = torch.autograd.grad(view.test_floats(images).sum(), images)
    shown = (gradient[0].sum(0) != 0).float().mean()
    centre = gradient[0, :, 40:56, 30:40]
    assert (centre != 0).any()
    assert 0.1 < shown <= 1
