from collections import Counter
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from bench.embedded.scenes.camera import photograph
from bench.embedded.scenes.composition import KINDS, SHARES, compose
from bench.embedded.scenes.scene import render
from bench.embedded.scenes.shapes import outlines
from bench.embedded.scenes.textures import reflectances, texture, texture_bank

COUNT = 400


@pytest.fixture(scope="module")
def many():
    return [render(seed) for seed in range(COUNT)]


def residual(pixels):
    """Mean absolute second difference: the fine noise of an image."""
    grey = pixels.astype(np.float32).mean(-1)
    return float(np.abs(np.diff(grey, 2, axis=0)).mean())


def test_a_scene_depends_on_its_seed_alone(many):
    np.random.default_rng(0)
    for seed in (399, 7, 7):
        assert np.array_equal(render(seed).pixels, many[seed].pixels)
        assert render(seed).camera == many[seed].camera


def test_scenes_are_pictures_of_their_own(many):
    assert all(one.pixels.shape == (128, 128, 3) and one.pixels.dtype == np.uint8 for one in many)
    assert all(one.pixels.flags["C_CONTIGUOUS"] for one in many)
    assert len({one.pixels.tobytes() for one in many}) == COUNT
    with pytest.raises(FrozenInstanceError):
        many[0].kind = "leaves"


def test_kinds_and_crops_come_in_their_shares(many):
    kinds = Counter(one.kind for one in many)
    for kind, share in zip(KINDS, SHARES, strict=True):
        assert abs(kinds[kind] / COUNT - share) < 4 * np.sqrt(share * (1 - share) / COUNT)
    assert abs(np.mean([one.resampling == "none" for one in many]) - 0.45) < 0.1


def test_spectra_fall_as_those_of_photographs(many):
    window = np.outer(np.hanning(128), np.hanning(128))
    grey = np.stack([one.pixels.mean(-1) for one in many])
    power = (np.abs(np.fft.fft2((grey - grey.mean((1, 2), keepdims=True)) * window)) ** 2).mean(0)
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(128), np.fft.fftfreq(128)))
    edges = 0.02 * 1.5 ** np.arange(8)
    bands = [power[(frequency >= low) & (frequency < 1.5 * low)].mean() for low in edges]
    slope = np.polyfit(np.log(edges), np.log(bands), 1)[0]
    assert -3.5 < slope < -1.8


def test_recorded_noise_and_focus_are_those_of_the_pixels(many):
    sharp = [one for one in many if one.camera.denoise == "none" and not one.shallow_focus]
    grainy = [residual(one.pixels) for one in sharp if one.camera.gain > 4e-4]
    clean = [residual(one.pixels) for one in sharp if one.camera.gain < 6e-5]
    assert np.median(grainy) > np.median(clean)
    focused = [residual(one.pixels) for one in many if not one.shallow_focus]
    shallow = [residual(one.pixels) for one in many if one.shallow_focus]
    assert np.median(shallow) < np.median(focused)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(6))
def test_layouts_label_every_pixel_with_a_surface(kind, seed):
    what = compose(np.random.default_rng(seed), kind, 200)
    assert what.labels.shape == (200, 200)
    assert what.labels.min() >= 0
    assert what.labels.max() < what.count
    assert len(np.unique(what.labels)) > 1
    if what.shading is not None:
        assert np.isfinite(what.shading).all()
        assert what.shading.min() >= 0


def test_outlines_keep_order_and_place():
    rng = np.random.default_rng(3)
    centres, radii = rng.uniform(1000, 9000, (200, 2)), rng.uniform(5, 50, 200)
    made = outlines(rng, centres, radii)
    reach = [
        np.abs(outline - centre).max() / radius for outline, centre, radius in zip(made, centres, radii, strict=True)
    ]
    assert max(reach) < 3
    assert outlines(rng, np.empty((0, 2)), np.empty(0)) == []


@pytest.mark.parametrize("zoom", [None, 0.2, 30])
def test_textures_have_the_asked_size(zoom):
    cut = texture(np.random.default_rng(1), 77, zoom)
    assert cut.shape == (77, 77)
    assert cut.dtype == np.float32
    assert np.isfinite(cut).all()
    with pytest.raises(ValueError, match="read-only"):
        texture_bank()[0][0, 0] = 1


def test_reflectances_stay_in_range():
    colours = reflectances(np.random.default_rng(2), 1000)
    assert colours.shape == (1000, 3)
    assert colours.min() >= np.float32(0.004)
    assert colours.max() <= np.float32(1.2)


def test_the_camera_balances_grey():
    light = np.full((64, 64, 3), 0.2, np.float32)
    shots = [photograph(np.random.default_rng(seed), light)[0].mean((0, 1)) for seed in range(40)]
    assert max(np.ptp(mean) for mean in shots) < 40
    assert 90 < np.mean(shots) < 170
