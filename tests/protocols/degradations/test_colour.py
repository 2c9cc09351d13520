"""Tone and colour against torchvision's functions of tensors, or against the formula."""

import cv2
import numpy as np
import pytest
import torch
from torchvision.transforms.v2 import functional

from detectors.checks import sample
from protocols.degradations import parse_degradation
from tests.support.pictures import photograph

PICTURE = photograph("colour", 47, 66)
TENSOR = torch.from_numpy(PICTURE).permute(2, 0, 1)


@pytest.mark.parametrize("factor", [0, 0.8, 1, 1.2, 3])
@pytest.mark.parametrize("kind", ["brightness", "contrast", "saturation"])
def test_jitter_is_torchvisions_within_a_level(kind, factor):
    # a factor that is a whole number in Python lets 8-bit tensors overflow in torchvision
    expected = getattr(functional, f"adjust_{kind}")(TENSOR, float(factor)).permute(1, 2, 0).numpy()
    found = parse_degradation(f"{kind}:{factor}")(sample(PICTURE)).pixels
    tolerance = 1 + max(0, factor - 1)  # luma, cut in one and rounded in the other, is weighed by the factor
    assert np.abs(found.astype(int) - expected).max() <= tolerance


@pytest.mark.parametrize("exponent", [0.4, 1, 1.5, 2.2])
def test_gamma_is_torchvisions(exponent):
    expected = functional.adjust_gamma(TENSOR, exponent).permute(1, 2, 0).numpy()
    found = parse_degradation(f"gamma:{exponent}")(sample(PICTURE)).pixels
    assert np.abs(found.astype(int) - expected).max() <= 1
    assert (found != expected).mean() < 0.02  # torchvision computes in float32


def test_gamma_1_and_posterise_8_change_nothing():
    for text in ("gamma:1", "posterise:8", "brightness:1", "contrast:1", "saturation:1"):
        assert (parse_degradation(text)(sample(PICTURE)).pixels == PICTURE).all()


def test_greyscale_is_luma_in_all_channels():
    expected = cv2.cvtColor(PICTURE, cv2.COLOR_RGB2GRAY)
    found = parse_degradation("greyscale")(sample(PICTURE)).pixels
    assert (found == found[..., :1]).all()
    assert np.abs(found[..., 0].astype(int) - expected).max() <= 1
    assert np.abs(found[..., 0] - PICTURE @ np.array([0.299, 0.587, 0.114])).max() <= 0.51


@pytest.mark.parametrize("bits", [1, 4, 7])
def test_posterising_keeps_the_highest_bits(bits):
    step = 2 ** (8 - bits)
    assert (parse_degradation(f"posterise:{bits}")(sample(PICTURE)).pixels == PICTURE // step * step).all()
    assert (functional.posterize(TENSOR, bits).permute(1, 2, 0).numpy() == PICTURE // step * step).all()


def test_a_vignette_darkens_with_the_squared_distance():
    found = parse_degradation("vignette:0.6")(sample(PICTURE)).pixels
    for row, column in [(0, 0), (46, 65), (23, 10), (5, 40), (46, 0)]:
        down, right = (row - 23) / 23, (column - 32.5) / 32.5
        expected = PICTURE[row, column] * (1 - 0.6 * (down**2 + right**2) / 2)
        assert np.abs(found[row, column] - expected).max() <= 0.51
    corners = parse_degradation("vignette:1")(sample(PICTURE)).pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners == 0).all()
    assert (found[23, 32] == PICTURE[23, 32]).all()
