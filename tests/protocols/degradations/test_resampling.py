"""Resampling against the filters themselves, written out as sums over pixels."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from detectors.checks import sample
from protocols.degradations import UnknownDegradation, parse_degradation
from protocols.degradations.catalogue import BUILT_IN
from tests.support.pictures import photograph

PICTURE = photograph("resampling", 61, 90)


def bilinear(x):
    return np.maximum(0, 1 - np.abs(x))


def bicubic(x):
    near, far = 1.5 * np.abs(x) ** 3 - 2.5 * x**2 + 1, -0.5 * np.abs(x) ** 3 + 2.5 * x**2 - 4 * np.abs(x) + 2
    return np.where(np.abs(x) < 1, near, np.where(np.abs(x) < 2, far, 0))


def lanczos(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


def weights(old, new, kernel):
    """How much each old sample adds to each new one, floats (new, old); the filter is as wide as a reduction asks."""
    step = old / new
    centres, wide = (np.arange(new) + 0.5) * step, max(step, 1)
    found = kernel((np.arange(old) + 0.5 - centres[:, None]) / wide)
    return found / found.sum(axis=1, keepdims=True)


def filtered(pixels, size, kernel):
    """An image (H, W, 3) at another size, width before height: along rows, then along columns, rounded after each."""
    width, height = size
    rows, columns = weights(pixels.shape[0], height, kernel), weights(pixels.shape[1], width, kernel)
    narrow = np.clip(np.rint(np.einsum("acd,ec->aed", pixels.astype(float), columns)), 0, 255)
    return np.clip(np.rint(np.einsum("ab,bcd->acd", rows, narrow)), 0, 255)


KERNELS = {"bilinear": bilinear, "bicubic": bicubic, "lanczos": lanczos}


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("factor", [0.31, 0.5, 0.9, 1.7])
def test_scaling_is_the_sum_over_the_filter(name, factor):
    expected = filtered(PICTURE, (round(90 * factor), round(61 * factor)), KERNELS[name])
    found = parse_degradation(f"scale:{factor}:{name}")(sample(PICTURE)).pixels
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1  # Pillow has weights in fixed point


def test_the_box_filter_averages_whole_blocks():
    picture = PICTURE[:60, :90]
    expected = picture.reshape(30, 2, 45, 2, 3).mean((1, 3))
    found = parse_degradation("scale:0.5:box")(sample(picture)).pixels
    assert np.abs(found - expected).max() <= 1


def test_nearest_takes_the_pixel_that_lies_at_the_centre():
    rows, columns = ((2 * np.arange(new) + 1) * old // (2 * new) for old, new in ((61, 19), (90, 28)))
    assert (parse_degradation("scale:0.31:nearest")(sample(PICTURE)).pixels == PICTURE[rows][:, columns]).all()


@pytest.mark.parametrize("name", KERNELS)
def test_resizing_goes_down_and_comes_back_with_one_filter(name):
    between = filtered(PICTURE, (36, 24), KERNELS[name])
    expected = filtered(between, (90, 61), KERNELS[name])
    found = parse_degradation(f"resize:0.4:{name}")(sample(PICTURE)).pixels
    assert np.abs(found - expected).max() <= 3  # a level of the small image weighs up to 1.5 in the large one
    assert np.abs(found - expected).mean() < 0.5


def test_the_usual_filter_need_not_be_written():
    assert parse_degradation("resize:0.50:bilinear").name == "resize:0.5"
    assert parse_degradation("longest:1024:lanczos").name == "longest:1024"
    assert parse_degradation("longest:1024:bilinear").name == "longest:1024:bilinear"
    with pytest.raises(UnknownDegradation, match="resize is written resize:FACTOR or"):
        parse_degradation("resize:0.5:cubic")


@pytest.mark.parametrize(("side", "size"), [(45, (45, 30)), (89, (89, 60)), (90, (90, 61)), (500, (90, 61))])
def test_the_longer_side_is_limited_and_never_enlarged(side, size):
    degraded = parse_degradation(f"longest:{side}")(sample(PICTURE))
    assert (degraded.facts.width, degraded.facts.height) == size
    assert np.abs(degraded.pixels - filtered(PICTURE, size, lanczos)).max() <= (0 if size == (90, 61) else 1)
    upright = parse_degradation(f"longest:{side}")(sample(PICTURE.transpose(1, 0, 2).copy()))
    assert (upright.facts.height, upright.facts.width) == size


def test_a_thumbnail_is_averaged_in_blocks_before_it_is_filtered():
    large = photograph("thumbnail", 320, 480)
    blocks = np.floor(large.reshape(80, 4, 120, 4, 3).mean((1, 3)) + 0.5)
    degraded = parse_degradation("thumbnail:60")(sample(large))
    assert np.abs(degraded.pixels - filtered(blocks, (60, 40), bicubic)).max() <= 1
    assert np.abs(degraded.pixels - filtered(large, (60, 40), bicubic)).max() > 3
    assert (degraded.facts.width, degraded.facts.height) == (60, 40)
    for side, size in ((479, (479, 319)), (480, (480, 320)), (9999, (480, 320))):
        same = parse_degradation(f"thumbnail:{side}")(sample(large))
        assert (same.facts.width, same.facts.height) == size


@pytest.mark.parametrize("factor", [0.33, 0.67, 0.9, 1.5])
def test_a_screenshot_is_bilinear_without_antialiasing(factor):
    tensor = torch.from_numpy(PICTURE).permute(2, 0, 1)[None].double()
    size = round(61 * factor), round(90 * factor)
    expected = torch.nn.functional.interpolate(tensor, size, mode="bilinear", align_corners=False)[0].permute(1, 2, 0)
    degraded = parse_degradation(f"screenshot:{factor}")(sample(PICTURE))
    assert np.abs(degraded.pixels - expected.numpy()).max() < 0.75  # weights in fixed point
    assert degraded.facts.format == "PNG"
    buffer = io.BytesIO()
    Image.fromarray(degraded.pixels).save(buffer, "PNG")
    assert degraded.facts.bytes == pytest.approx(len(buffer.getvalue()), rel=0.2)


@pytest.mark.parametrize("kind", ["lr", "scale", "longest", "thumbnail", "screenshot"])
def test_severities_keep_fewer_and_fewer_pixels(kind):
    large = sample(photograph("large", 520, 1100))
    kept = [parse_degradation(f"{kind}:{text}")(large).pixels.size for text in BUILT_IN[kind].severities]
    assert kept == sorted(set(kept), reverse=True)


@pytest.mark.parametrize("text", ["longest:90", "thumbnail:90", "lr:61", "longest:100+thumbnail:90+lr:61"])
def test_what_is_called_idle_at_a_size_leaves_such_an_image_as_it_is(text):
    height, width = PICTURE.shape[:2]
    degradation = parse_degradation(text)
    assert degradation.without_idle_steps([(width, height)]) == "none"
    assert np.array_equal(degradation(sample(PICTURE)).pixels, PICTURE)
    assert degradation.without_idle_steps([(width, height), (height + 90, width + 90)]) == degradation.name
    assert parse_degradation(f"{text}+jpeg:65+lr:500").without_idle_steps([(width, height)]) == "jpeg:65+lr:500"


@pytest.mark.parametrize("text", ["longest:89", "thumbnail:89", "lr:60", "scale:1", "jpeg:65", "lr:60+longest:90"])
def test_what_is_not_known_to_be_idle_is_kept(text):
    height, width = PICTURE.shape[:2]
    assert parse_degradation(text).without_idle_steps([(width, height)]) == text
