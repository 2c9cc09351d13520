"""Embedded colour profiles: applied, unless they say sRGB; refused where they cannot be."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from bench.images.decoding.decoder import decode, decode_with_details
from detectors.checks import texture

RGB = texture("profiles", 24, 33)
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
PRIMARIES = {b"rXYZ": (0.6097, 0.3111, 0.0195), b"gXYZ": (0.2053, 0.6257, 0.0609), b"bXYZ": (0.1492, 0.0632, 0.7446)}


def xyz(values):
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))


def curve(gamma):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"


def inks():
    """Lightness falls with the sum of inks, without colour: a table of two steps for each of four inks."""
    steps = [255 - min(255, 90 * sum(np.unravel_index(node, (2, 2, 2, 2)))) for node in range(16)]
    nodes = b"".join(bytes((step, 128, 128)) for step in steps)
    identity = struct.pack(">9i", *(65536 * (index % 4 == 0) for index in range(9)))
    return b"mft1\0\0\0\0\x04\x03\x02\0" + identity + bytes(range(256)) * 4 + nodes + bytes(range(256)) * 3


def profile(space, name):
    """A small ICC profile, version 2."""
    text = name.encode() + b"\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78),
        b"wtpt": xyz((0.9642, 1, 0.8249)),
    }
    if space == b"RGB ":
        tags |= {tag: xyz(values) for tag, values in PRIMARIES.items()}
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve(1.8))
    elif space == b"GRAY":
        tags[b"kTRC"] = curve(1.0)
    else:
        tags[b"A2B0"] = inks()
    directory, body = struct.pack(">I", len(tags)), b""
    for tag, value in tags.items():
        directory += tag + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    kind, connection = (b"prtr", b"Lab ") if space == b"CMYK" else (b"mntr", b"XYZ ")
    head = struct.pack(">I4sI4s4s4s12s4s28s", 128 + len(directory + body), b"", 0x02100000, kind, space, connection,
                       b"\x07\xd0\0\x01\0\x01\0\0\0\0\0\0", b"acsp", b"")  # fmt: skip
    head += struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + directory + body


WIDE, GREY, INK = profile(b"RGB ", "A wide space"), profile(b"GRAY", "Linear grey"), profile(b"CMYK", "Press")


def saved(image, icc, kind="PNG"):
    buffer = io.BytesIO()
    image.save(buffer, kind, icc_profile=icc)
    return buffer.getvalue()


@pytest.mark.parametrize("icc", [SRGB, profile(b"RGB ", "c2"), profile(b"RGB ", "sRGB IEC61966-2.1")])
def test_a_profile_that_calls_itself_srgb_changes_no_bit(icc):
    assert (decode(saved(Image.fromarray(RGB), icc), "image").pixels == RGB).all()
    assert (decode(saved(Image.fromarray(RGB[..., 0]), icc), "image").pixels == RGB[..., :1]).all()


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_colours_of_a_wider_space_become_more_vivid(kind):
    pale = np.full((8, 8, 3), (200, 120, 120), np.uint8)
    sample, details = decode_with_details(saved(Image.fromarray(pale), WIDE, kind), "image")
    red, green, blue = sample.pixels[4, 4].astype(int)
    assert red - (green + blue) / 2 > 85
    assert details.profile == "A wide space"


def test_white_stays_white_and_alpha_is_kept():
    pixels = np.concatenate([RGB, np.full((24, 33, 1), 255, np.uint8)], axis=2)
    pixels[:, :10] = (0, 90, 0, 0)
    pixels[:, 10:20] = 255
    whole = decode(saved(Image.fromarray(pixels), WIDE), "image").pixels
    assert (whole[:, :10] == 255).all()
    assert (whole[:, 10:20] >= 254).all()
    assert (whole[:, 20:] == decode(saved(Image.fromarray(pixels[:, 20:, :3]), WIDE), "image").pixels).all()


def test_grey_and_deep_grey_follow_their_curve():
    grey = np.full((8, 8), 55, np.uint8)
    shallow = decode(saved(Image.fromarray(grey), GREY), "image").pixels
    assert (np.abs(shallow.astype(int) - 128) < 3).all()
    deep = decode(saved(Image.fromarray(grey.astype(np.uint16) * 257), GREY), "image").pixels
    assert (deep == shallow).all()
    alpha = Image.merge("LA", [Image.fromarray(grey), Image.new("L", (8, 8), 255)])
    assert (decode(saved(alpha, GREY), "image").pixels == shallow).all()


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_inks_follow_their_table(kind):
    white = decode(saved(Image.new("CMYK", (8, 8), (0, 0, 0, 0)), INK, kind), "image").pixels
    assert (white >= 253).all()
    cyan, details = decode_with_details(saved(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), INK, kind), "image")
    assert np.ptp(cyan.pixels) < 4
    assert 120 < cyan.pixels.mean() < 190
    assert details[:4] == ("CMYK", False, "Press", ())


UNFIT = (
    ("RGB", GREY, "its colour profile is for grey and its pixels are RGB: ignored"),
    ("L", WIDE, "its colour profile is for RGB and its pixels are grey: ignored"),
    ("CMYK", SRGB, "its colour profile is for RGB and its pixels are CMYK: ignored"),
    ("RGB", b"no profile", "its colour profile is damaged and ignored"),
    ("RGB", WIDE[:150], "its colour profile is damaged and ignored"),
    ("RGB", WIDE.replace(b"gXYZ", b"none"), "its colour profile cannot be applied and is ignored"),
)
MODES = {"JPEG": ("RGB", "L", "CMYK"), "TIFF": ("RGB", "L", "CMYK"), "PNG": ("RGB", "L"), "WEBP": ("RGB",)}


@pytest.mark.parametrize(
    ("kind", "mode", "icc", "note"),
    [(kind, *case) for kind, modes in MODES.items() for case in UNFIT if case[0] in modes],
)
def test_a_profile_that_cannot_be_applied_is_passed_over_and_noted(kind, mode, icc, note):
    image = Image.fromarray(RGB).convert(mode)
    sample, details = decode_with_details(saved(image, icc, kind), "image")
    assert (sample.pixels == decode(saved(image, None, kind), "image").pixels).all()
    assert details.notes == (note,)
    assert not details.profile


def test_the_name_of_a_profile_is_short_and_printable():
    data = saved(Image.fromarray(RGB), profile(b"RGB ", "odd\n" + "x" * 60))
    assert decode_with_details(data, "image")[1].profile == "odd " + "x" * 36


def test_grey_with_a_transparent_value_follows_its_profile():
    grey = np.full((8, 8), 55, np.uint8)
    grey[0, 0] = 7
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG", icc_profile=GREY, transparency=7)
    pixels = decode(buffer.getvalue(), "image").pixels
    assert (pixels[0, 0] == 255).all()
    assert (np.abs(pixels[1:].astype(int) - 128) < 3).all()
