"""JPEG, with and without an end marker: read where its scan is complete, refused where it is cut off or filled."""

import io

import numpy as np
import pytest
from PIL import Image

from bench.images.decoding.decoder import UnreadableImage, decode, decode_with_details
from bench.images.decoding.structure import ENDS_EARLY
from detectors.checks import texture
from tests.support.mutated_images import saved

PICTURE = Image.fromarray(texture("scans", 61, 77))
KINDS = {
    "baseline": saved(PICTURE, "JPEG", quality=80),
    "fine": saved(PICTURE, "JPEG", quality=100, subsampling=0, optimize=True),
    "coarse": saved(PICTURE, "JPEG", quality=3),
    "grey": saved(PICTURE.convert("L"), "JPEG"),
    "inks": saved(PICTURE.convert("CMYK"), "JPEG"),
    "progressive": saved(PICTURE, "JPEG", progressive=True),
    "restarts": saved(PICTURE, "JPEG", restart_marker_blocks=1),
}

RESTARTS = {bytes((0xFF, 0xD0 + number)) for number in range(8)}


def refused(data):
    try:
        decode(data, "image")
    except UnreadableImage as error:
        return error.reason == "it is cut off: the JPEG structure ends early"
    return False


@pytest.mark.parametrize("kind", KINDS)
def test_a_complete_scan_is_read_and_noted(kind):
    data = KINDS[kind]
    for missing in (1, 2):
        sample, details = decode_with_details(data[:-missing], "image")
        assert (sample.pixels == decode(data, "image").pixels).all()
        assert details.notes == (ENDS_EARLY,)


@pytest.mark.parametrize("kind", KINDS)
def test_a_scan_that_is_cut_off_is_refused(kind):
    data = KINDS[kind]
    for missing in (*range(4, 24), *range(24, len(data), len(data) // 12)):
        assert refused(data[:-missing]), missing


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("filling", [b"\0", b"\xff"])
def test_a_download_that_was_filled_up_is_refused(kind, filling):
    data = KINDS[kind]
    for missing in (10, 100, len(data) // 2):
        assert refused(data[:-missing] + filling * missing), missing
        assert refused(data[:-missing] + filling * 4000), missing


def test_a_file_that_ends_between_two_restarts_is_refused():
    data = KINDS["restarts"]
    ends = [place for place in range(data.index(b"\xff\xda"), len(data) - 1) if data[place : place + 2] in RESTARTS]
    assert len(ends) > 10
    assert all(refused(data[:end]) and refused(data[: end + 2]) for end in ends)


def test_a_progressive_file_that_ends_between_two_scans_is_refused():
    data = KINDS["progressive"]
    ends = [place for place in range(len(data)) if data[place : place + 2] in {b"\xff\xda", b"\xff\xc4"}]
    assert len(ends) > 10
    assert all(refused(data[:end]) for end in ends)


def test_scans_of_one_component_each_are_all_needed():
    scans = _one_component_each(PICTURE.resize((16, 16)))
    assert np.asarray(Image.open(io.BytesIO(b"".join(scans) + b"\xff\xd9"))).shape == (16, 16, 3)
    assert decode_with_details(b"".join(scans), "image")[1].notes == (ENDS_EARLY,)
    assert refused(b"".join(scans[:3]))


def _one_component_each(image):
    """The head of a baseline JPEG of 16 x 16 pixels, and a scan of each component with only a mean in each block."""
    data = saved(image, "JPEG", subsampling=0)
    head = data[: data.index(b"\xff\xda")]
    scans = [b"\xff\xda\0\x08\x01" + bytes((name, 0x11 * (name > 1), 0, 63, 0)) for name in (1, 2, 3)]
    # a difference of 1 and the end of the block, then three blocks of none, in the standard tables of luma and chroma
    luma, chroma = "010" + "1" + "1010" + "001010" * 3, "01" + "1" + "00" + "0000" * 3
    bits = [row.ljust(-(-len(row) // 8) * 8, "1") for row in (luma, chroma, chroma)]
    return [head, *(scan + int(row, 2).to_bytes(len(row) // 8, "big") for scan, row in zip(scans, bits, strict=True))]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.1, 0.5, 0.85])
def test_a_scan_that_is_cut_off_before_an_end_marker_is_refused(kind, share):
    data = KINDS[kind]
    scan = data.rindex(b"\xff\xda") + 20
    assert refused(data[: scan + int((len(data) - scan) * share)].rstrip(b"\xff") + b"\xff\xd9")


def test_zeros_in_place_of_the_rest_before_an_end_marker_are_refused():
    data = KINDS["baseline"]
    assert refused(data[: len(data) // 2] + bytes(len(data) // 2) + b"\xff\xd9")


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}, {"restart_marker_blocks": 1}])
@pytest.mark.parametrize("colour", ["white", "grey", "red"])
def test_a_picture_that_ends_in_one_colour_is_read(options, colour):
    image = PICTURE.copy()
    image.paste(colour, (20, 10, *image.size))
    data = saved(image, "JPEG", **options)
    assert (decode(data, "flat").pixels == np.asarray(Image.open(io.BytesIO(data)))).all()
