import cv2
import numpy as np
import pytest

from detectors.api import Runtime
from detectors.checks import ToyTrainSet, sample, texture
from detectors.handcrafted.spectrum import Spectrum, SpectrumEmbedder
from detectors.preprocessing.crops import luma

SIZES = [128, 256]


def slow_spectrum(image):
    """Welch's average of periodograms, a window at a time."""
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(64) / 64)
    powers = []
    for top in range(0, image.shape[0] - 63, 32):
        for left in range(0, image.shape[1] - 63, 32):
            window = image[top : top + 64, left : left + 64].astype(np.float64)
            powers.append(np.abs(np.fft.rfft2((window - window.mean()) * np.outer(hann, hann))) ** 2)
    return np.log(np.mean(powers, 0) + 1).ravel()


@pytest.mark.parametrize("side", SIZES)
def test_equals_numpy(side):
    embedder = SpectrumEmbedder(side, Runtime())
    for image in (texture("a", side, side), np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)):
        grey = luma(image)
        expected = np.r_[slow_spectrum(grey), slow_spectrum(grey.astype(int) - cv2.medianBlur(grey, 3))]
        found = embedder.embed([embedder.prepare(sample(image))])[0]
        assert found.shape == (embedder.dim,) == (2 * 64 * 33,)
        np.testing.assert_allclose(found, expected, atol=1e-3)


def test_a_grid_shows_as_a_peak():
    image = texture("grid")
    grid = image.copy()
    grid[::4] = np.clip(grid[::4] + 8.0, 0, 255)  # every fourth row: 16 cycles in a window of 64
    embedder = SpectrumEmbedder(128, Runtime())
    plain, peaked = embedder.embed([embedder.prepare(sample(pixels)) for pixels in (image, grid)])
    gain = (peaked - plain)[: 64 * 33].reshape(64, 33)
    assert gain[16, 0] > 3
    assert np.median(np.abs(gain)) < 0.5


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 17])
def test_a_batch_equals_its_images(size):
    embedder = SpectrumEmbedder(128, Runtime())
    batch = [embedder.prepare(sample(texture(f"batch{index}"))) for index in range(size)]
    embeddings = embedder.embed(batch)
    assert embeddings.shape == (size, embedder.dim)
    assert embeddings.dtype == np.float32
    for image, embedding in zip(batch, embeddings, strict=True):
        np.testing.assert_allclose(embedder.embed([image])[0], embedding, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (64, 64), (127, 129), (256, 256), (512, 384), (60, 4000)])
@pytest.mark.parametrize("side", SIZES)
def test_any_size_becomes_a_square(shape, side):
    embedder = SpectrumEmbedder(side, Runtime())
    prepared = embedder.prepare(sample(texture("size", *shape)))
    assert prepared.shape == (2, side, side)
    assert np.isfinite(embedder.embed([prepared])).all()


def test_a_large_image_is_cut_and_not_resampled():
    image = texture("large", 300, 201)
    prepared = SpectrumEmbedder(128, Runtime()).prepare(sample(image))
    assert (prepared[0] == luma(image)[86:214, 36:164]).all()


def test_a_small_image_gets_no_frame():
    image = texture("small", 64, 100)
    prepared = SpectrumEmbedder(128, Runtime()).prepare(sample(image))
    enlarged = cv2.resize(image[:, 18:82], (128, 128), interpolation=cv2.INTER_LINEAR)
    assert (prepared[0] == luma(enlarged)).all()


def test_keys_tell_the_settings_apart():
    keys = {Spectrum(setting).embedder(Runtime()).key for setting in ("paper", "small")}
    assert len(keys) == 2


def test_learns_and_restores():
    train, recipe = ToyTrainSet(), Spectrum("small")
    probe = recipe.fit(train, 0, Runtime())
    restored = recipe.restore(probe.state(), Runtime())
    batch = [probe.prepare(train[index]) for index in range(len(train))]
    scores = probe.score(batch)
    assert ((scores > 0.5) == train.labels).all()
    assert (scores == restored.score(batch)).all()
