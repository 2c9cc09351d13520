"""Each encoder against a second binding of its library, or against pixels recorded for a version of it."""

import sys
from hashlib import sha256

import cv2
import numpy as np
import pytest
from PIL import features

from detectors.checks import sample
from detectors.types import Facts
from protocols.degradations import UnknownDegradation, codecs, parse_degradation
from tests.support.pictures import photograph, psnr

PICTURE = photograph("codecs", 90, 131)
# the beginning of the sha256 of the pixels, by what is done and the libraries that did it
RECORDED = {
    ("webp:50", "libwebp 1.6.0"): "c65fcde2d29de322",
    ("avif:50", "libavif 1.4.2, libaom 3.14.1"): "19d294a1f272b05f",
    ("jp2:20", "OpenJPEG 2.5.4"): "732e8054b7063881",
    ("heic:50", "libheif 1.23.6, x265 HEVC encoder (4.3+1-e9b8812)"): "e979f208df3757cf",
    ("jxl:50", "pillow-jxl-plugin 1.3.8"): "dcc39be8ce9cebb2",
}
INSTALLED = {"heic": "pillow_heif", "jxl": "pillow_jxl"}


@pytest.fixture
def one_thread():
    """OpenCV on one thread: it hands its number of threads to the encoder of AVIF."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


def through_opencv(suffix, *options):
    """The pixels of a file that OpenCV wrote and read, and its size in bytes."""
    encoded, data = cv2.imencode(suffix, PICTURE[:, :, ::-1], options)
    assert encoded
    return cv2.imdecode(data, cv2.IMREAD_COLOR_RGB), data.size


@pytest.mark.parametrize("quality", [1, 50, 100])
def test_webp_is_what_opencv_writes(quality):
    expected, size = through_opencv(".webp", cv2.IMWRITE_WEBP_QUALITY, quality)
    degraded = parse_degradation(f"webp:{quality}")(sample(PICTURE))
    assert (degraded.pixels == expected).all()
    assert degraded.facts == Facts("WEBP", 131, 90, size)


@pytest.mark.skipif(
    f"avif (ver {features.version('avif')})" not in cv2.getBuildInformation(),
    reason="OpenCV and Pillow have different versions of libavif",
)
@pytest.mark.parametrize(("quality", "speed"), [(20, 6), (90, 6), (50, 9), (50, 4)])
def test_avif_is_what_opencv_writes_on_one_thread(one_thread, quality, speed):
    expected, size = through_opencv(".avif", cv2.IMWRITE_AVIF_QUALITY, quality, cv2.IMWRITE_AVIF_SPEED, speed)
    degraded = parse_degradation(f"avif:{quality}:{speed}")(sample(PICTURE))
    assert (degraded.pixels == expected).all()
    assert degraded.facts == Facts("AVIF", 131, 90, size)


def test_avif_says_its_speed_where_it_is_not_the_usual_one():
    assert parse_degradation("avif:50:6").name == parse_degradation("avif:50").name == "avif:50"
    assert parse_degradation("avif:50.0:9").name == "avif:50:9"


@pytest.fixture
def saved_files(monkeypatch):
    """The files that Pillow writes during a test."""
    saved, save = [], codecs.PillowImage.Image.save

    def keep(image, file, *arguments, **options):
        save(image, file, *arguments, **options)
        saved.append(file.getvalue())

    monkeypatch.setattr(codecs.PillowImage.Image, "save", keep)
    return saved


@pytest.mark.parametrize("rate", [5, 20, 60])
def test_jpeg_2000_keeps_its_rate_and_opencv_reads_the_same_pixels(saved_files, rate):
    degraded = parse_degradation(f"jp2:{rate}")(sample(PICTURE))
    assert degraded.facts.bytes == pytest.approx(PICTURE.nbytes / rate, rel=0.1)
    assert degraded.facts == Facts("JPEG2000", 131, 90, len(saved_files[0]))
    read = cv2.imdecode(np.frombuffer(saved_files[0], np.uint8), cv2.IMREAD_COLOR_RGB)
    assert (degraded.pixels == read).all()


def test_jpeg_2000_has_the_irreversible_wavelet_and_the_colour_transform(saved_files):
    degraded = parse_degradation("jp2:20")(sample(PICTURE))
    style = saved_files[0].partition(b"\xff\x52")[2][:12]  # ISO/IEC 15444-1, A.6.1: the marker COD and what follows it
    assert style[4:6] == b"\0\1"  # one quality layer
    assert style[6] == 1  # the multiple component transformation is used
    assert style[7] == 5  # decompositions, which give six resolutions
    assert style[11] == 0  # the 9/7 irreversible transformation
    without, _ = through_opencv(".jp2", cv2.IMWRITE_JPEG2000_COMPRESSION_X1000, 50)  # at the same rate
    assert psnr(degraded.pixels, PICTURE) > psnr(without, PICTURE) + 1


@pytest.mark.parametrize(("height", "width"), [(63, 200), (200, 63), (1, 1)])
def test_jpeg_2000_refuses_what_misses_the_rate(height, width):
    with pytest.raises(ValueError, match=rf"^jp2:20 misses its rate on an image of {width}x{height} pixels; give"):
        parse_degradation("jp2:20")(sample(PICTURE[:1, :1].repeat(height, 0).repeat(width, 1)))
    assert parse_degradation("jp2:20")(sample(PICTURE[:64, :64])).pixels.shape == (64, 64, 3)


@pytest.mark.parametrize(("text", "library"), RECORDED, ids=lambda text: text.split()[0])
def test_pixels_are_those_recorded_for_this_version_of_the_library(text, library):
    if module := INSTALLED.get(text.partition(":")[0]):
        pytest.importorskip(module)
    degradation = parse_degradation(text)
    if f"[{library}]" not in degradation.key:
        pytest.skip(f"recorded for {library}, here is {degradation.key}")
    assert sha256(degradation(sample(PICTURE)).pixels).hexdigest()[:16] == RECORDED[text, library]


def test_the_key_carries_the_versions_of_the_encoder(monkeypatch):
    before = parse_degradation("webp:50+jpeg:75").key
    assert before == f"webp:50@1[libwebp {features.version('webp')}]+jpeg:75@1"
    monkeypatch.setattr(features, "version", lambda name: "99.0")
    assert parse_degradation("webp:50+jpeg:75").key == "webp:50@1[libwebp 99.0]+jpeg:75@1"
    monkeypatch.undo()
    assert f"[libavif {features.version('avif')}, libaom " in parse_degradation("avif:50").key


@pytest.mark.parametrize(("kind", "package"), [("heic", "pillow-heif"), ("jxl", "pillow-jxl-plugin")])
def test_without_its_extra_a_format_says_which_package_it_needs(monkeypatch, kind, package):
    monkeypatch.setitem(sys.modules, INSTALLED[kind], None)
    codecs._extra.cache_clear()
    for library in (codecs._heic_library, codecs._jxl_library):
        library.cache_clear()
    with pytest.raises(UnknownDegradation) as caught:
        parse_degradation(f"{kind}:50")
    assert str(caught.value) == (
        f"degradation {kind} needs the package {package}, which is not installed: pip install -e '.[{kind}]'"
    )
    codecs._extra.cache_clear()


@pytest.mark.parametrize("kind", INSTALLED)
def test_formats_of_extras_lose_a_little_and_keep_the_size(kind):
    pytest.importorskip(INSTALLED[kind])
    degraded = parse_degradation(f"{kind}:60")(sample(PICTURE))
    assert degraded.pixels.shape == PICTURE.shape
    assert 20 < psnr(degraded.pixels, PICTURE) < 50
    assert degraded.facts.format == {"heic": "HEIF", "jxl": "JXL"}[kind]
    assert 0 < degraded.facts.bytes < PICTURE.nbytes / 3


@pytest.mark.parametrize("text", ["webp:0", "webp:101", "avif:50:11", "avif", "jp2:0.5", "jxl:100", "heic:0"])
def test_settings_out_of_range_are_refused(text):
    with pytest.raises(UnknownDegradation, match="is not known; "):
        parse_degradation(text)


def test_what_a_format_cannot_hold_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^webp:50 cannot encode an image of 17000x2 pixels: [^\n]+$"):
        parse_degradation("webp:50")(sample(np.zeros((2, 17_000, 3), np.uint8)))
