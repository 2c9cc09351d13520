"""Each degradation against an independent reference, and its place in keys."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.ndimage import gaussian_filter
from torchvision.transforms.v2.functional import resize

from detectors.checks import sample, texture
from detectors.types import Facts, Sample
from protocols.api import NONE
from protocols.degradations import UnknownDegradation, parse_degradation
from protocols.degradations.catalogue import BUILT_IN

PICTURE = texture("degradations", 96, 131)


@pytest.mark.parametrize("quality", [1, 30, 65, 85, 100])
def test_jpeg_is_what_pillow_writes_at_the_same_quality_and_subsampling(quality):
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "JPEG", quality=quality, subsampling=2)
    expected = np.asarray(Image.open(buffer))
    degraded = parse_degradation(f"jpeg:{quality}")(sample(PICTURE))
    difference = np.abs(degraded.pixels.astype(int) - expected)
    assert difference.max() <= 4  # chroma upsampling may round differently between builds of libjpeg
    assert difference.mean() < 0.1
    assert degraded.facts.format == "JPEG"
    assert degraded.facts.jpeg_quality == quality
    assert abs(degraded.facts.bytes - buffer.tell()) < 100


@pytest.mark.parametrize("sigma", [0.5, 1, 3, 5])
def test_blur_is_scipys_gaussian_filter(sigma):
    expected = [gaussian_filter(PICTURE[..., channel].astype(float), sigma) for channel in range(3)]
    degraded = parse_degradation(f"blur:{sigma}")(sample(PICTURE)).pixels
    assert np.abs(degraded - np.rint(np.stack(expected, axis=-1))).max() <= 1


@pytest.mark.parametrize("side", [20, 64, 95])
def test_low_resolution_is_torchvisions_antialiased_bilinear(side):
    degraded = parse_degradation(f"lr:{side}")(sample(PICTURE)).pixels
    assert degraded.shape == (side, round(131 * side / 96), 3)
    tensor = torch.from_numpy(PICTURE).permute(2, 0, 1)
    expected = resize(tensor, list(degraded.shape[:2]), antialias=True).permute(1, 2, 0).numpy()
    assert np.abs(degraded.astype(int) - expected).max() <= 2


def test_low_resolution_never_scales_up():
    assert (parse_degradation("lr:96")(sample(PICTURE)).pixels == PICTURE).all()
    assert (parse_degradation("lr:500")(sample(PICTURE)).pixels == PICTURE).all()


def test_a_chain_applies_its_steps_in_order():
    chained = parse_degradation("lr:64+jpeg:30")(sample(PICTURE))
    by_hand = parse_degradation("jpeg:30")(parse_degradation("lr:64")(sample(PICTURE)))
    other_way = parse_degradation("jpeg:30+lr:64")(sample(PICTURE))
    assert (chained.pixels == by_hand.pixels).all()
    assert (chained.pixels != other_way.pixels).any()
    assert other_way.facts.jpeg_quality is None


def test_a_chain_taken_apart_is_its_steps():
    chain = parse_degradation("lr:64.0+random:webp+jpeg:30")
    assert chain.apart() == tuple(parse_degradation(step) for step in ("lr:64", "random:webp", "jpeg:30"))
    assert parse_degradation("jpeg:30").apart() == (parse_degradation("jpeg:30"),)
    assert parse_degradation("none").apart() == ()


def test_facts_follow_the_pixels():
    facts = parse_degradation("lr:64")(sample(PICTURE)).facts
    assert (facts.width, facts.height, facts.format) == (87, 64, "RAW")


@pytest.mark.parametrize("step", ["lr:64", "crop:64x64", "blur:1", "jpeg:80+lr:64", "canonical:png+crop:64x64"])
def test_a_step_that_has_nothing_to_do_leaves_the_same_facts_as_one_that_has(step):
    """Else the facts of files would tell large images from small ones after both became of one size."""
    file = Facts("JPEG", 64, 64, 1000, 90)
    small, large = Sample(texture("small", 64, 64), file), Sample(texture("large", 128, 128), file)
    facts = [parse_degradation(step)(file_sample).facts for file_sample in (small, large)]
    assert replace(facts[0], width=0, height=0, bytes=0) == replace(facts[1], width=0, height=0, bytes=0)
    assert facts[0].format == "RAW"
    assert facts[0].bytes == 64 * 64 * 3
    if step != "blur:1":
        assert facts[0] == facts[1]


def test_no_step_keeps_the_facts_of_the_file():
    undegraded = Sample(PICTURE, Facts("JPEG", 131, 96, 1000, 90))
    assert parse_degradation("none")(undegraded).facts == undegraded.facts


def test_a_crop_keeps_the_centre_on_the_grid_of_jpeg_blocks():
    picture = texture("crop", 100, 150)
    cropped = parse_degradation("crop:64x50")(sample(picture))
    assert (cropped.pixels == picture[16:66, 32:96]).all()
    assert (cropped.facts.width, cropped.facts.height) == (64, 50)
    assert parse_degradation("crop:200x300")(sample(picture)).pixels.shape == picture.shape
    assert parse_degradation("crop:64x300")(sample(picture)).pixels.shape == (100, 64, 3)


def test_a_cropped_jpeg_image_hardly_changes_when_encoded_again_at_its_own_quality():
    grey = np.repeat(texture("grid", 128, 128)[..., :1], 3, axis=2)
    once = parse_degradation("jpeg:90")(sample(grey)).pixels
    aligned = parse_degradation("crop:64x64")(sample(once)).pixels
    shifted = np.ascontiguousarray(once[27:91, 27:91])
    changes = [
        np.abs(parse_degradation("jpeg:90")(sample(pixels)).pixels.astype(int) - pixels).mean()
        for pixels in (aligned, shifted)
    ]
    assert changes[0] < changes[1] / 2


def test_canonical_encodes_every_image_alike():
    as_jpeg = parse_degradation("canonical:jpeg96")(sample(PICTURE))
    assert (as_jpeg.pixels == parse_degradation("jpeg:96")(sample(PICTURE)).pixels).all()
    assert (as_jpeg.facts.format, as_jpeg.facts.jpeg_quality) == ("JPEG", 96)
    as_png = parse_degradation("canonical:png")(as_jpeg)
    assert (as_png.pixels == as_jpeg.pixels).all()
    assert (as_png.facts.format, as_png.facts.jpeg_quality) == ("PNG", None)
    assert as_png.facts.bytes < PICTURE.nbytes


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    text=st.sampled_from(
        ["jpeg:65", "blur:0.5", "blur:5", "lr:7", "lr:7+blur:1+jpeg:30", "crop:9x30+canonical:jpeg96"]
    ),
)
@settings(max_examples=60, deadline=None)
def test_any_size_works_and_the_input_is_left_alone(height, width, text):
    picture = texture("any", height, width)
    before = picture.copy()
    picture.flags.writeable = False
    once, again = parse_degradation(text)(sample(picture)), parse_degradation(text)(sample(picture))
    assert once.pixels.dtype == np.uint8
    assert once.pixels.shape[2] == 3
    assert (once.pixels == again.pixels).all()
    assert (picture == before).all()


@pytest.mark.parametrize(
    "text",
    [
        "jpeg",
        "jpeg:0",
        "jpeg:101",
        "jpeg:65.5",
        "blur:0",
        "lr:-3",
        "none+lr:3",
        "crop:9",
        "crop:0x9",
        "canonical:jpeg0",
        "canonical:96",
    ],
)
def test_what_is_not_written_well_is_refused_with_how_it_is_written(text):
    bad = text.removeprefix("none+")
    with pytest.raises(UnknownDegradation) as caught:
        parse_degradation(text)
    if text != bad:
        assert str(caught.value).startswith("degradation 'none' is not known; there is none, jpeg, ")
        return
    name = text.partition(":")[0]
    assert str(caught.value) == f"degradation {text!r} is not known; {name} is written {BUILT_IN[name].usage}"


def test_what_is_no_kind_is_refused_with_what_there_is():
    with pytest.raises(
        UnknownDegradation, match="'jpg:65' is not known; did you mean jpeg:65\\? There is none, jpeg, blur"
    ):
        parse_degradation("blur:1+jpg:65")


def test_spelling_is_canonical_and_the_key_carries_versions():
    assert parse_degradation("blur:1.50").name == "blur:1.5"
    assert parse_degradation("crop:64x50+canonical:jpeg96").name == "crop:64x50+canonical:jpeg96"
    assert (
        parse_degradation("lr:112+jpeg:65").key == f"lr:112@{BUILT_IN['lr'].version}+jpeg:65@{BUILT_IN['jpeg'].version}"
    )


def test_the_keys_of_the_built_in_kinds_are_what_caches_were_written_under():
    chain = "jpeg:65+blur:0.5+lr:112+crop:64x50+canonical:png"
    assert parse_degradation(chain).key == "jpeg:65@1+blur:0.5@1+lr:112@1+crop:64x50@1+canonical:png@1"
    assert parse_degradation(NONE).key == parse_degradation(NONE).name == NONE
