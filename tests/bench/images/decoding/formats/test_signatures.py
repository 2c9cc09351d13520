"""What is not read is called what it is."""

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from bench.images.decoding.decoder import UnreadableImage, decode
from bench.images.decoding.formats.signatures import format_of
from detectors.checks import texture
from tests.support.mutated_images import saved

PICTURE = Image.fromarray(texture("signatures", 24, 33))


def ftyp(*brands, rest=b""):
    return struct.pack(">I", 12 + 4 * len(brands)) + b"ftyp" + brands[0] + b"\0\0\0\0" + b"".join(brands[1:]) + rest


def coded(suffix):
    return cv2.imencode(suffix, np.asarray(PICTURE))[1].tobytes()


NAMED = {
    "JPEG 2000": [saved(PICTURE, "JPEG2000"), b"\xff\x4f\xff\x51" + bytes(50)],
    "JPEG-LS": [b"\xff\xd8\xff\xf7\0\x0b\x08\0\x10\0\x10\1\1\x11\0\xff\xda\0\x08\1\1\0\0\0\0\0\xff\xd9"],
    "SVG": [b"<svg xmlns='x'/>", b"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- made -->\n<!DOCTYPE svg PUBLIC 'x'>\n<svg>"],
    "PDF": [b"%PDF-1.7\n"],
    "PostScript": [saved(PICTURE, "EPS")],
    "Photoshop": [b"8BPS\0\1" + bytes(20)],
    "a camera raw file": [b"II*\0\x10\0\0\0CR\2\0", b"FUJIFILMCCD-RAW ", b"IIU\0\x18", b"IIRO\x08", ftyp(b"crx ")],
    "a film": [ftyp(b"isom", b"mp41"), ftyp(b"qt  ")],
    "a web page": [b"<!DOCTYPE html>\n<html>", b"\n  <HTML>"],
    "Git LFS": [b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"],
    "Netpbm": [saved(PICTURE, "PPM")],
    "ICO": [saved(PICTURE, "ICO")],
    "NumPy": [b"\x93NUMPY\1\0"],
}


@pytest.mark.parametrize("name", NAMED)
def test_what_is_not_read_is_named(name):
    for data in NAMED[name]:
        with pytest.raises(UnreadableImage) as caught:
            decode(data, "image")
        assert name in caught.value.reason
        assert "which is not read" in caught.value.reason


@pytest.mark.parametrize(
    "data",
    [
        *(ftyp(brand, b"mif1") for brand in (b"heic", b"heix", b"hevc")),
        ftyp(b"mif1", b"heic", b"miaf"),
        ftyp(b"msf1", b"hevc"),
        ftyp(b"mif1", b"miaf", rest=b"\0\0\0\x20metainfehvc1"),
    ],
)
def test_heic_of_every_brand_is_no_avif(data):
    with pytest.raises(UnreadableImage, match=r"it is HEIC|cut off"):
        decode(data, "image")
    assert data[4:8] == b"ftyp"


@pytest.mark.parametrize(
    "data", [ftyp(b"avif"), ftyp(b"avis", b"msf1"), ftyp(b"mif1", b"avif"), ftyp(b"mif1", rest=b"metainfe__av01")]
)
def test_avif_of_every_brand_is_avif(data):
    assert format_of(data) == "AVIF"


def test_an_avif_whose_main_brand_is_of_all_such_files_is_read():
    data = saved(PICTURE, "AVIF", quality=90)
    renamed = data.replace(b"ftypavif", b"ftypmif1", 1)
    assert (decode(renamed, "image").pixels == decode(data, "image").pixels).all()


def test_a_text_of_any_kind_is_no_image_and_quickly():
    with pytest.raises(UnreadableImage, match="it is not in a format that is read: AVIF, BMP, GIF, JPEG, PNG"):
        decode(b"<!--" * 2_000_000, "image")
    with pytest.raises(UnreadableImage, match="it is not in a format that is read"):
        decode(io.BytesIO(b"just words").getvalue(), "image")
