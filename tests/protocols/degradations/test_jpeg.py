"""Repeated JPEG: what each save is, and that it is an axis where saves on one grid are none."""

import io
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from detectors.checks import sample
from detectors.types import Facts, Sample
from protocols.degradations import UnknownDegradation, parse_degradation
from tests.support.pictures import photograph, psnr

PICTURE = photograph("jpeg", 90, 131)


def pillow_jpeg(pixels, quality):
    """One save by another binding of libjpeg-turbo."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality, subsampling="4:2:0")
    return np.asarray(Image.open(buffer)), len(buffer.getvalue())


@pytest.mark.parametrize("saves", [1, 2, 5])
def test_each_save_on_a_shifted_grid_is_pillows_of_the_extended_image(saves):
    expected, size = PICTURE, 0
    for save in range(saves):
        top, left = 3 * save % 16, 5 * save % 16
        extended = expected[
            np.maximum(np.arange(-top, expected.shape[0]), 0)[:, None],
            np.maximum(np.arange(-left, expected.shape[1]), 0)[None],
        ]
        saved, size = pillow_jpeg(extended, 75)
        expected = saved[top:, left:]
    degraded = parse_degradation(f"jpeg_shifted:75:{saves}")(sample(PICTURE))
    assert (degraded.pixels == expected).all()
    assert degraded.facts == Facts("JPEG", 131, 90, size, 75)


def test_each_save_at_falling_quality_is_pillows():
    expected, size = PICTURE, 0
    for quality in (25, 15, 5, 1, 1):
        expected, size = pillow_jpeg(expected, quality)
    degraded = parse_degradation("jpeg_falling:25:5")(sample(PICTURE))
    assert (degraded.pixels == expected).all()
    assert degraded.facts == Facts("JPEG", 131, 90, size, 1)


def test_one_save_on_a_shifted_grid_is_plain_jpeg():
    plain, shifted = (parse_degradation(text)(sample(PICTURE)) for text in ("jpeg:75", "jpeg_shifted:75:1"))
    assert (plain.pixels == shifted.pixels).all()
    assert plain.facts == shifted.facts


def test_saves_on_one_grid_converge_and_saves_on_shifted_grids_do_not():
    on_one, shifted = sample(PICTURE), []
    for _ in range(8):
        on_one = parse_degradation("jpeg:75")(on_one)
    once = psnr(parse_degradation("jpeg:75")(sample(PICTURE)).pixels, PICTURE)
    for saves in (1, 2, 4, 8, 16):
        shifted.append(psnr(parse_degradation(f"jpeg_shifted:75:{saves}")(sample(PICTURE)).pixels, PICTURE))
    assert once - psnr(on_one.pixels, PICTURE) < 0.5
    assert all(before - after > 0.5 for before, after in pairwise(shifted))


def test_what_cannot_be_jpeg_is_refused_in_one_line():
    long = Sample(np.zeros((1, 70_000, 3), np.uint8), Facts("RAW", 70_000, 1, 210_000))
    with pytest.raises(ValueError, match=r"^jpeg:75 cannot encode an image of 70000x1 pixels$"):
        parse_degradation("jpeg_falling:75:2")(long)


@pytest.mark.parametrize("text", ["jpeg_shifted:75", "jpeg_shifted:75:0", "jpeg_shifted:75:17", "jpeg_falling:75:2:1"])
def test_a_missing_or_superfluous_number_of_saves_is_refused(text):
    with pytest.raises(UnknownDegradation, match=r"is not known; jpeg_\w+ is written jpeg_\w+:N:M \(M times JPEG"):
        parse_degradation(text)
