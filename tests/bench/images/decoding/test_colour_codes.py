"""Colour stated by code points: converted to sRGB, or read as sRGB and noted."""

import io
import re
import struct

import numpy as np
import pytest
from PIL import Image

from bench.images.decoding.decoder import decode_with_details
from bench.images.decoding.formats.av1 import stream_colour
from bench.images.decoding.formats.boxes import examine_boxes
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
    return patched(data, data.index(b"nclx") + 4, primaries, transfer)


def patched(data, place, primaries, transfer):
    return data[:place] + struct.pack(">HH", primaries, transfer) + data[place + 4 :]


def with_stream_codes(data, primaries, transfer, *, drop):
    """An AVIF whose stream states other code points; its boxes state none where `drop`."""
    start = data.index(b"mdat") + 4
    head = int.from_bytes(data[start : start + 40], "big")
    (shift,) = [shift for shift in range(320) if head >> shift & 0xFFFFFF == 0x010D06]  # 1, 13, 6 as Pillow writes them
    head ^= (0x010D06 ^ (primaries << 16 | transfer << 8 | 6)) << shift
    data = data[:start] + head.to_bytes(40, "big") + data[start + 40 :]
    return data.replace(b"colr", b"free") if drop else data


def avif_sequence(pixels):
    frames = [Image.fromarray(np.roll(pixels, shift, axis=1)) for shift in (5, 9)]
    return saved(Image.fromarray(pixels), "AVIF", quality=100, subsampling="4:4:4", save_all=True, append_images=frames)


def avif_still(pixels):
    return saved(Image.fromarray(pixels), "AVIF", quality=100, subsampling="4:4:4")


@pytest.mark.parametrize("make", [avif_still, avif_sequence])
def test_colour_that_a_stream_alone_states_is_converted(make):
    stored = decode_with_details(make(RGB), "image")[0].pixels
    sample, details = decode_with_details(with_stream_codes(make(RGB), 12, 13, drop=True), "image")
    assert details.profile == "Display P3"
    expected = 255 * encoded(linear(stored / 255) @ P3_TO_SRGB.T)
    assert np.abs(sample.pixels - expected).max() <= 2
    assert np.abs(sample.pixels.astype(int) - stored).max() > 8


@pytest.mark.parametrize("make", [avif_still, avif_sequence])
def test_boxes_come_before_the_stream_and_a_stream_that_cannot_be_converted_is_noted(make):
    stored = decode_with_details(make(RGB), "image")[0].pixels
    data = with_stream_codes(make(RGB), 12, 13, drop=False)
    assert (decode_with_details(data, "image")[0].pixels == stored).all()
    found, details = decode_with_details(with_stream_codes(make(RGB), 9, 16, drop=True), "image")
    assert (found.pixels == stored).all()
    assert details.notes[-1] == "its colour code points 9/16 cannot be converted: read as sRGB"
    plain = decode_with_details(make(RGB).replace(b"colr", b"free"), "image")
    assert (plain[0].pixels == stored).all()
    assert not any("colour" in note for note in plain[1].notes)


def test_the_colour_of_a_sequence_is_that_of_its_track():
    data = avif_sequence(RGB)
    item, track = (place.end() for place in re.finditer(b"nclx", data))
    assert decode_with_details(patched(data, item, 12, 13), "image")[1].profile == ""
    assert decode_with_details(patched(data, track, 12, 13), "image")[1].profile == "Display P3"
    start = data.index(b"meta") - 4
    alone = data[:start] + data[start:].replace(b"meta", b"free", 1)
    assert examine_boxes(patched(alone, track, 12, 13)).codes[:2] == (12, 13)


@pytest.mark.parametrize("make", [avif_still, avif_sequence])
def test_a_stream_that_ends_anywhere_states_its_colour_or_none(make):
    stream = make(RGB)[make(RGB).index(b"mdat") + 4 :]
    found = [stream_colour(stream[:size]) for size in range(60)]
    assert found[-1] == (1, 13)
    assert set(found) == {None, (1, 13)}


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


GAMMA = "its gamma (PNG gAMA) is not that of sRGB and is ignored"
PRIMARIES = "its primaries (PNG cHRM) are not those of sRGB and are ignored"
SRGB_CHROMATICITIES = (31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
ADOBE_RGB = (31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)


def with_chunks(data, *chunks):
    return (
        data[:33]
        + b"".join(chunk(kind, struct.pack(f">{len(numbers)}I", *numbers)) for kind, *numbers in chunks)
        + data[33:]
    )


@pytest.mark.parametrize(
    ("chunks", "notes"),
    [
        ([(b"gAMA", 45455)], ()),
        ([(b"gAMA", 45000), (b"cHRM", *SRGB_CHROMATICITIES)], ()),
        ([(b"cHRM", 31269, 32899, *SRGB_CHROMATICITIES[2:])], ()),
        ([(b"gAMA", 55556)], (GAMMA,)),
        ([(b"gAMA", 100000), (b"cHRM", *ADOBE_RGB)], (GAMMA, PRIMARIES)),
        ([(b"gAMA", 45455), (b"cHRM", *ADOBE_RGB)], (PRIMARIES,)),
        ([(b"gAMA", 0)], ()),
        ([(b"gAMA", 55556, 0), (b"cHRM", 1)], ()),
    ],
)
def test_a_gamma_and_primaries_of_a_png_that_are_not_those_of_srgb_are_noted(chunks, notes):
    sample, details = decode_with_details(with_chunks(png(RGB, 2, 2, full=0), *chunks), "image")
    assert (sample.pixels == RGB).all()
    assert details.notes == notes


@pytest.mark.parametrize("stated", ["sRGB", "iCCP", "cICP"])
def test_what_states_colour_better_comes_before_a_gamma_and_primaries(stated):
    makers = {
        "sRGB": lambda: with_png_chunk(saved(Image.fromarray(RGB), "PNG"), chunk(b"sRGB", b"\0")),
        "iCCP": lambda: saved(Image.fromarray(RGB), "PNG", icc_profile=WIDE),
        "cICP": lambda: png(RGB, 12, 13),
    }
    data = with_chunks(makers[stated](), (b"gAMA", 100000), (b"cHRM", *ADOBE_RGB))
    assert decode_with_details(data, "image")[1].notes == ()


def test_grey_has_a_gamma_and_no_primaries():
    data = with_chunks(saved(Image.fromarray(RGB).convert("L"), "PNG"), (b"gAMA", 55556), (b"cHRM", *ADOBE_RGB))
    assert decode_with_details(data, "image")[1].notes == (GAMMA,)
