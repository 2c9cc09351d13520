import numpy as np
import pytest

from detectors.api import Runtime
from detectors.checks import ToyTrainSet, sample, texture
from detectors.handcrafted.synthbuster import Synthbuster, SynthbusterEmbedder, cross_difference


def published(image, period):
    """The features by the transform of the whole image, shifted, frequency by frequency."""
    wide = image.astype(np.float64)
    maps = np.abs(wide[:-1, :-1] + wide[1:, 1:] - wide[:-1, 1:] - wide[1:, :-1])[:-1, :-1]
    height, width = (side // period * period for side in maps.shape[:2])
    features = []
    for channel in range(3):
        shifted = np.fft.fftshift(np.abs(np.fft.fft2(maps[:height, :width, channel])))
        for row in range(-period // 2, period // 2 + 1):
            for column in range(period // 2 + 1):
                down = (height // 2 + row * (height // period)) % height
                right = (width // 2 + column * (width // period)) % width
                features.append(shifted[down, right])
    return np.array(features)


@pytest.mark.parametrize(("period", "columns"), [(8, 135), (16, 459)])
@pytest.mark.parametrize("shape", [(128, 128), (50, 131), (18, 18)])
def test_equals_the_transform_of_the_whole_image(period, columns, shape):
    image = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    embedder = SynthbusterEmbedder(period)
    found = embedder.embed([embedder.prepare(sample(image))])[0]
    assert found.shape == (embedder.dim,) == (columns,)
    np.testing.assert_allclose(found, published(image, period), rtol=1e-5, atol=1e-3)


def test_scene_content_that_bends_along_one_axis_only_vanishes():
    columns = np.random.default_rng(0).integers(0, 256, (1, 64, 3), np.uint8)
    assert not cross_difference(np.repeat(columns, 64, 0)).any()


@pytest.mark.parametrize("step", [4, 8])
def test_a_trace_shows_at_the_multiples_of_its_own_frequency_alone(step):
    image = np.random.default_rng(0).normal(128, 4, (130, 130, 3)).round().astype(np.uint8)
    traced = image.copy()
    traced[::step, ::step] += 24
    embedder = SynthbusterEmbedder(8)
    plain, peaked = (embedder.prepare(sample(one))[:45].reshape(9, 5) for one in (image, traced))
    gain = np.log(peaked / plain)
    inner = (slice(1, 8), slice(1, 4))  # the mean and the highest frequency grow with anything, or with nothing
    multiples = (np.arange(-4, 5)[:, None] % (8 // step) == 0) & (np.arange(5) % (8 // step) == 0)
    assert gain[inner][multiples[inner]].min() > 1.5
    if step == 4:
        assert np.abs(np.median(gain[inner][~multiples[inner]])) < 0.5


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (9, 10), (10, 10), (17, 18), (60, 4000)])
@pytest.mark.parametrize("period", [8, 16])
def test_any_size_is_read(shape, period):
    embedder = SynthbusterEmbedder(period)
    prepared = embedder.prepare(sample(texture("size", *shape)))
    assert prepared.shape == (embedder.dim,)
    assert np.isfinite(prepared).all()


def test_a_small_image_is_mirrored():
    image = texture("small", 6, 10)
    embedder = SynthbusterEmbedder(8)
    mirrored = np.concatenate([image, image[:1:-1]])
    assert (embedder.prepare(sample(image)) == embedder.prepare(sample(mirrored))).all()


def test_keys_tell_the_periods_apart():
    recipes = [Synthbuster("paper"), Synthbuster("small"), Synthbuster("paper", period=16)]
    assert len({recipe.key for recipe in recipes}) == 3
    assert len({recipe.embedder(Runtime()).key for recipe in recipes}) == 2


@pytest.mark.parametrize("setting", [pytest.param("paper", marks=pytest.mark.slow), "small"])
def test_learns(setting):
    train = ToyTrainSet(120)
    probe = Synthbuster(setting).fit(train, 0, Runtime())
    scores = probe.score([probe.prepare(train[index]) for index in range(40)])
    assert ((scores > 0.5) == train.labels[:40]).all()
