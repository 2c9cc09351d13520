"""The picture of a TIFF is its first page of full size, wherever thumbnails and reduced copies stand."""

import io
import struct

import numpy as np
import pytest
from PIL import Image

from bench.images.decoding.decoder import UnreadableImage, decode_with_details
from bench.images.decoding.structure import DAMAGED_EXIF, ENDS_EARLY
from detectors.checks import texture
from tests.support.mutated_images import exif_block, saved

RGB = texture("tiff", 24, 33)
SMALL = RGB[::3, ::3].copy()
SHORT, LONG = 3, 4
PAGES = "it holds several pages: the first is read"


def tiff(*pages, inside=(), order="<"):
    """A TIFF of pages, each pixels and further fields {tag: (type, value)}; those inside are named by the first."""
    data = bytearray((b"II*\0" if order == "<" else b"MM\0*") + bytes(4))
    starts = [_append(data, pixels, fields, order) for pixels, fields in inside]
    link = 4
    for number, (pixels, fields) in enumerate(pages):
        more = {330: (LONG, starts)} if starts and not number else {}
        start = _append(data, pixels, {**fields, **more}, order)
        struct.pack_into(order + "I", data, link, start)
        link = len(data) - 4
    return bytes(data)


def _append(data, pixels, fields, order):
    """Add pixels and their directory, whose last four bytes are the link to the next; the offset of the directory."""
    strip = len(data)
    data += pixels.tobytes() + bytes(pixels.size % 2)
    bits, directories = len(data), dict(fields)
    data += struct.pack(order + "4H", 8, 8, 8, 0)
    height, width = pixels.shape[:2]
    whole = {256: (LONG, width), 257: (LONG, height), 258: (SHORT, bits), 259: (SHORT, 1), 262: (SHORT, 2)}
    whole |= {273: (LONG, strip), 277: (SHORT, 3), 278: (LONG, height), 279: (LONG, pixels.size)} | directories
    many = whole.get(330, (LONG, []))[1]
    if len(many) > 1:
        place = len(data)
        data += struct.pack(f"{order}{len(many)}I", *many)
    start = len(data)
    data += struct.pack(order + "H", len(whole))
    for tag in sorted(whole):
        kind, value = whole[tag]
        count = 3 if tag == 258 else len(value) if tag == 330 else 1
        if tag == 330:
            value = place if len(value) > 1 else value[0]
        code = "I" if kind == LONG or count > 1 else "H2x"
        data += struct.pack(f"{order}HHI{code}", tag, kind, count, value)
    data += bytes(4)
    return start


REDUCED, MASK, OLD_REDUCED = {254: (LONG, 1)}, {254: (LONG, 4)}, {255: (SHORT, 2)}
CASES = {
    "alone": (tiff((RGB, {})), ()),
    "a thumbnail behind it": (tiff((RGB, {}), (SMALL, REDUCED)), ()),
    "a thumbnail before it": (tiff((SMALL, REDUCED), (RGB, {})), ()),
    "an old thumbnail before it": (tiff((SMALL, OLD_REDUCED), (RGB, {})), ()),
    "a mask before it": (tiff((SMALL, MASK), (RGB, {})), ()),
    "a pyramid behind it": (tiff((RGB, {}), *[(SMALL[:size], REDUCED) for size in (8, 4, 2)]), ()),
    "a pyramid inside it": (tiff((RGB, {}), inside=[(SMALL, REDUCED), (SMALL[:4], REDUCED)]), ()),
    "inside a thumbnail": (tiff((SMALL, REDUCED), inside=[(SMALL[:4], REDUCED), (RGB, {})]), ()),
    "alone inside a thumbnail": (tiff((SMALL, REDUCED), inside=[(RGB, {})]), ()),
    "called reduced and alone": (tiff((RGB, REDUCED)), ()),
    "another page": (tiff((RGB, {}), (SMALL, {})), (PAGES,)),
    "a thumbnail, then two pages": (tiff((SMALL, REDUCED), (RGB, {}), (SMALL, {})), (PAGES,)),
    "big-endian": (tiff((SMALL, REDUCED), (RGB, {}), order=">"), ()),
}


@pytest.mark.parametrize("case", CASES)
def test_the_first_page_of_full_size_is_read(case):
    data, notes = CASES[case]
    sample, details = decode_with_details(data, "image")
    assert (sample.pixels == RGB).all()
    assert details.notes == notes


def test_pages_in_a_circle_end():
    data = bytearray(tiff((RGB, {}), (SMALL, {})))
    struct.pack_into("<I", data, len(data) - 4, struct.unpack_from("<I", data, 4)[0])
    assert (decode_with_details(bytes(data), "image")[0].pixels == RGB).all()


def test_a_further_page_that_is_cut_off_is_noted():
    data = tiff((RGB, {}), (SMALL, {}))
    sample, details = decode_with_details(data[:-30], "image")
    assert (sample.pixels == RGB).all()
    assert details.notes == (ENDS_EARLY,)


@pytest.mark.parametrize("fields", [{262: (SHORT, 32803)}, {262: (SHORT, 34892)}, {50706: (LONG, 1)}])
def test_camera_raw_is_named(fields):
    with pytest.raises(UnreadableImage, match="it is a camera raw file, which is not read"):
        decode_with_details(tiff((SMALL, REDUCED), (RGB, fields)) if 262 in fields else tiff((RGB, fields)), "image")


def test_exif_that_leads_nowhere_is_passed_over_and_noted():
    sample, details = decode_with_details(tiff((RGB, {34665: (LONG, 2**20)})), "image")
    assert (sample.pixels == RGB).all()
    assert details.notes == (DAMAGED_EXIF,)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_once(orientation):
    data = saved(Image.fromarray(RGB), "TIFF", exif=exif_block(orientation))
    turned = saved(Image.fromarray(RGB), "PNG", exif=exif_block(orientation))
    found = decode_with_details(data, "image")[0].pixels
    assert (found == decode_with_details(turned, "image")[0].pixels).all()
    with Image.open(io.BytesIO(data)) as image:
        assert np.asarray(image).shape == found.shape
