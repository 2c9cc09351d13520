"""Colour stated by code points: converted to sRGB, or read as sRGB and noted."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from bench.images.decoding.decoder import decode_with_details
from detectors.checks import texture
from tests.support.mutated_images import WIDE, chunk, saved, with_png_chunk

RGB = texture("codes", 24, 33)
P3_TO_SRGB = np.array([[1.2249, -0.2247, 0], [-0.0420, 1.0419, 0], [-0.0197, -0.0786, 1.0979]])  # CSS Color 4


def png(pixels, *codes, matrix=0, full=1, icc=None):
    data = saved(Image.fromarray(pixels), "PNG", icc_profile=icc)
    mark = chunk(b"cICP", bytes((*codes, matrix, full)))
    return with_png_chunk(data, mark) if icc is None else data[:33] + mark + data[33:]


def avif(pixels, primaries, transfer):
    data = saved(Image.fromarray(pixels), "AVIF", quality=100, subsampling="4:4:4")
    place = data.index(b"nclx") + 4
    return data[:place] + struct.pack(">HH", primaries, transfer) + data[place + 4 :]


def linear(encoded):
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def encoded(light):
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("make", [png, avif])
def test_display_p3_becomes_srgb(make):
    sample, details = decode_with_details(make(RGB, 12, 13), "image")
    stored = decode_with_details(make(RGB, 1, 13), "image")[0].pixels
    expected = 255 * encoded(linear(stored / 255) @ P3_TO_SRGB.T)
    assert np.abs(sample.pixels - expected).max() <= 2
    assert np.abs(sample.pixels.astype(int) - stored).max() > 8
    assert details.profile == "Display P3"
    assert details.notes == ()


@pytest.mark.parametrize(("code", "gamma"), [(4, 2.2), (5, 2.8), (8, 1.0)])
def test_a_curve_is_converted(code, gamma):
    grey = np.repeat(np.arange(256, dtype=np.uint8), 8).reshape(256, 8)
    for pixels in (grey, np.stack([grey] * 3, axis=2)):
        found = decode_with_details(png(pixels, 1, code), "image")[0].pixels
        expected = 255 * encoded((np.arange(256) / 255) ** gamma)
        assert np.abs(found[:, 0, 0] - expected).max() <= 2
        assert np.ptp(found.astype(int), axis=2).max() <= 1


@pytest.mark.parametrize("codes", [(1, 13), (2, 2), (1, 2), (2, 13)])
def test_what_states_srgb_or_nothing_keeps_every_bit(codes):
    sample, details = decode_with_details(png(RGB, *codes), "image")
    assert (sample.pixels == RGB).all()
    assert details.notes == ()


@pytest.mark.parametrize(
    ("codes", "note"),
    [
        ((9, 16), "its colour code points 9/16 cannot be converted: read as sRGB"),
        ((1, 18), "its colour code points 1/18 cannot be converted: read as sRGB"),
        ((3, 13), "its colour code points 3/13 cannot be converted: read as sRGB"),
        ((1, 1), "its colour code points 1/1 state the curve of video: read as that of sRGB"),
    ],
)
@pytest.mark.parametrize("make", [png, avif])
def test_what_cannot_be_converted_is_noted(make, codes, note):
    sample, details = decode_with_details(make(RGB, *codes), "image")
    assert (sample.pixels == decode_with_details(make(RGB, 1, 13), "image")[0].pixels).all()
    assert details.notes == (note,)


def test_wider_primaries_with_the_curve_of_video_are_converted_and_noted():
    sample, details = decode_with_details(png(RGB, 9, 14), "image")
    assert np.abs(sample.pixels.astype(int) - RGB).max() > 8
    assert (details.profile, len(details.notes)) == ("BT.2020", 1)


def test_grey_stays_grey_and_alpha_is_kept():
    grey = np.stack([RGB[..., 0]] * 3, axis=2)
    assert np.abs(decode_with_details(png(grey, 12, 13), "image")[0].pixels.astype(int) - grey).max() <= 1
    clear = np.concatenate([RGB, np.zeros_like(RGB[..., :1])], axis=2)
    assert (decode_with_details(png(clear, 12, 13), "image")[0].pixels == 255).all()


def test_code_points_of_a_png_come_before_its_profile_unless_they_cannot_be_converted():
    assert (decode_with_details(png(RGB, 1, 13, icc=WIDE), "image")[0].pixels == RGB).all()
    by_profile = decode_with_details(saved(Image.fromarray(RGB), "PNG", icc_profile=WIDE), "image")[0].pixels
    assert (decode_with_details(png(RGB, 9, 16, icc=WIDE), "image")[0].pixels == by_profile).all()


@pytest.mark.parametrize("stated", [{"matrix": 1}, {"full": 0}])
def test_samples_that_a_png_cannot_hold_are_not_converted(stated):
    assert (decode_with_details(png(RGB, 12, 13, **stated), "image")[0].pixels == RGB).all()


def test_a_profile_of_an_avif_comes_before_its_code_points():
    data = saved(Image.fromarray(RGB), "AVIF", quality=90, icc_profile=WIDE)
    assert decode_with_details(data, "image")[1].notes == ()
    with Image.open(io.BytesIO(data)) as image:
        assert image.info["icc_profile"] == WIDE
