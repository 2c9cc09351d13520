"""Every kind that is built in: severities, threads, cores, sizes, and a severity drawn for each image."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib.util import find_spec
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.checks import sample
from detectors.types import Facts, Sample
from protocols.degradations import UnknownDegradation, catalogue, parse_degradation
from protocols.degradations.catalogue import BUILT_IN
from tests.support.pictures import photograph, psnr

MODULES = {"heic": "pillow_heif", "jxl": "pillow_jxl"}
ABSENT = {kind for kind, module in MODULES.items() if find_spec(module) is None}
HERE = [kind for kind in BUILT_IN if kind not in ABSENT]
GRADED = [kind for kind in HERE if BUILT_IN[kind].severities]
MOVED = {
    "lr",
    "scale",
    "longest",
    "thumbnail",
    "screenshot",
    "crop",
    "crop_share",
    "pad",
    "rotate",
}  # geometry does not stay
ONE_OF_EACH = {
    **{kind: f"{kind}:{BUILT_IN[kind].severities[2]}" for kind in GRADED},
    "canonical": "canonical:png",
    "flip": "flip:vertical",
    "greyscale": "greyscale",
    "random": "random:blur",
}
HASHES = """
import json, os, sys
cores, texts = json.loads(sys.argv[1])
os.sched_setaffinity(0, cores)  # before anything asks how many cores there are
from hashlib import sha256
from detectors.checks import sample
from protocols.degradations import parse_degradation
from tests.support.pictures import photograph
picture = sample(photograph("cores", 300, 420))
print(json.dumps({text: sha256(parse_degradation(text)(picture).pixels).hexdigest() for text in texts}))
"""
BY_TORCH = [kind for kind in BUILT_IN if BUILT_IN[kind].by_torch]
ROUNDED = {"blur", "sharpen"}  # OpenCV's in float32; all others by torch have the very pixels of the processor
BESIDE_SEVERITIES = {
    "blur": ("0.05", "20", "100"),
    "sharpen": ("0.01", "10"),
    **dict.fromkeys(("brightness", "contrast", "saturation"), ("0", "1", "1.5", "4")),
    "gamma": ("0.1", "10"),
    "posterise": ("1", "8"),
    "vignette": ("1",),
    "lr": ("1", "33"),
    "longest": ("1", "40:bicubic"),
    "resize": ("0.01", "0.7:nearest", "1.7:bicubic"),
    "scale": ("0.3:box", "1.3:lanczos"),
}
ODD_PICTURES = [photograph("by torch", *size) for size in ((61, 87), (131, 45), (2, 5))]
PICTURES = [photograph(f"severities {index}", 72, 96) for index in range(50)]

of_each = pytest.mark.parametrize("text", ONE_OF_EACH.values(), ids=ONE_OF_EACH)


def test_each_kind_is_tried():
    assert set(ONE_OF_EACH) == set(HERE)


@pytest.mark.parametrize("kind", [kind for kind in BUILT_IN if BUILT_IN[kind].severities])
def test_there_are_five_severities_written_in_the_shortest_way(kind):
    built_in = BUILT_IN[kind]
    assert len(built_in.severities) == len(set(built_in.severities)) == 5
    for text in built_in.severities:
        assert built_in.spell(text, built_in.parse(text)) == text


def test_kinds_without_severities_have_no_strength():
    assert {kind for kind in BUILT_IN if not BUILT_IN[kind].severities} == {"canonical", "flip", "greyscale", "random"}


@pytest.mark.parametrize("images", [16, pytest.param(50, marks=pytest.mark.slow)])
@pytest.mark.parametrize("kind", [kind for kind in GRADED if kind not in MOVED])
def test_each_severity_loses_more_than_the_one_before(kind, images):
    """On each of the images, where geometry stays; else the tests of the module hold what is kept or covered."""
    steps = [parse_degradation(f"{kind}:{text}") for text in BUILT_IN[kind].severities]
    for picture in PICTURES[:images]:
        quality = [psnr(step(sample(picture)).pixels, picture) for step in steps]
        assert np.isfinite(quality).all()
        assert all(milder > stronger for milder, stronger in pairwise(quality)), (kind, quality)


@of_each
def test_pixels_are_the_same_with_one_thread_and_with_eight(text):
    degradation, pictures = parse_degradation(text), [sample(one) for one in PICTURES[:8]]
    expected = [degradation(one) for one in pictures]
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(degradation, pictures[::-1]))[::-1]
    for one, other in zip(expected, found, strict=True):
        assert (one.pixels == other.pixels).all()
        assert one.facts == other.facts


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="processes cannot be kept to a core here")
def test_pixels_are_the_same_on_one_core_and_on_two():
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        pytest.skip("there is one core")
    texts = list(ONE_OF_EACH.values())
    found = []
    for cores in (available[:1], available[:2]):
        arguments = [sys.executable, "-c", HASHES, str([cores, texts]).replace("'", '"')]
        done = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found.append(done.stdout)
    assert found[0] == found[1]


@of_each
@given(height=st.integers(1, 40), width=st.integers(1, 40))
@settings(max_examples=12)
def test_any_size_works_or_is_refused_in_one_sentence_and_the_input_is_left_alone(text, height, width):
    picture = photograph("any", height, width)
    before, degradation = picture.copy(), parse_degradation(text)
    given = Sample(picture, Facts("JPEG", width, height, 1000, 90))
    if text == "jp2:20":
        with pytest.raises(ValueError, match=rf"^jp2:20 misses [^\n]+ {width}x{height} pixels; [^\n]+$"):
            degradation(given)
        return
    once, again = degradation(given), degradation(given)
    assert once.pixels.dtype == np.uint8
    assert once.pixels.flags.c_contiguous
    assert (once.pixels == again.pixels).all()
    assert (picture == before).all()
    assert given.facts == Facts("JPEG", width, height, 1000, 90)


@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")),
    ],
)
@pytest.mark.parametrize("kind", BY_TORCH)
def test_by_torch_no_value_is_more_than_one_level_from_that_of_the_processor(kind, device):
    most = 1 if kind in ROUNDED else 0
    for text in (*(BUILT_IN[kind].severities or ("",)), *BESIDE_SEVERITIES.get(kind, ())):
        degradation = parse_degradation(f"{kind}:{text}" if text else kind)
        for picture in map(sample, ODD_PICTURES):
            expected, found = degradation(picture), degradation.on(device)(picture)
            assert found.facts == expected.facts
            apart = np.abs(found.pixels.astype(int) - expected.pixels)
            assert apart.max() <= most, text
            assert (apart > 0).mean() < 1e-3, text


@of_each
def test_facts_are_those_of_the_degraded_file(text):
    degraded = parse_degradation(text)(Sample(PICTURES[0], Facts("GIF", 96, 72, 1000)))
    height, width = degraded.pixels.shape[:2]
    assert (degraded.facts.width, degraded.facts.height) == (width, height)
    encoded = {
        "webp": "WEBP",
        "avif": "AVIF",
        "jp2": "JPEG2000",
        "heic": "HEIF",
        "jxl": "JXL",
        **dict.fromkeys(("jpeg", "jpeg_shifted", "jpeg_falling"), "JPEG"),
        **dict.fromkeys(("canonical", "screenshot"), "PNG"),
    }
    expected = encoded.get(text.partition(":")[0], "RAW")
    assert degraded.facts.format == expected
    assert (degraded.facts.jpeg_quality is not None) == (expected == "JPEG")
    if expected == "RAW":
        assert degraded.facts.bytes == degraded.pixels.nbytes
    else:
        assert 0 < degraded.facts.bytes < degraded.pixels.nbytes


def test_a_drawn_severity_is_one_of_the_five_and_depends_on_the_content_alone():
    kind, drawn = BUILT_IN["blur"], parse_degradation("random:blur")
    choices = [parse_degradation(f"blur:{text}") for text in kind.severities]
    counts = np.zeros(5, int)
    for picture in PICTURES:
        found = drawn(Sample(picture.copy(), Facts("PNG", 96, 72, 7))).pixels
        equal = [bool((choice(sample(picture)).pixels == found).all()) for choice in choices]
        assert sum(equal) == 1
        counts += equal
    assert counts.min() >= 2


def test_what_is_drawn_from_is_part_of_the_key():
    severities = " ".join(BUILT_IN["webp"].severities)
    library = parse_degradation("webp:50").key.partition("[")[2]
    assert parse_degradation("random:webp").key == f"random:webp@1[webp@1[{library} {severities}]"
    assert parse_degradation("random:webp").name == "random:webp"


@pytest.mark.parametrize("text", ["random", "random:", "random:flip", "random:random", "random:fog", "random:jpeg:65"])
def test_where_there_is_nothing_to_draw_from_it_is_said(text):
    with pytest.raises(UnknownDegradation, match=r"is not known; random is written random:NAME \(one of"):
        parse_degradation(text)


def test_any_kinds_are_chained():
    chain = parse_degradation("longest:80+gaussian_noise:0.02+webp:75+random:jpeg")
    found = sample(PICTURES[0])
    for text in chain.name.split("+"):
        found = parse_degradation(text)(found)
    assert (chain(sample(PICTURES[0])).pixels == found.pixels).all()
    assert found.facts.format == "JPEG"


def test_each_kind_says_how_it_is_written_and_what_it_means():
    for name, kind in catalogue.kinds().items():
        assert isinstance(kind, catalogue.DegradationKind)
        assert kind.written.partition(":")[0] == name
        assert kind.meaning
        assert f"{kind.written} ({kind.meaning})" == kind.usage


def test_pictures_of_one_name_are_one_picture():
    assert sha256(photograph("severities 0", 72, 96)).digest() == sha256(PICTURES[0]).digest()
