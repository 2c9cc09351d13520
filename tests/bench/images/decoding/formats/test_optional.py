"""HEIC and JPEG XL: read with their extras, named where those are not installed, and never imported else."""

import importlib.util
import io
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from bench.images.decoding.decoder import UnreadableImage, decode, decode_with_details, size_of
from bench.images.decoding.formats import optional
from bench.images.decoding.formats.optional import examine_jxl, load_reader
from detectors.checks import texture
from tests.support.mutated_images import exif_block

RGB = texture("optional", 48, 64)
HEIC = struct.pack(">I", 20) + b"ftypheic\0\0\0\0mif1" + struct.pack(">I", 8) + b"meta"
SMALL_JXL = b"\xff\x0a" + bytes((0b01_00111_1, 0b0)) + bytes(60)  # 8 x (7 + 1) high, of the ratio 1
MODULES = {"HEIF": "pillow_heif", "JXL": "pillow_jxl"}


@pytest.fixture
def _without_extras(monkeypatch):
    def absent(name):
        raise ImportError(name)

    load_reader.cache_clear()
    monkeypatch.setattr(optional, "import_module", absent)
    yield
    load_reader.cache_clear()


@pytest.mark.usefixtures("_without_extras")
@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (HEIC, "it is HEIC, which is read with the extra heic: pip install -e '.[heic]'"),
        (SMALL_JXL, "it is JPEG XL, which is read with the extra jxl: pip install -e '.[jxl]'"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "it is JPEG XL, which is read with the extra jxl: pip install -e '.[jxl]'"),
    ],
)
def test_without_the_extra_a_file_is_called_what_it_is(data, reason):
    with pytest.raises(UnreadableImage) as caught:
        decode(data, "image")
    assert caught.value.reason == reason


def test_other_files_import_no_extra():
    code = (
        "import io, sys; from PIL import Image; from bench.images.decoding.decoder import decode; b = io.BytesIO();"
        "Image.new('RGB', (9, 9)).save(b, 'PNG'); decode(b.getvalue(), 'image');"
        "print([name for name in ('pillow_heif', 'pillow_jxl') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def header(width, height, *, small=False, ratio=0):
    """The header of a JPEG XL codestream."""
    bits = [int(small)]

    def number(value, count):
        bits.extend(value >> place & 1 for place in range(count))

    def length(value):
        if small:
            return number(value // 8 - 1, 5)
        choice = next(index for index, count in enumerate((9, 13, 18, 30)) if value - 1 < 2**count)
        number(choice, 2)
        return number(value - 1, (9, 13, 18, 30)[choice])

    length(height)
    number(ratio, 3)
    if not ratio:
        length(width)
    bits += [0] * (-len(bits) % 8)
    return b"\xff\x0a" + np.packbits(np.array(bits, np.uint8), bitorder="little").tobytes() + bytes(8)


@pytest.mark.parametrize(
    ("size", "options"),
    [
        ((64, 48), {"small": True}),
        ((48, 48), {"small": True, "ratio": 1}),
        ((333, 444), {}),
        ((70_000, 3), {}),
        ((2**30, 2**30), {}),
        ((1920, 1080), {"ratio": 5}),
        ((600, 300), {"ratio": 7}),
    ],
)
def test_the_size_of_a_jpeg_xl_is_read_from_its_header(size, options):
    stream = header(*size, **options)
    assert examine_jxl(stream).size == size
    boxes = b"\0\0\0\x0cJXL \r\n\x87\n" + struct.pack(">I", 20) + b"ftypjxl \0\0\0\0jxl "
    whole = struct.pack(">I", 8 + len(stream)) + b"jxlc" + stream
    assert examine_jxl(boxes + whole).size == size
    part = struct.pack(">I", 12 + len(stream)) + b"jxlp\0\0\0\0" + stream
    assert examine_jxl(boxes + part).size == size


@pytest.mark.parametrize("data", [b"\xff\x0a", b"\xff\x0a\x00", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\1"])
def test_a_header_that_ends_early_is_cut_off(data):
    with pytest.raises(ValueError, match="it is cut off: the JPEG XL structure ends early"):
        examine_jxl(data)


@pytest.mark.parametrize("kind", MODULES)
def test_with_the_extra_pixels_are_read_upright_and_cut_files_refused(kind):
    if importlib.util.find_spec(MODULES[kind]) is None:
        pytest.skip(f"{MODULES[kind]} is not installed")
    load_reader(kind)
    buffer = io.BytesIO()
    options = {"quality": 90, "exif": exif_block(6).tobytes()} if kind == "HEIF" else {"lossless": True}
    Image.fromarray(RGB).save(buffer, kind, **options)
    data = buffer.getvalue()
    sample, details = decode_with_details(data, "image")
    expected = np.rot90(RGB, -1) if kind == "HEIF" else RGB
    assert np.abs(sample.pixels.astype(int) - expected).mean() < 6
    assert details.notes == ()
    assert sorted(size_of(data, "image")) == [48, 64]
    for missing in (1, 9, len(data) // 2):
        with pytest.raises(UnreadableImage):
            decode(data[:-missing], "image")
    with pytest.raises(UnreadableImage, match="are more than the 1,000 that are read"):
        decode(data, "image", max_pixels=1000)
