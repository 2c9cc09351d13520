import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from detectors.api import Runtime
from detectors.checks import ToyTrainSet, check, sample, texture
from detectors.handcrafted.radial_spectrum import RadialSpectrum, RadialSpectrumEmbedder, log_magnitudes, radial_profile
from detectors.preprocessing.crops import luma


def published_profile(spectrum):
    """The average over rings as the code of the paper takes it: sorted radii and differences of cumulated sums."""
    down, right = np.indices(spectrum.shape)
    radius = np.hypot(right - right.max() / 2, down - down.max() / 2)
    order = np.argsort(radius.flat)
    whole = radius.flat[order].astype(int)
    ends = np.flatnonzero(whole[1:] - whole[:-1])
    sums = np.cumsum(spectrum.flat[order], dtype=float)
    return (sums[ends[1:]] - sums[ends[:-1]]) / (ends[1:] - ends[:-1])


def slow_profile(spectrum):
    """A list of values per ring, a pixel at a time."""
    middle = (len(spectrum) - 1) / 2
    rings = {}
    for down, row in enumerate(spectrum):
        for right, value in enumerate(row):
            rings.setdefault(int(np.hypot(down - middle, right - middle)), []).append(value)
    return np.array([np.mean(rings[ring]) for ring in sorted(rings)[1:-1]])


@pytest.mark.parametrize("side", [16, 17, 64, 128])
def test_the_average_equals_two_slow_ones(side):
    spectrum = np.random.default_rng(0).normal(100, 20, (side, side))
    found = radial_profile(spectrum)
    np.testing.assert_allclose(found, slow_profile(spectrum), rtol=1e-12)
    np.testing.assert_allclose(found, published_profile(spectrum), rtol=1e-9)


def test_an_image_of_1024_gives_the_722_values_of_the_paper():
    assert len(radial_profile(np.zeros((1024, 1024)))) == 722


@pytest.mark.parametrize("points", [80, 300])
def test_the_whole_chain_equals_its_steps(points):
    image = np.random.default_rng(1).integers(0, 256, (100, 100, 3), np.uint8)
    waves = np.fft.fftshift(np.fft.fft2(luma(image))) + 1e-8
    profile = published_profile(20 * np.log(np.abs(waves)))
    places = np.linspace(0, points, len(profile))
    expected = CubicSpline(places, profile)(np.linspace(0, points, points))
    found = RadialSpectrumEmbedder(points).prepare(sample(image))
    np.testing.assert_allclose(found, expected / expected[0], rtol=1e-5)


def test_the_constant_component_lies_in_the_ring_that_is_left_out():
    spectrum = log_magnitudes(np.full((64, 64), 9, np.uint8))
    assert np.unravel_index(spectrum.argmax(), spectrum.shape) == (32, 32)
    assert radial_profile(spectrum).max() < 0 < spectrum.max()


def test_rotating_an_image_changes_little():
    image = texture("turned")
    embedder = RadialSpectrumEmbedder(80)
    plain, rotated = (embedder.prepare(sample(one)) for one in (image, np.rot90(image)))
    assert plain[0] == rotated[0] == 1
    assert np.abs(plain - rotated).mean() < 0.01


def test_a_blur_lowers_the_end_of_the_spectrum():
    image = texture("bent")
    smooth = image.copy()
    smooth[1:] = (image[1:].astype(int) + image[:-1]) // 2
    embedder = RadialSpectrumEmbedder(80)
    plain, bent = (embedder.prepare(sample(one)) for one in (image, smooth))
    assert (plain - bent)[50:].mean() > 3 * np.abs((plain - bent)[:20]).mean()


@pytest.mark.parametrize("shape", [(1, 1), (15, 15), (2, 300), (127, 129), (60, 4000)])
@pytest.mark.parametrize("points", [80, 300])
def test_any_size_gives_as_many_values(shape, points):
    prepared = RadialSpectrumEmbedder(points).prepare(sample(texture("size", *shape)))
    assert prepared.shape == (points,)
    assert np.isfinite(prepared).all()


def test_keys_tell_the_settings_apart():
    assert len({RadialSpectrum(setting).embedder(Runtime()).key for setting in ("paper", "small")}) == 2


def test_keeps_the_contract_in_the_paper_setting_too():
    check(RadialSpectrum("paper"))


def test_learns():
    train = ToyTrainSet()
    probe = RadialSpectrum("small").fit(train, 0, Runtime())
    scores = probe.score([probe.prepare(train[index]) for index in range(len(train))])
    assert ((scores > 0.5) == train.labels).mean() > 0.95
