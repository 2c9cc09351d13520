"""A thousand damaged files: each is an image or is refused with a reason, and nothing is printed, warned of or huge."""

import io
import resource
import struct

import cv2
import numpy as np
import pytest
from PIL import Image, features

from bench.images.decoding.completeness import MAX_PIXELS
from bench.images.decoding.decoder import UnreadableImage, decode, size_of
from detectors.api import Sample
from detectors.checks import texture

RGB = texture("mutations", 48, 64)
MUTANTS = 1000


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def originals():
    """One small file of every kind that is read."""
    rgb = Image.fromarray(RGB)
    rgba = Image.fromarray(np.concatenate([RGB, RGB[..., :1]], axis=2))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a description"
    files = {
        "baseline.jpg": saved(rgb, "JPEG", quality=85, exif=exif),
        "progressive.jpg": saved(rgb, "JPEG", quality=85, progressive=True),
        "rgb.png": saved(rgb, "PNG"),
        "palette.png": saved(rgb.quantize(32), "PNG", transparency=3),
        "deep.png": cv2.imencode(".png", RGB.astype(np.uint16) * 257)[1].tobytes(),
        "alpha.png": saved(rgba, "PNG"),
        "lossy.webp": saved(rgb, "WEBP", quality=70),
        "lossless.webp": saved(rgba, "WEBP", lossless=True, exif=exif),
        "plain.bmp": saved(rgb, "BMP"),
        "raw.tiff": saved(rgb, "TIFF"),
        "lzw.tiff": saved(rgb, "TIFF", compression="tiff_lzw", exif=exif),
        "picture.gif": saved(rgb.quantize(64), "GIF"),
    }
    if features.check("avif"):
        files["picture.avif"] = saved(rgb, "AVIF", quality=70)
    return files


FILES = originals()


def read(data):
    """The sample, or the reason why there is none; anything else fails the test."""
    try:
        sample = decode(data, "image")
    except UnreadableImage as error:
        reason = error.reason
    else:
        return checked(sample)
    assert reason
    assert reason.isprintable()
    assert "0x" not in reason
    return reason


def checked(sample):
    assert isinstance(sample, Sample)
    assert sample.pixels.dtype == np.uint8
    assert sample.pixels.shape == (sample.facts.height, sample.facts.width, 3)
    return sample


def flip(data, rng):
    """One to four bits flipped."""
    mutant = bytearray(data)
    for place in rng.integers(0, len(data), rng.integers(1, 5)):
        mutant[place] ^= 1 << int(rng.integers(8))
    return bytes(mutant)


def cut(data, rng):
    return data[: rng.integers(0, len(data))]


def cut_at_a_boundary(data, rng):
    """An end where a marker, a chunk or a box may begin."""
    markers = [
        data.find(marker, 4) for marker in (b"\xff\xda", b"IDAT", b"IEND", b"VP8", b"mdat", b"\x2c\0\0", b"\xff\xd9")
    ]
    markers = [marker - rng.integers(0, 5) for marker in markers if marker > 0] or [8]
    return data[: rng.choice(markers)]


def clear(data, rng):
    """A range of zeros."""
    start = int(rng.integers(0, len(data)))
    length = min(int(rng.integers(1, 200)), len(data) - start)
    return data[:start] + bytes(length) + data[start + length :]


def splice(data, rng):
    """The beginning of one file and the end of another."""
    other = list(FILES.values())[rng.integers(len(FILES))]
    return data[: rng.integers(1, len(data))] + other[rng.integers(0, len(other)) :]


def claim_much(data, rng):
    """Every place that holds the true size holds a huge one."""
    huge = int(rng.integers(60_000, 65_536))
    for code, side in (("H", 48), ("H", 64), ("I", 48), ("I", 64)):
        for order in "<>":
            data = data.replace(struct.pack(order + code, side), struct.pack(order + code, huge))
    return data


def text(data, rng):
    """No image at all, or its first bytes before text."""
    return data[: rng.integers(0, 16)] + b"<html>not found</html>\n" * int(rng.integers(0, 9))


MUTATIONS = (flip, flip, cut, cut_at_a_boundary, clear, splice, claim_much, text)


def test_a_damaged_file_is_an_image_or_is_refused_with_a_reason(capfd):
    rng = np.random.default_rng(20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    names, read_anyway = list(FILES), 0
    for index in range(MUTANTS):
        data = FILES[names[index % len(names)]]
        read_anyway += isinstance(read(MUTATIONS[rng.integers(len(MUTATIONS))](data, rng)), Sample)
    assert 0 < read_anyway < MUTANTS / 2
    assert capfd.readouterr() == ("", "")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # kilobytes


@pytest.mark.parametrize("name", FILES)
def test_whatever_the_end_misses_a_cut_file_is_refused(name):
    data = FILES[name]
    assert isinstance(read(data), Sample)
    kept = {*range(0, len(data), 13), *range(max(0, len(data) - 100), len(data))}
    assert [size for size in sorted(kept) if isinstance(read(data[:size]), Sample)] == []


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith("png")])
def test_one_flipped_bit_anywhere_in_a_png_is_found(name):
    data = FILES[name]
    for place in range(len(data)):
        mutant = bytearray(data)
        mutant[place] ^= 1 << place % 8
        assert not isinstance(read(bytes(mutant)), Sample), place


@pytest.mark.parametrize("name", FILES)
def test_the_content_decides_and_bytes_after_the_end_do_not_matter(name):
    plain, longer = read(FILES[name]), read(FILES[name] + b"\0 after the end")
    if name.endswith("avif"):  # whose boxes go on to the end
        assert longer == "it is cut off: the AVIF structure ends early"
    else:
        assert (plain.pixels == longer.pixels).all()


HUGE = (
    ("baseline.jpg", b"\x00\x11\x08" + struct.pack(">HH", 48, 64), b"\x00\x11\x08" + struct.pack(">HH", 65500, 65500)),
    ("lossy.webp", struct.pack("<HH", 64, 48), struct.pack("<HH", 16383, 16383)),
    ("plain.bmp", struct.pack("<ii", 64, 48), struct.pack("<ii", 2**20, -(2**20))),
    ("raw.tiff", struct.pack("<HHII", 256, 4, 1, 64), struct.pack("<HHII", 256, 4, 1, 2**31)),
    ("picture.gif", struct.pack("<HH", 64, 48), struct.pack("<HH", 65535, 65535)),
    ("picture.avif", struct.pack(">II", 64, 48), struct.pack(">II", 2**15, 2**15)),
)


@pytest.mark.parametrize(("name", "true", "huge"), HUGE)
def test_a_size_that_no_image_has_is_refused_from_the_header(name, true, huge):
    if name not in FILES:
        pytest.skip("this build of Pillow reads no AVIF")
    data = FILES[name].replace(true, huge)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert f"are more than the {MAX_PIXELS:,} that are read" in read(data)
    with pytest.raises(UnreadableImage, match="are more than"):
        size_of(data, "image")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**14  # kilobytes
